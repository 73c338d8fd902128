"""A folder takes the place of another one whole, or the other stays."""

from pathlib import Path

import pytest

from lookalike.placing import place, write_json, write_text


@pytest.fixture
def folders(tmp_path):
    for name in ("aside", "out"):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "x.json", {"is": name, "é": [1]})
    return tmp_path / "aside", tmp_path / "out"


def test_the_new_one_takes_the_place_of_the_old(folders):
    aside, out = folders
    place(aside, out)
    assert (out / "x.json").read_text("utf-8") == '{\n "is": "aside",\n "é": [\n  1\n ]\n}\n'
    assert [entry.name for entry in out.parent.iterdir()] == ["out"]


def test_the_old_one_stays_if_the_new_one_can_not_be_renamed(folders, monkeypatch):
    aside, out = folders
    rename = Path.rename

    def refused(path, target):
        if path == aside:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="space"):
        place(aside, out)
    assert '"out"' in (out / "x.json").read_text("utf-8")
    assert sorted(entry.name for entry in out.parent.iterdir()) == ["aside", "out"]


def test_a_page_is_whole_or_the_one_before_stays(tmp_path):
    page = tmp_path / "new" / "page.html"
    write_text(page, "é\udce9")
    assert page.read_text("utf-8") == "é?"
    with pytest.raises(TypeError):
        write_text(page, None)
    assert [entry.name for entry in page.parent.iterdir()] == ["page.html"]
    assert page.read_text("utf-8") == "é?"
