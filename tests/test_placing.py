"""A folder takes the place of another one whole, or the other stays."""

import errno
import os
from pathlib import Path

import pytest

from lookalike.errors import FolderUnwritable
from lookalike.placing import place, placed, write_json, write_text


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


def test_a_folder_is_there_when_its_block_ended_well(folders):
    out = folders[1]
    for count in (1, 2):
        with placed(out) as aside:
            assert list(aside.iterdir()) == [], "what was there before is not mixed in"
            write_json(aside / "x.json", {"count": count})
    assert (out / "x.json").read_text("utf-8") == '{\n "count": 2\n}\n'
    assert sorted(entry.name for entry in out.parent.iterdir()) == ["aside", "out"]


@pytest.mark.parametrize("raised", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_folder_whose_block_fails(folders, raised):
    out = folders[1]

    def fail():
        with placed(out) as aside:
            (aside / "half").write_bytes(b"half")
            raise raised

    with pytest.raises((FolderUnwritable, KeyboardInterrupt)) as caught:
        fail()
    if isinstance(raised, OSError):
        assert caught.value.folder == str(out)
        assert caught.value.reason == "No space left on device"
        assert str(out) in str(caught.value)
        assert "Make room there, or name another folder" in str(caught.value)
    assert [entry.name for entry in out.iterdir()] == ["x.json"]
    assert sorted(entry.name for entry in out.parent.iterdir()) == ["aside", "out"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FolderUnwritable, match="Permission denied"), placed(tmp_path / "out"):
        pytest.fail("there is no such folder")
    tmp_path.chmod(0o700)
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnwritable, match="exists"), placed(tmp_path / "file" / "out"):
        pytest.fail("there is no such folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
