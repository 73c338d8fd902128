"""`import lookalike`: light, complete, and what it promises."""

import subprocess
import sys
from pathlib import Path

import lookalike
from lookalike import errors
from lookalike.version import __version__

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("cv2", "onnxruntime", "torch", "fastapi", "sqlalchemy", "qdrant_edge", "qdrant_client", "PIL", "numpy")


def test_import_loads_nothing_heavy():
    probe = f"import sys, lookalike; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_is_no_module():
    for name in lookalike.__all__:
        value = getattr(lookalike, name)
        assert type(value).__name__ != "module", f"lookalike.{name} is shadowed by a module"


def test_public_functions_survive_the_import_of_every_room():
    probe = (
        "import lookalike.api.app, lookalike.cli, lookalike.folders.group, lookalike\n"
        "assert all(callable(getattr(lookalike, name)) for name in lookalike.__all__ if name != '__version__')"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(lookalike, "no_such_name")


def test_every_error_is_in_the_drawn_tree_and_has_its_own_code():
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, errors.LookalikeError) for kind in classes)
    codes = [kind.code for kind in classes]
    assert len(set(codes)) == len(codes)
    assert all(name in errors.__doc__ for name in errors.__all__)


def test_version_is_the_changelogs_newest():
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == __version__
