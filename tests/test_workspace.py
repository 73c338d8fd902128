"""A workspace: one process at a time, collections that survive, strangers' folders refused."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

import lookalike
from lookalike.catalog import open_catalog
from lookalike.errors import (
    CollectionExists,
    CollectionNotFound,
    InvalidArgument,
    InvalidName,
    StoreUnreadable,
    WorkspaceLocked,
    WorkspaceUnreadable,
)


def test_a_collection_is_there_again_after_reopening(tmp_path, pictures):
    with lookalike.open(tmp_path / "space") as space:
        space.create("a", product_id="sku").add([{"_id": "0", "_file": str(pictures / "0.jpg"), "sku": "x"}])
    with lookalike.open(tmp_path / "space") as space:
        assert [info.name for info in space.list()] == ["a"]
        assert space.get("a").info.product_id == "sku"
        assert space.get("a").get(["0"])[0].fields["sku"] == "x"


def test_one_object_per_collection(space):
    assert space.create("a") is space.get("a")


def test_a_missing_collection_names_those_there_are(space):
    space.create("cats")
    with pytest.raises(CollectionNotFound, match="cats"):
        space.get("dogs")


def test_a_name_is_taken_once(space):
    space.create("a")
    with pytest.raises(CollectionExists):
        space.create("a")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "x" * 65, "-a", "ä", "a\n"])
def test_names_that_could_leave_the_folder_are_refused(space, name):
    with pytest.raises(InvalidName):
        space.create(name)


def test_a_dropped_collection_is_gone_and_its_name_is_free(space, pictures):
    space.create("a").add([pictures / "0.jpg"])
    space.drop("a")
    with pytest.raises(CollectionNotFound):
        space.get("a")
    assert len(space.create("a")) == 0


def test_a_second_process_is_told_who_holds_it(tmp_path, space):
    probe = f"import lookalike\nlookalike.open({str(space.path)!r})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert "WorkspaceLocked" in done.stderr
    assert f"process {os.getpid()}" in done.stderr


def test_the_lock_goes_with_the_workspace(tmp_path):
    first = lookalike.open(tmp_path / "space")
    with pytest.raises(WorkspaceLocked):
        lookalike.open(tmp_path / "space")
    first.close()
    first.close()
    lookalike.open(tmp_path / "space").close()


def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(WorkspaceUnreadable, match="other things"):
        lookalike.open(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkspaceUnreadable):
        lookalike.open(tmp_path / "file")


def test_what_an_interrupted_drop_left_is_not_the_next_collections(space, monkeypatch):
    own = space.create("own", kind="custom", entities={"shape": 3})
    own.add([{"_id": "a", "_vector": [1, 2, 3]}])
    own.remove(["a"])
    with monkeypatch.context() as patched:
        patched.setattr(space, "_clear_away", lambda name: None)
        space.drop("own")
    assert space.create("own", kind="custom", entities={"shape": 3}).removals() == []


@pytest.mark.parametrize("left", ["missing", "empty"])
def test_a_lost_catalog_does_not_take_the_collections_with_it(tmp_path, left):
    folder = tmp_path / "space"
    with lookalike.open(folder) as space:
        space.create("own", kind="custom", entities={"shape": 3}).add([{"_id": "a", "_vector": [1, 2, 3]}])
    shutil.copy(folder / "catalog.sqlite", tmp_path / "saved")
    (folder / "catalog.sqlite").unlink()
    if left == "empty":
        (folder / "catalog.sqlite").touch()
    with pytest.raises(WorkspaceUnreadable, match="there are collections"):
        lookalike.open(folder)
    with pytest.raises(WorkspaceUnreadable, match="there are collections"):
        open_catalog(folder)
    shutil.copy(tmp_path / "saved", folder / "catalog.sqlite")
    with lookalike.open(folder) as space:
        assert len(space.get("own")) == 1


def test_a_collection_that_is_damaged_can_be_dropped_and_leaves_the_others(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        for name in ("bad", "good"):
            space.create(name, kind="custom", entities={"shape": 3}).add([{"_id": "a", "_vector": [1, 2, 3]}])
    (tmp_path / "space" / "collections" / "bad" / "store.json").write_text("{", "utf-8")
    with lookalike.open(tmp_path / "space") as space:
        with pytest.raises(StoreUnreadable, match="Restore it from a backup, or delete the collection"):
            space.get("bad")
        assert len(space.get("good")) == 1
        space.drop("bad")
        assert len(space.create("bad", kind="custom", entities={"shape": 3})) == 0


@pytest.mark.parametrize("gone", ["collections", "collections/own"])
def test_a_collection_whose_files_are_gone_is_told_as_lost(tmp_path, gone):
    with lookalike.open(tmp_path / "space") as space:
        space.create("own", kind="custom", entities={"shape": 3}).add([{"_id": "a", "_vector": [1, 2, 3]}])
    shutil.rmtree(tmp_path / "space" / gone)
    with lookalike.open(tmp_path / "space") as space:
        with pytest.raises(StoreUnreadable, match="its files are gone"):
            space.get("own")
        with pytest.raises(CollectionExists):
            space.create("own", kind="custom", entities={"shape": 3})
        space.drop("own")
        assert len(space.create("own", kind="custom", entities={"shape": 3})) == 0


@pytest.mark.parametrize("where", ["before its store", "before its entry", "at the end"])
def test_a_collection_whose_making_was_killed_is_made_again(tmp_path, monkeypatch, where):
    def die(*_):
        raise KeyboardInterrupt

    with lookalike.open(tmp_path / "space") as space, monkeypatch.context() as patched:
        steps = {
            "before its store": (space._keeper, "make"),
            "before its entry": (space.catalog.collections, "add"),
            "at the end": (space, "_open"),
        }
        patched.setattr(*steps[where], die)
        with pytest.raises(KeyboardInterrupt):
            space.create("own", kind="custom", entities={"shape": 3})
    with lookalike.open(tmp_path / "space") as space:
        if where != "at the end":
            assert list(space.list()) == []
            space.create("own", kind="custom", entities={"shape": 3})
        assert len(space.get("own")) == 0


def test_a_folder_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    lookalike.open(tmp_path / "space").close()

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("lookalike.workspace.FileLock.acquire", refuse)
    with pytest.raises(WorkspaceUnreadable, match="Read-only file system; it must be writable"):
        lookalike.open(tmp_path / "space")


def test_a_catalog_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    folder = tmp_path / "space"
    lookalike.open(folder).close()
    (folder / "catalog.sqlite").unlink()
    (folder / "catalog.sqlite").mkdir()
    with pytest.raises(WorkspaceUnreadable, match="look whether the disk is full or can't be written"):
        lookalike.open(folder)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a matter of POSIX")
def test_a_new_workspace_is_its_owners_alone(tmp_path):
    with lookalike.open(tmp_path / "made") as space:
        space.create("c", kind="custom", entities={"shape": 3})
        modes = {path.name: path.stat().st_mode & 0o077 for path in (space.path, *space.path.glob("catalog.sqlite*"))}
    assert modes.keys() >= {"made", "catalog.sqlite"}
    assert set(modes.values()) == {0}


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a matter of POSIX")
def test_what_its_owner_shares_stays_shared(tmp_path):
    lookalike.open(tmp_path / "w").close()
    (tmp_path / "w").chmod(0o770)
    (tmp_path / "w" / "catalog.sqlite").chmod(0o660)
    lookalike.open(tmp_path / "w").close()
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o770
    assert (tmp_path / "w" / "catalog.sqlite").stat().st_mode & 0o777 == 0o660


def test_what_is_no_name_and_no_place_is_told(space):
    for verb in (space.create, space.get):
        with pytest.raises(InvalidName, match="None can't name a collection"):
            verb(None)
    with pytest.raises(InvalidArgument, match="path is 5; it must be a folder"):
        lookalike.open(5)
