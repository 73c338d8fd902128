"""The guides say what is true: snippets run, and links lead somewhere."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "notebooks" / "README.md", *DOCS]
START = (ROOT / "docs" / "getting-started.md").read_text("utf-8")


def blocks(text, language):
    """Return the code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def anchors(text):
    """Return the names of a page's headings, as links name them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(guide):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", guide.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        found = guide.parent / file if file else guide
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.read_text("utf-8")), target


def test_the_guide_names_every_extra_but_those_of_developers():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", START, re.MULTILINE)))
    assert sorted(told) == sorted(extras.keys() - {"bench", "test"})


def test_the_first_steps_in_python_do_what_they_say(tmp_path, monkeypatch, capsys):
    pytest.importorskip("skimage", reason="needs the extra demo")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(START, "python"):
        exec(compile(block, "getting-started.md", "exec"), names)
    printed = capsys.readouterr().out
    assert re.search(r"^edited-copy (0\.9\d*|1\.0)$", printed, re.MULTILINE)
    assert re.search(r"^unrelated 0\.0\d*$", printed, re.MULTILINE)
    assert "9 added, 0 failed" in printed
    assert [line.split()[2] for line in printed.splitlines() if re.match(r"\d\.\d\d ", line)][:3] == ["cat"] * 3
    assert "motorcycle.jpg" in printed.splitlines()
    assert printed.splitlines()[-1] in ("identical", "edited-copy")


@pytest.mark.slow
def test_the_first_steps_in_the_shell_run(tmp_path, monkeypatch):
    pytest.importorskip("skimage", reason="needs the extra demo")
    from lookalike.gallery import make_examples

    make_examples(tmp_path / "examples")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    lines = [line for block in blocks(START, "") for line in block.splitlines() if line.startswith("lookalike ")]
    ran = [line for line in lines if line != "lookalike serve"]
    assert len(ran) == 6
    for line in ran:
        words = re.findall(r'"[^"]+"|\S+', line)[1:]
        call = [sys.executable, "-m", "lookalike", *(word.strip('"') for word in words)]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stderr)
        assert '"red motorcycle"' not in line or '"_id": "motorcycle.jpg"' in done.stdout
