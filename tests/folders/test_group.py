"""Folders divided: transitive, complete, and copied without touching anything else."""

import os
import shutil

import numpy as np
import pytest

from lookalike.errors import FolderError, FolderNotFound, InvalidArgument, NoImagesFound
from lookalike.folders.copies import copy_groups
from lookalike.folders.group import group_folder
from lookalike.folders.scan import scan
from lookalike.images import read_image
from lookalike.ssim import prepare, ssim, to_gray


def names(found):
    return [[path.name for path in group] for group in found.groups]


def test_alike_is_a_chain(tmp_path, draw, save):
    """b is like a and c, a and c are less alike than the grade; all three are one group."""
    texture, drift = np.random.default_rng(1).normal(0, [[20], [5]], (2, 240 * 320 * 3)).reshape(2, 240, 320, 3)
    a = draw(1) / 2 + 64 + texture
    for name, step in {"a": 0, "b": 1, "c": 2}.items():
        save(np.clip(a + step * drift, 0, 255).astype(np.uint8), tmp_path / f"{name}.png")
    save(draw(2), tmp_path / "d.png")
    gray = {name: prepare(to_gray(read_image(tmp_path / f"{name}.png").pixels)) for name in "abc"}
    near, far = min(ssim(gray["a"], gray["b"]), ssim(gray["b"], gray["c"])), ssim(gray["a"], gray["c"])
    assert far < near
    assert names(group_folder(tmp_path, grade=(near + far) / 2)) == [["a.png", "b.png", "c.png"], ["d.png"]]
    assert len(group_folder(tmp_path, grade=1.0).groups) == 4
    assert len(group_folder(tmp_path, grade=0.0).groups) == 1


@pytest.mark.parametrize("method", ["copy", "meaning"])
def test_vectors_group_edited_copies(tmp_path, draw, save, method):
    for seed in range(3):
        save(draw(seed), tmp_path / f"{seed}.png")
        save(draw(seed)[::2, ::2], tmp_path / f"{seed}-small.jpg", quality=80)
    found = group_folder(tmp_path, grade=0.9, method=method)
    assert all(any({f"{s}.png", f"{s}-small.jpg"} <= set(group) for group in names(found)) for s in range(3))


def test_unreadable_pictures_are_listed(pictures):
    (pictures / "bad.jpg").write_text("no", "utf-8")
    found = group_folder(pictures)
    assert list(found.unreadable) == [str(pictures / "bad.jpg")]
    assert sum(map(len, found.groups)) == 6


def test_copies_are_bytes_and_names_stay_unique(tmp_path, draw, save):
    for place in ("x", "y", "x/y"):
        save(draw(1), tmp_path / "in" / place / "a.jpg")
    found = group_folder(tmp_path / "in")
    copy_groups(found, tmp_path / "deep" / "out")
    copied = sorted((tmp_path / "deep" / "out" / "0").iterdir())
    assert [path.name for path in copied] == ["x__a.jpg", "x__y__a.jpg", "y__a.jpg"]
    assert all(path.read_bytes() == (tmp_path / "in/x/a.jpg").read_bytes() for path in copied)


def test_an_output_inside_the_folder_is_not_grouped_again(pictures):
    for _ in range(2):
        found = group_folder(pictures, leave_out=pictures / "out")
        copy_groups(found, pictures / "out")
        assert sum(map(len, found.groups)) == 6


def test_a_smaller_result_leaves_no_old_groups(pictures, tmp_path):
    copy_groups(group_folder(pictures, grade=1.0), tmp_path / "out")
    copy_groups(group_folder(pictures, grade=0.0), tmp_path / "out")
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == [".lookalike-groups", "0"]


@pytest.mark.parametrize("own", ["2024/a.jpg", "0/a.jpg", "0/mine.jpg", "7/deep/a.jpg", ".hidden"])
@pytest.mark.parametrize("after_a_result", [False, True])
def test_nothing_but_an_earlier_result_is_replaced(pictures, tmp_path, own, after_a_result):
    """Folders named by numbers, such as years, may be anybody's; so may files put beside the copies."""
    out, found = tmp_path / "out", group_folder(pictures)
    if after_a_result:
        copy_groups(found, out)
    (out / own).parent.mkdir(parents=True, exist_ok=True)
    (out / own).write_bytes(b"mine")
    before = {path: path.is_file() and path.read_bytes() for path in out.rglob("*")}
    with pytest.raises(FolderError, match=own.split("/")[0]):
        copy_groups(found, out)
    assert {path: path.is_file() and path.read_bytes() for path in out.rglob("*")} == before


def test_a_copy_that_was_edited_since_is_not_replaced(pictures, tmp_path):
    copy_groups(group_folder(pictures), tmp_path / "out")
    (tmp_path / "out" / "0" / "0.jpg").write_bytes(b"edited")
    with pytest.raises(FolderError, match=r"0/0\.jpg"):
        copy_groups(group_folder(pictures), tmp_path / "out")


def test_a_result_that_broke_off_can_be_replaced(pictures, tmp_path, monkeypatch):
    copied, copy2 = [], shutil.copy2

    def breaks_off(source, target):
        copied.append(copy2(source, target))
        if len(copied) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copy2", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        copy_groups(group_folder(pictures), tmp_path / "out")
    monkeypatch.undo()
    copy_groups(group_folder(pictures), tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.*g"))) == 6


def test_an_output_over_the_pictures_or_other_things_is_refused(pictures, tmp_path):
    found = group_folder(pictures)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear", "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    for output in (pictures, pictures.parent, tmp_path / "mine", tmp_path / "file"):
        with pytest.raises(FolderError):
            copy_groups(found, output)
    assert (tmp_path / "mine" / "letter").exists()
    assert len(scan(pictures).pictures) == 6


def test_bad_arguments(pictures, tmp_path):
    with pytest.raises(InvalidArgument):
        group_folder(pictures, grade=-0.1)
    with pytest.raises(InvalidArgument):
        group_folder(pictures, method="smell")
    with pytest.raises(FolderNotFound):
        group_folder(tmp_path / "none")


def test_scan_is_sorted_and_leaves_out_what_is_no_picture(pictures):
    (pictures / ".hidden").mkdir()
    (pictures / ".hidden" / "x.jpg").write_bytes(b"")
    (pictures / "@eaDir").mkdir()
    (pictures / "@eaDir" / "x.jpg").write_bytes(b"")
    (pictures / "loop").symlink_to(pictures, target_is_directory=True)
    (pictures / "UPPER.JPG").write_bytes((pictures / "0.jpg").read_bytes())
    found = scan(pictures)
    assert [found.name(path) for path in found.pictures] == [
        "0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "UPPER.JPG", "more/5.png",
    ]  # fmt: skip
    assert [path.name for path in found.others] == ["notes.txt"]


def test_everything_that_takes_no_part_is_told_with_its_reason(pictures):
    (pictures / ".hidden").mkdir()
    (pictures / "node_modules").mkdir()
    (pictures / "bad.jpg").write_text("no", "utf-8")
    (pictures / "gone.jpg").symlink_to("nowhere.jpg")
    (pictures / "loop.jpg").symlink_to("loop.jpg")
    (pictures / "folder.jpg").symlink_to(pictures / "more", target_is_directory=True)
    os.mkfifo(pictures / "pipe.jpg")
    unused = group_folder(pictures).unused
    told = {path.removeprefix(f"{pictures}/"): reason for path, reason in unused.items()}
    assert list(told) == [
        ".hidden", "bad.jpg", "folder.jpg", "gone.jpg", "loop.jpg", "node_modules", "notes.txt", "pipe.jpg",
    ]  # fmt: skip
    assert told["gone.jpg"].startswith("a link that leads nowhere")
    assert told["loop.jpg"].startswith("a link that leads nowhere")
    assert told["folder.jpg"] == "a link to a folder, which is not followed"
    assert told["pipe.jpg"] == "neither a file nor a folder"


def test_an_empty_folder_says_what_pictures_are(tmp_path):
    with pytest.raises(NoImagesFound, match=r"is empty.*\.heic"):
        scan(tmp_path)


def test_groups_by_meaning_are_named_by_what_they_show(tmp_path, save):
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    who = data.astronaut()
    for name, pixels in {"a": who, "b": who[10:, 10:], "c": who[::2, ::2], "d": data.rocket()}.items():
        save(pixels, tmp_path / f"{name}.jpg")
    found = group_folder(tmp_path, grade=0.8, method="meaning")
    assert names(found) == [["a.jpg", "b.jpg", "c.jpg"], ["d.jpg"]]
    assert len(found.names) == 2
    assert "person" in found.names[0].split(", ")
    assert group_folder(tmp_path, grade=0.8, method="copy").names == []
