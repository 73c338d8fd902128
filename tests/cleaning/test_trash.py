import os
import subprocess
from pathlib import Path

import pytest
from cleanable import put

from lookalike.cleaning.trash import has_trash, place_in_trash
from lookalike.errors import DisposalUnavailable

pytestmark = pytest.mark.skipif(not has_trash(), reason="no freedesktop.org trash on this system")


def place(path, data):
    return place_in_trash(str(path), {"XDG_DATA_HOME": str(data)})


def test_the_home_trash_takes_what_is_on_its_volume(tmp_path):
    file = put(tmp_path / "in" / os.fsdecode(b"a b%\xe9.jpg"), b"x")
    found = place(file, tmp_path / "data")
    trash = tmp_path / "data" / "Trash"
    assert found.target == str(trash / "files" / file.name)
    assert found.note == str(trash / "info" / f"{file.name}.trashinfo")
    first, path, date, end = found.text.split("\n")
    assert (first, path, end) == ("[Trash Info]", f"Path={tmp_path}/in/a%20b%25%E9.jpg", "")
    assert len(date) == len("DeletionDate=2026-01-02T03:04:05")
    assert (trash / "files").stat().st_mode & 0o777 == 0o700


def test_names_that_are_taken_or_left_over_get_a_number(tmp_path):
    file = put(tmp_path / "a.tar.jpg", b"x")
    put(tmp_path / "data" / "Trash" / "files" / "a.tar.jpg", b"other")
    put(tmp_path / "data" / "Trash" / "info" / "a.tar.2.jpg.trashinfo", b"left over")
    assert Path(place(file, tmp_path / "data").target).name == "a.tar.3.jpg"


def test_the_longest_names_fit_with_their_record(tmp_path):
    file = put(tmp_path / ("ü" * 125 + ".jpg"), b"x")
    found = place(file, tmp_path / "data")
    Path(found.note).write_text(found.text)
    Path(found.target).write_bytes(b"x")
    assert found.target.endswith(".jpg")


@pytest.fixture
def volume(tmp_path):
    folder = tmp_path / "volume"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True)
    if done.returncode:
        pytest.skip("may not mount")
    yield folder
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    subprocess.run(["umount", folder], check=True)


def test_another_volume_has_its_own_trash_with_paths_below_its_top(volume, tmp_path):
    found = place(put(volume / "x" / "a.jpg", b"x"), tmp_path / "data")
    own = volume / f".Trash-{os.getuid()}"
    assert found.target == str(own / "files" / "a.jpg")
    assert "\nPath=x/a.jpg\n" in found.text
    assert own.stat().st_mode & 0o777 == 0o700


def test_an_administrators_trash_is_used_if_it_is_safe(volume, tmp_path):
    file = put(volume / "a.jpg", b"x")
    (volume / ".Trash").mkdir()
    assert f".Trash-{os.getuid()}" in place(file, tmp_path / "data").target  # not sticky
    (volume / ".Trash").chmod(0o1777)
    assert place(file, tmp_path / "data").target == str(volume / ".Trash" / str(os.getuid()) / "files" / "a.jpg")
    (volume / ".Trash").rename(volume / "elsewhere")
    (volume / ".Trash").symlink_to(volume / "elsewhere")
    assert f".Trash-{os.getuid()}" in place(file, tmp_path / "data").target


def test_a_volume_without_a_trash_says_so(volume, tmp_path):
    file = put(volume / "a.jpg", b"x")
    (volume / f".Trash-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(DisposalUnavailable, match="no trash of yours"):
        place(file, tmp_path / "data")
    (volume / f".Trash-{os.getuid()}").unlink()
    subprocess.run(["mount", "-o", "remount,ro", volume], check=True)
    with pytest.raises(DisposalUnavailable, match="quarantine folder"):
        place(file, tmp_path / "data")
