import errno
import os

import pytest
from cleanable import other_volume, put, tree

from lookalike.cleaning import disk
from lookalike.errors import FileChanged


@pytest.fixture(params=["at once", "by links", "by a look"])
def system(request, monkeypatch):
    """The three ways of not overwriting that systems offer."""
    if request.param != "at once":
        monkeypatch.setattr(disk, "_rename_at_once", lambda source, target: False)
    if request.param == "by a look":

        def refuse(*args, **named):
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", refuse)


def test_a_rename_overwrites_nothing(system, tmp_path):
    put(tmp_path / "a", b"a")
    put(tmp_path / "b", b"b")
    before = tree(tmp_path)
    with pytest.raises(FileExistsError):
        disk.rename_new(str(tmp_path / "a"), str(tmp_path / "b"))
    assert tree(tmp_path) == before
    disk.rename_new(str(tmp_path / "a"), str(tmp_path / "c"))
    assert tree(tmp_path) == {"b": before["b"], "c": before["a"]}
    with pytest.raises(FileNotFoundError):
        disk.rename_new(str(tmp_path / "a"), str(tmp_path / "d"))


def test_a_copy_to_another_volume_that_is_not_the_file_is_not_taken_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_rename_at_once", disk._rename_at_once)
    other_volume()
    put(tmp_path / "x" / "a", b"one")
    (tmp_path / "y").mkdir()
    facts = disk.read_facts(str(tmp_path / "x" / "a"))
    put(tmp_path / "x" / "a", b"two")
    before = tree(tmp_path)
    with pytest.raises(FileChanged, match="other bytes"):
        disk.transfer(str(tmp_path / "x" / "a"), str(tmp_path / "y" / "a"), str(tmp_path / "y" / ".part"), facts)
    assert tree(tmp_path) == before


def test_a_source_that_changes_while_it_is_copied_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_rename_at_once", disk._rename_at_once)
    other_volume()
    put(tmp_path / "x" / "a", b"one")
    (tmp_path / "y").mkdir()
    facts = disk.read_facts(str(tmp_path / "x" / "a"))
    copy_new = disk.copy_new

    def meddle(*args):
        copy_new(*args)
        put(tmp_path / "x" / "a", b"newer")

    monkeypatch.setattr(disk, "copy_new", meddle)
    with pytest.raises(FileChanged, match="while it was copied"):
        disk.transfer(str(tmp_path / "x" / "a"), str(tmp_path / "y" / "a"), str(tmp_path / "y" / ".part"), facts)
    assert (tmp_path / "x" / "a").read_bytes() == b"newer"
    assert list((tmp_path / "y").iterdir()) == []


def test_a_write_that_breaks_off_leaves_nothing(tmp_path):
    def blocks():
        yield b"half"
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        disk.write_new(str(tmp_path / "a"), blocks())
    assert list(tmp_path.iterdir()) == []
    put(tmp_path / "a", b"mine")
    with pytest.raises(FileExistsError):
        disk.write_new(str(tmp_path / "a"), b"theirs")
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, bytes(data)[:3]))
    disk.write_new(str(tmp_path / "a"), b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_an_error_of_the_system(tmp_path):
    put(tmp_path / "a", b"a", mode=0)
    with pytest.raises(PermissionError):
        disk.read_facts(str(tmp_path / "a"))


def test_only_empty_folders_of_ours_go(tmp_path):
    folders = disk.missing_folders(str(tmp_path / "a" / "b" / "c" / "file"))
    assert folders == tuple(str(tmp_path / name) for name in ("a", "a/b", "a/b/c"))
    disk.make_folders(folders)
    disk.make_folders(folders)
    put(tmp_path / "a" / "mine", b"")
    disk.clear_folders(folders)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine"]
