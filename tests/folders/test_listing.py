"""Which files a selection means: each once, in a stable order, and everything else with its reason."""

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import FolderNotFound, InvalidArgument
from lookalike.folders.companions import companions
from lookalike.folders.listing import Listing
from lookalike.folders.paths import Leftovers, Paths
from lookalike.folders.selection import QUARANTINE, Selection


@pytest.fixture
def tree(tmp_path):
    """Return make(*names): files of a few bytes below a folder, which is returned."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"content of " + os.fsencode(name))
        return tmp_path

    return make


def found(selection):
    """Return the paths found and path -> reason of the others, both below the first root's parent."""
    listing = Listing(selection)
    paths = [os.fsdecode(one.folder + b"/" + one.name) for one in listing]
    return paths, {one.path: one.reason for one in listing.unused}


def names(root, paths):
    return [os.path.relpath(path, root) for path in paths]


def test_pictures_come_in_the_order_of_their_paths_and_the_rest_with_reasons(tree):
    root = tree("b/2.png", "a-b/1.jpg", "a/1.jpg", "a.jpg", "notes.txt", "c/empty.jpg")
    (root / "c" / "empty.jpg").write_bytes(b"")
    paths, unused = found(Selection([root]))
    assert names(root, paths) == ["a-b/1.jpg", "a.jpg", "a/1.jpg", "b/2.png"] == sorted(names(root, paths))
    assert unused == {
        str(root / "notes.txt"): "not a picture by the ending of its name",
        str(root / "c" / "empty.jpg"): "it is empty",
    }


def test_what_nobody_means_is_left_out_and_said(tree):
    root = tree(
        ".hidden/a.jpg", "@eaDir/a.jpg", "Node_Modules/a.jpg", f"{QUARANTINE}/a.jpg", "good/a.jpg", "good/.b.jpg"
    )
    paths, unused = found(Selection([root]))
    assert names(root, paths) == ["good/a.jpg"]
    assert unused[str(root / ".hidden")] == "left out by the pattern .*"
    assert unused[str(root / "Node_Modules")] == "left out by the pattern node_modules"
    assert len(unused) == 5
    assert len(found(Selection([root], defaults=False))[0]) == 6


def test_a_root_is_looked_into_whatever_its_name(tree):
    root = tree(".hidden/a.jpg")
    assert names(root, found(Selection([root, root / ".hidden"]))[0]) == [".hidden/a.jpg"]


def test_patterns_of_names_and_of_paths(tree):
    root = tree("a/x.jpg", "a/small-x.jpg", "b/x.jpg", "c/deep/x.jpg")
    paths, unused = found(Selection([root], exclude=["SMALL-*", "b/*", "*/deep"]))
    assert names(root, paths) == ["a/x.jpg"]
    assert unused[str(root / "c" / "deep")] == "left out by the pattern */deep"


def test_roots_that_overlap_list_a_file_once_and_the_inner_one_decides(tree):
    root = tree("a/1.jpg", "a/best/2.jpg", "3.jpg")
    selection = Selection([root, root / "a", root, root / "3.jpg"], reference=[root / "a" / "best"])
    listed = {os.fsdecode(one.name): one.reference for one in Listing(selection)}
    assert listed == {"1.jpg": False, "2.jpg": True, "3.jpg": False}
    assert len(list(Listing(selection))) == 3


def test_all_below_a_reference_is_one(tree):
    root = tree("keep/deep/1.jpg", "2.jpg")
    selection = Selection([root, root / "keep" / "deep"], reference=[root / "keep"])
    assert {os.fsdecode(one.name): one.reference for one in Listing(selection)} == {"1.jpg": True, "2.jpg": False}


def test_sides_and_references_beside_them(tree):
    root = tree("new/1.jpg", "old/2.jpg", "best/3.jpg")
    selection = Selection([root / "new"], against=[root / "old"], reference=[root / "best"])
    assert {os.fsdecode(one.name): (one.side, one.reference) for one in Listing(selection)} == {
        "1.jpg": (1, False),
        "2.jpg": (2, False),
        "3.jpg": (2, True),
    }


def test_scopes(tree):
    root = tree("a/1.jpg", "a/deep/2.jpg", "b/3.jpg", "4.jpg")

    def scopes(scope):
        together = {}
        for one in Listing(Selection([root], scope=scope)):
            together.setdefault(one.scope, set()).add(os.fsdecode(one.name))
        return sorted(map(sorted, together.values()))

    assert scopes("all") == [["1.jpg", "2.jpg", "3.jpg", "4.jpg"]]
    assert scopes("branch") == [["1.jpg", "2.jpg"], ["3.jpg"], ["4.jpg"]]
    assert scopes("folder") == [["1.jpg"], ["2.jpg"], ["3.jpg"], ["4.jpg"]]


def test_of_two_sides_sub_folders_of_one_name_share_a_scope(tree):
    root = tree("x/cats/1.jpg", "y/cats/2.jpg", "y/dogs/3.jpg")
    selection = Selection([root / "x"], against=[root / "y"], scope="branch")
    one, two, three = (found.scope for found in Listing(selection))
    assert one == two != three


def test_links_are_named_and_not_followed(tree):
    root = tree("a/1.jpg")
    (root / "link.jpg").symlink_to("a/1.jpg")
    (root / "folder").symlink_to("a")
    paths, unused = found(Selection([root]))
    assert names(root, paths) == ["a/1.jpg"]
    assert unused == {str(root / "link.jpg"): "a link to a/1.jpg", str(root / "folder"): "a link to a"}


def test_links_that_are_followed_list_nothing_twice_and_end(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.jpg").write_bytes(b"far")
    (outside / "alone.jpg").write_bytes(b"alone")
    root = tree("a/1.jpg")
    (root / "near.jpg").symlink_to("a/1.jpg")
    (root / "loop").symlink_to(root)
    (root / "a" / "up").symlink_to("..")
    (root / "out").symlink_to(outside)
    (root / "far.jpg").symlink_to(outside / "far.jpg")
    (root / "nowhere.jpg").symlink_to("gone.jpg")
    paths, unused = found(Selection([root], follow_links=True))
    assert sorted(os.path.realpath(path) for path in paths) == sorted(
        [str(root / "a" / "1.jpg"), str(outside / "alone.jpg"), str(outside / "far.jpg")]
    )
    assert unused[str(root / "nowhere.jpg")] == "a link that leads nowhere"
    assert unused[str(root / "loop")] == f"the same folder as {root}"
    assert unused[str(root / "near.jpg")].startswith("a link to ")


def test_hard_links_are_one_file(tree):
    root = tree("a.jpg")
    os.link(root / "a.jpg", root / "b.jpg")
    os.link(root / "a.jpg", root / "c.jpg")
    listing = Listing(Selection([root]))
    (only,) = listing
    assert only.name == b"a.jpg"
    assert listing.links == {os.fsencode(root / "a.jpg"): [os.fsencode(root / "b.jpg"), os.fsencode(root / "c.jpg")]}
    assert all("a hard link to" in one.reason for one in listing.unused)
    assert len(listing.unused) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_utf8(tree):
    root = tree("ü.jpg")
    path = os.fsencode(root) + b"/caf\xe9\n.jpg"
    Path(os.fsdecode(path)).write_bytes(b"x")
    paths, _ = found(Selection([root]))
    assert sorted(map(os.fsencode, paths)) == sorted([path, os.fsencode(root / "ü.jpg")])


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"])
def test_a_list_of_files(tree, tmp_path_factory, end, monkeypatch):
    root = tree("a.jpg", "b b.jpg", "c.txt", "d/e.jpg")
    monkeypatch.chdir(root)
    text = end.join([str(root / "a.jpg"), "b b.jpg", "c.txt", "gone.jpg", "d", "", str(root / "a.jpg")])
    listed = tmp_path_factory.mktemp("lists") / "list"
    listed.write_bytes(text.encode())
    paths, unused = found(Selection(files_from=listed))
    assert names(root, paths) == ["a.jpg", "b b.jpg"]
    assert unused == {
        str(root / "c.txt"): "not a picture by the ending of its name",
        str(root / "gone.jpg"): "No such file or directory",
        str(root / "d"): "a folder in a list of files",
    }


def test_a_list_beside_a_root_lists_a_file_once(tree, monkeypatch):
    root = tree("a.jpg", "b.jpg")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(os.fsencode(root / "b.jpg") + b"\n")))
    assert names(root, found(Selection([root], files_from="-"))[0]) == ["a.jpg", "b.jpg"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tree):
    root = tree("shut/a.jpg", "b.jpg")
    (root / "shut").chmod(0)
    try:
        paths, unused = found(Selection([root]))
    finally:
        (root / "shut").chmod(0o700)
    assert names(root, paths) == ["b.jpg"]
    assert unused == {str(root / "shut"): "a folder that can't be looked into: Permission denied"}


def test_a_folder_that_vanishes_is_named(tree, monkeypatch):
    root = tree("a/1.jpg", "b/2.jpg")
    scandir = os.scandir

    def fails(path):
        if os.fsdecode(path).endswith("/a"):
            raise FileNotFoundError(2, "No such file or directory")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fails)
    paths, unused = found(Selection([root]))
    assert names(root, paths) == ["b/2.jpg"]
    assert unused == {str(root / "a"): "a folder that can't be looked into: No such file or directory"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_file_is_not_opened(tree):
    root = tree("a.jpg")
    os.mkfifo(root / "pipe.jpg")
    paths, unused = found(Selection([root]))
    assert names(root, paths) == ["a.jpg"]
    assert unused == {str(root / "pipe.jpg"): "neither a file nor a folder"}


def test_deep_trees(tree):
    deep = "/".join(["d"] * 800)
    assert len(found(Selection([tree(f"{deep}/a.jpg")]))[0]) == 1


def test_bad_selections(tmp_path):
    with pytest.raises(InvalidArgument):
        Listing(Selection())
    with pytest.raises(InvalidArgument):
        Listing(Selection(str(tmp_path)))
    with pytest.raises(InvalidArgument):
        Listing(Selection([tmp_path], scope="album"))
    with pytest.raises(InvalidArgument):
        Listing(Selection([tmp_path], against=[tmp_path / "."]))
    with pytest.raises(FolderNotFound):
        Listing(Selection([tmp_path / "gone"]))
    with pytest.raises(InvalidArgument):
        list(Listing(Selection(files_from=tmp_path / "gone")))


def test_companions_go_with_their_picture():
    names = [
        b"a.JPG",
        b"a.nef",
        b"a.xmp",
        b"b.nef",
        b"b.nef.xmp",
        b"c.jpg",
        b"c.jpeg",
        b"c.nef",
        b"c.xmp",
        b"d.xmp",
        b"e.png",
    ]
    assert companions(names) == {b"a.JPG": (b"a.nef", b"a.xmp"), b"b.nef": (b"b.nef.xmp",)}
    assert companions([b"a.jpg", b"b.png"]) == {}
    assert companions([b"x.jpg", b"x.cr2", b"x.cr2.xmp"]) == {b"x.jpg": (b"x.cr2", b"x.cr2.xmp")}


def test_a_raw_beside_its_jpeg_is_no_picture_of_its_own(tree):
    root = tree("a.jpg", "a.cr2", "a.xmp", "b.xmp")
    (only,) = Listing(Selection([root]))
    assert only.companions == (os.fsencode(root / "a.cr2"), os.fsencode(root / "a.xmp"))
    assert list(found(Selection([root]))[1]) == [str(root / "b.xmp")]


@given(
    st.lists(st.tuples(st.sampled_from([b"/", b"/a", b"/a/b", b"/c"]), st.binary(min_size=1, max_size=9)), max_size=40)
)
def test_paths_are_given_back(added):
    paths = Paths()
    for folder, name in added:
        paths.add(folder, name)
    whole = [folder.rstrip(b"/") + b"/" + name for folder, name in added]
    assert [paths[number] for number in range(len(paths))] == whole
    assert paths.count_below(b"/a") == sum(path.startswith(b"/a/") for path in whole)


def test_leftovers_are_given_back():
    left = Leftovers()
    for path, reason in ((b"/a/x", "one"), (b"/y", "two"), (b"/a/z\xff", "one")):
        left.add(path, reason)
    assert [(os.fsencode(one.path), one.reason) for one in left] == [
        (b"/a/x", "one"),
        (b"/y", "two"),
        (b"/a/z\xff", "one"),
    ]
    assert left[-1] == left[2] == left[1:][1]


@pytest.mark.parametrize("listed", [["1/a.jpg", "2/b.jpg"], ["2/b.nef", "2/b.xmp", "2/b.jpg", "1/a.jpg", "2/b.jpg"]])
def test_companions_belong_to_pictures_that_are_named_one_by_one_too(tree, monkeypatch, listed):
    root = tree("1/a.jpg", "1/a.jpg.xmp", "2/b.jpg", "2/b.nef", "2/b.xmp")
    lines = b"\n".join(os.fsencode(root / name) for name in listed)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    by_list = Listing(Selection(files_from="-"))
    by_name = Listing(Selection([root / name for name in listed]))
    for listing in (by_list, by_name):
        met = {os.fsdecode(one.name): {Path(os.fsdecode(path)).name for path in one.companions} for one in listing}
        assert met == {"a.jpg": {"a.jpg.xmp"}, "b.jpg": {"b.nef", "b.xmp"}}
        assert not listing.unused


def test_a_raw_that_is_named_without_its_picture_counts(tree):
    root = tree("b.jpg", "b.nef")
    paths, _ = found(Selection([root / "b.nef"]))
    assert names(root, paths) == ["b.nef"]
    paths, _ = found(Selection([root / "b.nef", root]))
    assert names(root, paths) == ["b.jpg"]
