"""Duplicates in folders, end to end: every kind of copy is found, strangers stay apart, decisions last."""

import os
from itertools import pairwise

import cv2
import numpy as np
import pytest

import lookalike
from lookalike.catalog.decisions import Decision
from lookalike.errors import FolderNotFound, InvalidArgument
from lookalike.folders import finding
from lookalike.folders.finding import find_duplicates


@pytest.fixture(scope="module")
def photos():
    """Real photographs, by name, 400 pixels wide."""
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    from lookalike.images.resize import thumbnail

    return {name: thumbnail(getattr(data, name)(), 400) for name in ("astronaut", "chelsea", "coffee", "rocket")}


@pytest.fixture(scope="module")
def folder(photos, save, tmp_path_factory):
    """A folder with three photographs and copies of them, and a stranger."""
    place = tmp_path_factory.mktemp("photos")
    cat, coffee, person = photos["chelsea"], photos["coffee"], photos["astronaut"]
    save(cat, place / "cat.png")
    save(cat, place / "cat.bmp")
    save(cat, place / "cat-30.jpg", quality=30)
    save(cv2.resize(cat, (200, 133), interpolation=cv2.INTER_AREA), place / "cat-small.jpg")
    save(coffee, place / "coffee.jpg", quality=95)
    save(coffee[:, ::-1], place / "coffee-mirrored.jpg")
    save(coffee[60:, 90:], place / "coffee-crop.jpg")
    save(person, place / "person.jpg")
    (place / "sub").mkdir()
    (place / "sub" / "same.jpg").write_bytes((place / "person.jpg").read_bytes())
    save(photos["rocket"], place / "rocket.jpg")
    (place / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    return place


@pytest.fixture
def search(tmp_path):
    """Return search(paths, **wanted): find_duplicates with a ledger of its own."""

    def run(*paths, **wanted):
        return find_duplicates(list(paths), **{"ledger": tmp_path / "ledger.sqlite", **wanted})

    return run


def names(groups):
    return [[os.path.basename(member.path) for member in group.members] for group in groups]  # noqa: PTH119


def pair_of(group, a, b):
    return next(pair for pair in group.pairs if pair.a.endswith(a) and pair.b.endswith(b))


CAT = ["cat-30.jpg", "cat-small.jpg", "cat.bmp", "cat.png"]
COFFEE = ["coffee-crop.jpg", "coffee-mirrored.jpg", "coffee.jpg"]
PERSON = ["person.jpg", "same.jpg"]


def test_every_copy_is_found_with_what_it_is(folder, search):
    found = search(folder)
    groups = found.groups
    assert names(groups) == [CAT, COFFEE, PERSON]
    cat, coffee, person = groups
    assert [len(group.pairs) for group in groups] == [6, 3, 1]
    assert (person.pairs[0].verdict, person.pairs[0].tier, person.pairs[0].probability) == ("identical", "digest", 1.0)
    exact = pair_of(cat, "cat.bmp", "cat.png")
    assert (exact.verdict, exact.probability, exact.changes) == ("identical", 1.0, ("converted from BMP to PNG",))
    assert pair_of(cat, "cat-small.jpg", "cat.png").changes[0] == "resized from 200x133 to 400x266"
    mirrored = pair_of(coffee, "coffee-mirrored.jpg", "coffee.jpg")
    assert mirrored.changes == ("mirrored",)
    assert mirrored.transform == (-1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    crop = pair_of(coffee, "coffee-crop.jpg", "coffee.jpg")
    share = (267 - 60) * (400 - 90) / (267 * 400)
    assert crop.tier == "keypoints"
    assert crop.changes == (f"uncropped, the first is {100 * share:.0f} %",)
    assert (crop.overlap_a, crop.overlap_b) == (1.0, pytest.approx(share, abs=0.02))
    assert all(pair.a < pair.b for pair in found.pairs)
    assert [(os.path.basename(one.path), bool(one.reason)) for one in found.unused] == [("broken.jpg", True)]  # noqa: PTH119
    assert found.files == 10


def test_it_is_the_same_every_time_and_can_be_iterated_again(folder, search):
    first, second = search(folder), search(folder)
    assert list(first) == list(first) == list(second)
    assert first.groups == second.groups
    assert second.survey.read == 0


def test_groups_come_while_it_runs(folder, search):
    told = []
    found = search(folder, progress=lambda *call: told.append(call))
    assert len(next(iter(found)).members) >= 2
    assert told[-1][0] == "comparing"
    found.close()
    assert len(found.groups) == 1


@pytest.mark.parametrize(
    ("upto", "expected"),
    [("digest", [PERSON]), ("hash", [CAT, ["coffee-mirrored.jpg", "coffee.jpg"], PERSON])],
)
def test_less_is_found_for_less(folder, search, upto, expected):
    found = search(folder, upto=upto)
    assert names(found.groups) == expected
    assert found.looks == 0
    assert "keypoints" not in {pair.tier for pair in found.pairs}


def test_less_is_found_for_less_also_after_a_closer_scan(folder, tmp_path):
    """What is remembered of the files is more than was asked for."""
    ledger = tmp_path / "files.sqlite"
    for upto in ("copy", "hash", "digest"):
        after, alone = (find_duplicates(folder, upto=upto, ledger=place) for place in (ledger, ""))
        assert after.pairs == alone.pairs


def test_without_pixels_what_is_known_is_told(folder, search):
    cat, coffee, _ = search(folder, upto="hash").groups
    assert pair_of(cat, "cat-30.jpg", "cat.png").changes == ("converted from JPEG to PNG",)
    assert pair_of(coffee, "coffee-mirrored.jpg", "coffee.jpg").changes == ("mirrored",)


def test_certainty_one_is_the_same_picture(folder, search):
    assert names(search(folder, probability=1.0).groups) == [["cat.bmp", "cat.png"], PERSON]


@pytest.mark.parametrize("linkage", ["complete", "transitive"])
def test_other_linkages(folder, search, linkage):
    assert names(search(folder, linkage=linkage).groups) == [CAT, COFFEE, PERSON]


def test_two_sides_meet_only_each_other(folder, search, save, photos, tmp_path):
    save(photos["rocket"], tmp_path / "other" / "r.jpg", quality=40)
    assert names(search(folder, against=[tmp_path / "other"]).groups) == [["rocket.jpg", "r.jpg"]]


def test_two_files_of_reference_folders_are_no_duplicates(folder, search):
    found = search(folder, reference=[folder])
    assert found.groups == []
    assert names(search(folder, reference=[folder / "sub"]).groups)[-1] == PERSON


def digests(groups):
    return {os.path.basename(m.path): m.sha256 for group in groups for m in group.members}  # noqa: PTH119


def decision(verdict, *members):
    return Decision(1, verdict, sorted(members), None, "", "", "")


def test_what_was_said_to_be_different_is_not_shown_again(folder, search):
    of = digests(search(folder).groups)
    said = [decision("different", *(of[name] for name in COFFEE))]
    assert names(search(folder, decisions=said).groups) == [CAT, PERSON]
    apart = [decision("different", of["cat-30.jpg"], of[name]) for name in CAT[1:]]
    assert CAT[1:] in names(search(folder, decisions=apart).groups)


def test_a_newcomer_opens_the_group_again(folder, search):
    of = digests(search(folder).groups)
    said = [decision("different", of["coffee.jpg"], of["coffee-mirrored.jpg"])]
    (group,) = [group for group in search(folder, decisions=said).groups if group.reopened]
    assert names([group]) == [COFFEE]


def test_pictures_set_aside_never_count_however_they_are_saved(folder, search):
    of = digests(search(folder).groups)
    assert names(search(folder, decisions=[decision("set-aside", of["person.jpg"])]).groups) == [CAT, COFFEE]
    assert names(search(folder, decisions=[decision("set-aside", of["cat-30.jpg"])]).groups) == [COFFEE, PERSON]


def test_a_picture_set_aside_elsewhere_is_known_by_its_hash(folder, search, save, photos, tmp_path):
    placed = save(photos["chelsea"], tmp_path / "elsewhere" / "cat.webp", quality=60)
    (known,) = [search(tmp_path / "elsewhere").survey.file(0)]
    placed.unlink()
    assert names(search(folder, decisions=[decision("set-aside", known.sha256)]).groups) == [COFFEE, PERSON]


@pytest.mark.parametrize("what", ["vanishes", "changes", "is damaged"])
def test_a_file_that_is_not_what_it_was_takes_no_part(folder, search, save, photos, tmp_path, what):
    place = tmp_path / "moving"
    paths = [save(photos["coffee"], place / "a.png"), save(photos["coffee"][40:, 50:], place / "b.png")]
    save(photos["coffee"][:, ::-1], place / "c.png")
    found = search(place)
    assert found.files == 3
    if what == "vanishes":
        paths[0].unlink()
    elif what == "changes":
        save(photos["rocket"], paths[0])
    else:
        paths[0].write_bytes(paths[0].read_bytes()[:900])
    assert names(found.groups) == [["b.png", "c.png"]]
    (unused,) = found.unused
    assert unused.path == str(paths[0])
    assert unused.reason
    if what == "vanishes":
        assert "vanished" in unused.reason


def test_of_equal_files_another_one_stands_for_the_one_that_vanished(search, save, photos, tmp_path):
    place = tmp_path / "moving"
    first = save(photos["coffee"], place / "a.png")
    (place / "b.png").write_bytes(first.read_bytes())
    save(photos["coffee"][40:, 50:], place / "c.png")
    found = search(place)
    assert found.files == 3
    first.unlink()
    assert names(found.groups) == [["b.png", "c.png"]]


def test_plain_pictures_are_compared_exactly(search, save, tmp_path):
    """Hashes and vectors say nothing of a page with a line on it."""
    page = np.full((300, 400, 3), 245, np.uint8)
    lined = page.copy()
    lined[140:146, 60:340] = 60
    other = page.copy()
    other[220:226, 60:340] = 60
    for name, pixels in {"page": page, "lined": lined, "other": other}.items():
        save(pixels, tmp_path / "pages" / f"{name}.jpg", quality=95)
        save(pixels, tmp_path / "pages" / f"{name}.png")
    for group in search(tmp_path / "pages").groups:
        assert len({os.path.splitext(name)[0] for name in names([group])[0]}) == 1, names([group])  # noqa: PTH122


def shot(photo, seed):
    """The photograph as from another place: its parts move each their own way."""
    height, width = photo.shape[:2]
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(6, 8, 2)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * 8
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(photo, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return moved[30:, 45:]


def test_another_shot_is_a_near_duplicate_on_request_only(search, save, photos, tmp_path):
    place = tmp_path / "shots"
    save(photos["astronaut"], place / "a.jpg", quality=95)
    save(shot(photos["astronaut"], 1), place / "b.jpg", quality=95)
    assert search(place).groups == []
    (group,) = search(place, near=True).groups
    assert group.pairs[0].verdict == "near-duplicate"


def test_progress_goes_through_its_stages(folder, search):
    told = []
    search(folder, progress=lambda *call: told.append(call)).groups  # noqa: B018
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["listing", "reading", "hashes", "vectors", "comparing"]
    comparing = [done for stage, done, _ in told if stage == "comparing"]
    assert all(a < b for a, b in pairwise(comparing))
    assert told[-1][1] == told[-1][2]


@pytest.mark.parametrize(
    "wanted",
    [
        {"upto": "smell"},
        {"probability": 0.0},
        {"probability": 1.1},
        {"linkage": "single"},
        {"near": True, "upto": "hash"},
        {"memory": 10},
        {"scope": "room"},
        {"colour": 1},
    ],
)
def test_what_makes_no_sense_is_refused(folder, wanted):
    with pytest.raises(InvalidArgument):
        find_duplicates(folder, **wanted)


def test_a_folder_that_is_not_there(search, tmp_path):
    with pytest.raises(FolderNotFound):
        list(search(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    assert search(tmp_path / "empty").groups == []


def test_the_public_name_finds_the_same(folder, tmp_path):
    assert lookalike.find_duplicates is finding.find_duplicates
    assert names(lookalike.find_duplicates(str(folder), ledger=tmp_path / "l.sqlite").groups) == [CAT, COFFEE, PERSON]
