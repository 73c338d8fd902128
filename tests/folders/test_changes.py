"""What two files' pictures are to each other: found on edits that were really made, and never on what was not."""

import re

import cv2
import numpy as np
import pytest

from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.hashes import ORIENTATIONS
from lookalike.edits import edit
from lookalike.folders.changes import changes_between, changes_of_whole, overlap_of_whole
from lookalike.folders.findings import PictureFile
from lookalike.folders.placement import CORNERS, held, moved, nearest_held, placed
from lookalike.folders.shown import Shown
from lookalike.images import decode
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.signals import measure_portraits, portrait

GEOMETRY = re.compile(
    r"mirrored|rotated|stretched|slanted|perspective|crop|cut|border|caption|screenshot|inset|overlay|different"
)


@pytest.fixture(scope="module")
def photos():
    """Real photographs, by name, about 400 pixels wide."""
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    return {name: thumbnail(getattr(data, name)(), 400) for name in ("astronaut", "chelsea", "coffee")}


def shown(pixels, kind="JPEG"):
    height, width = pixels.shape[:2]
    return Shown(PictureFile(f"{kind}", 0, 0, 0, 0, "", width, height, kind), pixels)


def saved(pixels, quality=90):
    return decode(encode_jpeg(pixels, quality)).pixels


def between(a, b, kinds=("JPEG", "JPEG")):
    ensemble = standard_ensemble()
    signals = measure_portraits(portrait(a, ensemble), portrait(b, ensemble))
    return changes_between(shown(a, kinds[0]), shown(b, kinds[1]), signals)


def edited(photo, name, level="medium", other=None):
    return saved(edit(photo, name, level, seed=3, other=other))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
@pytest.mark.parametrize("quality", [95, 30])
def test_a_recompressed_copy_is_that_and_nothing_else(photos, name, quality):
    found = between(photos[name], saved(photos[name], quality))
    assert found.words == ("recompressed",)
    assert (found.overlap_a, found.overlap_b) == (1.0, 1.0)
    assert found.transform == tuple(np.eye(3).ravel())


@pytest.mark.parametrize("side", [100, 250, 900])
def test_a_resized_copy_is_not_cropped(photos, side):
    from cv2 import INTER_CUBIC, resize

    photo = photos["coffee"]
    height, width = photo.shape[:2]
    size = (side, round(side * height / width))
    copy = thumbnail(photo, side) if side < width else resize(photo, size, interpolation=INTER_CUBIC)
    found = between(photo, saved(copy))
    assert found.words == (f"resized from {width}x{height} to {copy.shape[1]}x{copy.shape[0]}",)
    assert (found.overlap_a, found.overlap_b) == (1.0, 1.0)


SAID = [
    ("mirror", "mild", {"mirrored"}),
    ("mirror", "medium", {"mirrored", "rotated 180"}),
    ("quarter-turn", "mild", {"rotated 90"}),
    ("quarter-turn", "medium", {"rotated 180"}),
    ("quarter-turn", "hard", {"rotated 270"}),
    ("border", "medium", {"bordered"}),
    ("letterbox", "medium", {"bordered"}),
    ("caption", "hard", {"captioned"}),
    ("screenshot", "medium", {"screenshot"}),
    ("shear", "medium", {"slanted"}),
    ("gray", "hard", {"gray"}),
    ("hue", "hard", {"recolored"}),
    ("brighter", "medium", {"brighter"}),
    ("darker", "medium", {"darker"}),
    ("contrast", "medium", {"more contrast"}),
    ("flatten", "medium", {"less contrast"}),
    ("blur", "medium", {"blurred"}),
    ("sharpen", "medium", {"sharpened"}),
    ("specks", "hard", {"noisy"}),
]


@pytest.mark.parametrize(("name", "level", "words"), SAID)
def test_an_edit_is_named(photos, name, level, words):
    for photo, other in (("astronaut", "coffee"), ("chelsea", "astronaut")):
        found = between(photos[photo], edited(photos[photo], name, level, photos[other]))
        assert words <= set(found.words), found
        unsaid = {word for word in found.words if GEOMETRY.search(word)} - words
        assert not unsaid, found


def test_a_picture_on_another_one_is_an_inset(photos):
    found = between(photos["astronaut"], edited(photos["astronaut"], "inset", "medium", photos["chelsea"]))
    assert found.words == ("inset",)
    assert found.overlap_a > 0.97
    assert found.overlap_b == pytest.approx(0.45, abs=0.03)


@pytest.mark.parametrize(("level", "share"), [("mild", 0.8), ("medium", 0.5), ("hard", 0.25)])
def test_a_crop_is_measured(photos, level, share):
    for photo in photos.values():
        found = between(photo, edited(photo, "crop", level))
        (word,) = found.words
        assert word.startswith("cropped to ")
        assert float(word.split()[2]) / 100 == pytest.approx(share, abs=0.03)
        assert found.overlap_a == pytest.approx(share, abs=0.03)
        assert found.overlap_b > 0.97


def test_the_other_way_around_it_is_the_opposite(photos):
    photo = photos["chelsea"]
    found = between(edited(photo, "crop"), photo)
    assert [re.sub(r"\d+", "N", word) for word in found.words] == ["uncropped, the first is N %"]
    assert between(edited(photo, "gray", "hard"), photo).words == ("in color",)
    assert between(edited(photo, "border"), photo).words == ("without the border",)


def test_a_turn_and_a_stretch_are_measured(photos):
    photo = photos["astronaut"]
    (turned,) = between(photo, edited(photo, "rotate")).words
    assert abs(int(re.fullmatch(r"rotated by (-?\d+) degrees", turned)[1])) == 12
    assert between(photo, edited(photo, "stretch")).words[0] in (
        "stretched wider by 40 %",
        "stretched taller by 40 %",
    )


@pytest.mark.parametrize("name", ["overlay", "stickers", "erase"])
def test_what_is_covered_is_an_overlay_and_no_crop(photos, name):
    for photo, other in (("astronaut", "coffee"), ("coffee", "chelsea")):
        found = between(photos[photo], edited(photos[photo], name, "medium", photos[other]))
        words = [re.sub(r"\d+", "N", word) for word in found.words if GEOMETRY.search(word)]
        assert words in (["overlay on N %"], ["different on N %"]), found
        assert (found.overlap_a, found.overlap_b) == (1.0, 1.0)


def test_an_overlay_that_shows_its_rim_is_told_from_the_picture_below(photos):
    whole, covered = photos["coffee"], edited(photos["coffee"], "erase")
    assert between(whole, covered).words[0].startswith("overlay on ")
    assert between(covered, whole).words[0].startswith("without the overlay on ")


def test_another_format_is_a_conversion(photos):
    photo = photos["coffee"]
    assert between(photo, photo.copy(), ("JPEG", "PNG")).words == ("converted from JPEG to PNG",)
    assert between(photo, photo.copy(), ("PNG", "PNG")).words == ()


def test_strangers_have_no_place_in_each_other(photos):
    found = between(photos["astronaut"], photos["coffee"])
    assert (found.words, found.transform) == ((), None)


def test_a_whole_picture_is_known_without_keypoints(photos):
    photo = photos["chelsea"]
    for way in range(8):
        pixels = photo[:, ::-1] if way >= 4 else photo
        found = changes_of_whole(shown(photo), shown(saved(np.rot90(pixels, -(way % 4)).copy())), way)
        assert found is not None
        assert nearest_held(np.reshape(found.transform, (3, 3))) == (way, 0.0)
        assert {"mirrored"} & set(found.words) == ({"mirrored"} if way >= 4 else set())
    assert changes_of_whole(shown(photo), shown(photos["coffee"]), 0) is None
    assert changes_of_whole(shown(photo), shown(edited(photo, "crop")), 0) is None


def test_a_small_crop_is_seen_without_keypoints(photos):
    photo = photos["astronaut"]
    height, width = photo.shape[:2]
    found = changes_of_whole(shown(photo), shown(saved(photo[: round(0.97 * height), round(0.03 * width) :])), 0)
    assert found is not None
    assert found.words == ("cropped to 94 %",)


@pytest.mark.parametrize("way", range(8))
def test_orientations_are_what_the_hashes_call_them(way):
    picture = np.arange(12).reshape(3, 4)
    turned = np.rot90(picture[:, ::-1] if way >= 4 else picture, -(way % 4))
    corners = [picture[0, 0], picture[0, -1], picture[-1, -1], picture[-1, 0]]
    for corner, (x, y) in zip(corners, moved(held(way), CORNERS), strict=True):
        assert turned[round(y) * (turned.shape[0] - 1), round(x) * (turned.shape[1] - 1)] == corner
    place = placed(held(way), (400, 300), turned.shape[::-1])
    assert (place.mirrored, round(place.degrees) % 360) == (way >= 4, 90 * (way % 4))
    assert ("mirrored" in ORIENTATIONS[way]) == place.mirrored


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
@pytest.mark.parametrize(("change", "turned"), [("jpeg", 0), ("gamma", 0), ("gray", 0), ("mirror", 4)])
def test_an_edit_of_the_whole_agrees_everywhere(photos, name, change, turned):
    one, other = shown(photos[name]), shown(edited(photos[name], change, "mild"))
    overlap, found = overlap_of_whole(one, other, turned)
    assert overlap.agreement > 0.9
    assert (overlap.share_a, overlap.share_b) == (1.0, 1.0)
    assert found == changes_of_whole(one, other, turned)
    np.testing.assert_allclose(overlap.transform, np.eye(3), atol=1e-9)  # of the first mirrored, if it is


def test_a_part_or_another_picture_is_no_edit_of_the_whole(photos):
    photo = photos["chelsea"]
    assert overlap_of_whole(shown(photo), shown(np.ascontiguousarray(photo[80:, 120:])), 0) is None
    assert overlap_of_whole(shown(photo), shown(photos["coffee"]), 0) is None


def test_another_shot_of_the_scene_is_no_edit_of_the_whole(photos):
    """As a whole it all but agrees; window by window it does not."""
    photo = photos["coffee"]
    height, width = photo.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    shot = cv2.remap(photo, x + 5 * np.sin(y / 9), y + 5 * np.cos(x / 11), cv2.INTER_LINEAR)  # as by parallax
    assert changes_of_whole(shown(photo), shown(shot), 0) is not None
    assert overlap_of_whole(shown(photo), shown(shot), 0) is None


def sepia(photo):
    """The tint as photo programs make it."""
    mixed = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return np.clip(photo @ mixed.T, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_a_tint_is_no_color(photos, name):
    photo = photos[name]
    gray = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert "toned" in between(photo, saved(sepia(photo))).words
    assert "in color" in between(sepia(photo), saved(photo)).words
    assert "recolored" in between(gray, saved(sepia(gray))).words
    assert not {"in color", "gray"} & {*between(gray, saved(sepia(gray))).words, *between(sepia(gray), gray).words}
    assert "gray" in between(photo, saved(gray)).words
