import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.cleaning.evidence import lesser_copies, named_like_a_copy, unclear_change
from lookalike.cleaning.keeper import DEFAULT_RULES, RULES, choose, parse_rules
from lookalike.errors import InvalidArgument
from lookalike.folders.changes import AROUND_A, AROUND_B
from lookalike.folders.findings import FileGroup, FilePair, PictureFile


def file(path, **facts):
    known = {
        "size": 1000, "modified": 1_600_000_000_000_000_000, "device": 1, "inode": hash(path) & 0xFFFF,
        "sha256": path, "width": 800, "height": 600, "format": "JPEG",
    }  # fmt: skip
    return PictureFile(path, **{**known, **facts})


def pick(rules, *members, pairs=()):
    choice = choose(FileGroup(members, pairs), parse_rules(rules))
    return choice.keeper.path, choice.reasons


@pytest.mark.parametrize(
    ("rule", "kept", "other", "reason"),
    [
        ("largest", {"width": 2000, "height": 1500}, {}, "2,000 x 1,500 is larger than 800 x 600"),
        ("smallest", {"width": 80, "height": 60}, {}, "80 x 60 is smaller than 800 x 600"),
        ("biggest-file", {"size": 12_345}, {}, "12,345 bytes are more than 1,000"),
        ("smallest-file", {"size": 10}, {}, "10 bytes are fewer than 1,000"),
        ("oldest", {"taken": "2001-02-03T04:05:06"}, {"taken": "2019-01-01T00:00:00"},
         "taken 2001-02-03 04:05:06 is older than taken 2019-01-01 00:00:00"),
        ("oldest", {"modified": 10**18}, {},
         "changed 2001-09-09 01:46:40 UTC is older than changed 2020-09-13 12:26:40 UTC"),
        ("newest", {"modified": 1_600_000_000_500_000_000}, {},
         "changed 2020-09-13 12:26:40.5 UTC is newer than changed 2020-09-13 12:26:40 UTC"),
        ("richest-exif", {"exif": 41}, {"exif": 3}, "41 EXIF fields are more than 3"),
        ("format:png>jpg", {"format": "PNG"}, {}, "PNG is preferred to JPEG"),
        ("format:jpg", {}, {"format": "WEBP"}, "JPEG is preferred to WEBP"),
        ("raw", {"companions": ("/x/z.NEF", "/x/z.xmp")}, {"companions": ("/x/a.xmp",)},
         "the keeper has its RAW beside it, z.NEF"),
        ("reference,largest", {"reference": True}, {"width": 4000}, "the keeper is in a reference folder"),
        ("side:b", {"side": "b"}, {"side": "a"}, "the keeper is of set b"),
    ],
)  # fmt: skip
def test_each_rule_says_why(rule, kept, other, reason):
    path, reasons = pick(rule, file("/x/a.jpg", **other), file("/x/z.jpg", **kept))
    assert path == "/x/z.jpg"
    assert reasons == {"/x/a.jpg": reason}


@pytest.mark.parametrize(
    ("rule", "kept", "other"),
    [
        ("in:Originals", "/p/originals/deep/z.jpg", "/p/a.jpg"),
        ("in:2019/Best*", "/p/2019/best of/z.jpg", "/p/2019/rest/a.jpg"),
        ("in:/q/*", "/q/one/two/z.jpg", "/p/q/a.jpg"),
        ("not-in:Downloads", "/p/z.jpg", "/p/Downloads/x/a.jpg"),
        ("not-in:*tmp*", "/p/z.jpg", "/p/my tmp files/a.jpg"),
        ("not-in:z.jpg", "/a/z.jpg", "/b/z.jpg"),  # a file's own name is no folder
        ("shortest-name", "/p/q/r/z.jpg", "/a/longer.jpg"),
        ("longest-name", "/p/q/r/zzzz.jpg", "/a/l.jpg"),
        ("shortest-path", "/z/long name.jpg", "/a/much/longer/a.jpg"),
        ("not-copy-name", "/p/z.jpg", "/p/a (1).jpg"),
        ("first", "/p/a.jpg", "/p/b.jpg"),
    ],
)
def test_rules_of_names_and_folders(rule, kept, other):
    assert pick(rule, file(other), file(kept))[0] == kept


@pytest.mark.parametrize(
    "name",
    ["IMG (1).jpg", "IMG_(12).png", "IMG - Copy.jpg", "IMG - Copy (2).jpg", "IMG copy.jpg", "img_copy2.jpg",
     "Copy of IMG.jpg", "Copy (3) of IMG.jpg", "IMG - Kopie.jpg", "Kopie von IMG.jpg", "IMG copia.jpg"],
)  # fmt: skip
def test_names_that_systems_give_to_copies(name):
    assert named_like_a_copy(name)


@pytest.mark.parametrize("name", ["IMG_0001.jpg", "2019 (2020).jpg", "photocopy.jpg", "copyright.jpg", "copper.jpg"])
def test_names_that_only_look_so(name):
    assert not named_like_a_copy(name)


def test_rules_decide_in_their_order_and_a_tie_goes_to_the_next():
    small_old = file("/a", width=10, modified=1)
    large_new = file("/b", width=900, modified=9)
    large_old = file("/c", width=900, modified=5)
    members = (small_old, large_new, large_old)
    assert pick("largest,oldest", *members)[0] == "/c"
    assert pick("oldest,largest", *members)[0] == "/a"
    reasons = pick("largest,oldest", *members)[1]
    assert list(reasons) == ["/a", "/b"]  # who was out first comes first


def test_a_reference_wins_over_every_rule():
    path, _ = pick("not-in:archive,largest", file("/archive/a", reference=True), file("/b", width=9000))
    assert path == "/archive/a"


@pytest.mark.parametrize("change", ["cropped to 61 %", "bordered", "captioned", "gray", "screenshot", "blurred"])
def test_a_lesser_copy_is_never_kept_before_its_whole_original(change):
    whole, lesser = file("/a", width=100), file("/b", width=900, exif=9)
    pair = FilePair("/a", "/b", "edited-copy", 0.99, "keypoints", ("recompressed", change))
    assert pick("largest", whole, lesser, pairs=(pair,)) == ("/a", {"/b": f"it is {change}, the keeper is not"})


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("uncropped, the first is 61 %", "cropped"),
        ("without the border", "bordered"),
        ("without the caption", "captioned"),
        ("cut out of a screenshot", "screenshot"),
        ("in color", "gray or toned"),
    ],
)
def test_nor_where_the_lesser_one_comes_first(change, first):
    pair = FilePair("/a", "/b", "edited-copy", 0.99, "keypoints", (change,))
    found = pick("largest", file("/a", width=900), file("/b"), pairs=(pair,))
    assert found == ("/b", {"/a": f"it is {first}, the keeper is not"})


@pytest.mark.parametrize("change", ["overlay on 12 %", "inset", "cut out of another picture", "recolored", "mirrored"])
def test_what_may_be_either_way_is_no_evidence(change):
    pair = FilePair("/a", "/b", "edited-copy", 0.99, "keypoints", (change,))
    assert pick("largest", file("/a", width=9), file("/b"), pairs=(pair,))[0] == "/b"


@pytest.mark.parametrize("words", sorted({*AROUND_A.values(), *AROUND_B.values()}))
def test_whatever_is_said_of_a_part_tells_the_lesser_one_or_that_nothing_does(words):
    pair = FilePair("/a", "/b", "edited-copy", 0.99, "keypoints", (words.format("61 %"),))
    assert bool(lesser_copies(FileGroup((file("/a"), file("/b")), (pair,)))) != bool(unclear_change(pair))


def saved_anew(*changes, verdict="edited-copy"):
    return FilePair("/a", "/b", verdict, 0.99, "keypoints", changes)


def test_of_one_format_the_file_that_is_compressed_less_stays():
    pair = saved_anew("recompressed")
    found = pick(DEFAULT_RULES, file("/a", size=900, modified=0), file("/b", size=2000), pairs=(pair,))
    assert found == ("/b", {"/a": "it is compressed harder: 900 bytes beside 2,000"})


def test_a_lossless_file_stays_before_what_was_saved_from_it_with_losses():
    found = pick(
        DEFAULT_RULES,
        file("/a", format="PNG"),
        file("/b", size=9000),
        pairs=(saved_anew("converted from PNG to JPEG"),),
    )
    assert found == ("/a", {"/b": "it is saved with losses, as JPEG"})


def test_a_bitmap_of_the_same_pixels_is_no_better_than_the_jpeg_it_was_made_of():
    pair = saved_anew("converted from JPEG to BMP", verdict="identical")
    bitmap = file("/b", format="BMP", size=10**6, modified=1_700_000_000_000_000_000)
    path, reasons = pick(DEFAULT_RULES, file("/a"), bitmap, pairs=(pair,))
    assert path == "/a"
    assert "older" in reasons["/b"]


def test_a_gif_is_not_kept_before_the_photograph_it_was_made_of():
    newer = file("/b", format="GIF", size=10**5, modified=1_700_000_000_000_000_000)
    assert pick(DEFAULT_RULES, file("/a"), newer, pairs=(saved_anew("converted from JPEG to GIF"),))[0] == "/a"


@pytest.mark.parametrize("change", ["darker", "cropped to 61 %", "resized from 800x600 to 400x300"])
def test_bytes_tell_nothing_where_more_was_changed(change):
    members = file("/a", size=10), file("/b", size=2000)
    assert pick("least-compressed", *members, pairs=(saved_anew(change, "recompressed"),))[0] == "/a"
    assert pick("least-compressed", *members)[0] == "/a"


def test_of_a_crowd_all_saved_anew_the_least_compressed_stays():
    """Of a large group only pairs with its first file are known."""
    members = [file(f"/{n:02}", size=1000 + 10 * ((7 * n) % 12)) for n in range(12)]
    pairs = [FilePair("/00", one.path, "edited-copy", 0.99, "copy", ("recompressed",)) for one in members[1:]]
    path, reasons = pick("least-compressed", *members, pairs=tuple(pairs))
    assert path == max(members, key=lambda one: one.size).path
    assert len(reasons) == 11


def test_original_counts_where_it_is_named():
    pair = FilePair("/a", "/b", "edited-copy", 0.99, "keypoints", ("gray",))
    members = file("/a"), file("/b", width=900)
    assert pick("largest,original", *members, pairs=(pair,))[0] == "/b"
    assert pick("largest,uncropped", *members, pairs=(pair,))[0] == "/b"


def test_contradicting_evidence_counts_for_nothing():
    pairs = (FilePair("/a", "/b", "edited-copy", 0.99, "keypoints", ("gray",)),
             FilePair("/b", "/a", "edited-copy", 0.99, "keypoints", ("bordered",)))  # fmt: skip
    assert pick("largest", file("/a"), file("/b", width=900), pairs=pairs)[0] == "/b"


@pytest.mark.parametrize("taken", ["0000-00-00T00:00:00", "never", "9999-99-99"])
def test_a_camera_without_a_clock_counts_by_its_file(taken):
    assert pick("oldest", file("/a", taken=taken, modified=2 * 10**18), file("/b"))[0] == "/b"


@pytest.mark.parametrize(
    "rules", ["biggest", "largest,,hugest", "in", "in:", "largest:3", "side:c", "", " , ", "format:", "format:>"]
)
def test_an_unknown_rule_is_refused_and_the_known_are_named(rules):
    with pytest.raises(InvalidArgument) as caught:
        parse_rules(rules)
    assert caught.value.name == "keep"
    if rules not in ("side:c", "format:>"):
        assert all(rule in str(caught.value) for rule in RULES)


def test_rules_read_and_written_are_the_same():
    rules = parse_rules("Largest, format:PNG>jpg , not-in:My Downloads,largest")
    assert [str(rule) for rule in rules] == [
        "reference", "original", "largest", "format:png>jpeg", "not-in:My Downloads", "first",
    ]  # fmt: skip
    assert parse_rules([str(rule) for rule in rules]) == rules
    assert parse_rules(["in:a,b"])[2].value == "a,b"
    assert {str(rule) for rule in parse_rules(DEFAULT_RULES)} <= set(RULES)


FILES = st.lists(
    st.builds(
        lambda name, width, size, exif, modified, reference: file(
            f"/{name}", width=width, size=size, exif=exif, modified=modified, reference=reference
        ),
        st.text("abc/() 1", min_size=1, max_size=8), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2),
        st.integers(0, 3), st.booleans(),
    ),
    min_size=1, max_size=6, unique_by=lambda one: one.path,
)  # fmt: skip


@given(FILES, st.permutations(["largest", "oldest", "richest-exif", "not-copy-name", "biggest-file", "in:a", "first"]))
def test_whatever_the_order_of_members_one_is_kept_and_every_other_has_a_reason(members, rules):
    there = choose(FileGroup(members, ()), parse_rules(rules))
    back = choose(FileGroup(members[::-1], ()), parse_rules(rules))
    assert there.keeper == back.keeper
    assert there.reasons == back.reasons
    assert there.reasons.keys() == {member.path for member in members} - {there.keeper.path}
    assert there.keeper.reference or not any(member.reference for member in members)
