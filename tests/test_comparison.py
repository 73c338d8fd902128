"""Compare: symmetric, exact for equal pixels, honest about edits and strangers."""

import dataclasses
from importlib import import_module

import cv2
import numpy as np
import pytest

from lookalike import compare
from lookalike.describers.hashes import ORIENTATIONS
from lookalike.errors import ImageUnreadable, InvalidArgument, SourceNotFound
from lookalike.judgment import judgment

comparison = import_module("lookalike.comparison")

METHODS = ("auto", "copy", "meaning", "ssim", "color")


@pytest.fixture(scope="module")
def photos():
    """Real photographs, by name."""
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    return {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}


@pytest.mark.parametrize("method", METHODS)
def test_the_same_pixels_score_exactly_1(draw, method):
    found = compare(draw(1), draw(1), method=method)
    assert (found.score, found.verdict, found.probability) == (1.0, "identical", 1.0)


def test_the_same_pixels_in_two_formats_are_identical(draw, save, tmp_path):
    found = compare(save(draw(1), tmp_path / "a.png"), save(draw(1), tmp_path / "a.bmp"))
    assert found.verdict == "identical"
    assert found.evidence["digest"] == {"same_bytes": False, "same_pixels": True}


@pytest.mark.parametrize("method", METHODS)
def test_it_is_symmetric_and_below_1_for_other_pixels(photos, method):
    one, two = photos["chelsea"], np.rot90(photos["chelsea"]).copy()
    forth, back = compare(one, two, method=method), compare(two, one, method=method)
    assert (forth.score, forth.verdict, forth.probability) == (back.score, back.verdict, back.probability)
    assert 0.0 <= forth.score < 1.0
    assert compare(one, photos["rocket"], method=method).score == compare(photos["rocket"], one, method=method).score


EDITS = {
    "half size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "jpeg 30": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 1),
    "gray": lambda p: np.repeat(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2),
    "brighter": lambda p: cv2.convertScaleAbs(p, alpha=1.1, beta=20),
    "mirrored": lambda p: p[:, ::-1].copy(),
    "rotated 90": lambda p: np.rot90(p, -1).copy(),
    "crop to a half": lambda p: p[p.shape[0] // 6 : -p.shape[0] // 6, p.shape[1] // 8 : -p.shape[1] // 8].copy(),
    "crop to a quarter, mirrored": lambda p: p[: p.shape[0] // 2, p.shape[1] // 4 : -p.shape[1] // 4][:, ::-1].copy(),
    "in a frame": lambda p: cv2.copyMakeBorder(p, 90, 40, 60, 60, cv2.BORDER_CONSTANT, value=(40, 60, 120)),
    "one pixel": lambda p: cv2.circle(p.copy(), (5, 5), 0, (255, 0, 255), -1),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_edited_copies_are_called_so(photos, name, edit):
    found = compare(photos[name], EDITS[edit](photos[name]))
    assert found.verdict == "edited-copy"
    assert 0.5 <= found.probability < 1.0


def test_the_orientation_is_told_as_seen_from_the_first_picture(photos):
    cat = photos["chelsea"]
    turned = np.rot90(cat, -1).copy()  # clockwise
    assert compare(cat, turned).evidence["hash"]["orientation"] == "rotated 90"
    assert compare(turned, cat).evidence["hash"]["orientation"] == "rotated 270"
    assert compare(cat, cat[:, ::-1].copy()).evidence["hash"]["orientation"] == "mirrored"
    assert {"rotated 90", "rotated 270", "mirrored"} < set(ORIENTATIONS)
    assert "; the second is the first rotated 270 degrees clockwise" in " ".join(compare(turned, cat).reasons)
    assert compare(cat, cat[:, ::-1].copy()).reasons[0].endswith("; the second is the first mirrored")


def test_strangers_are_not_the_same_picture(photos):
    names = list(photos)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            found = compare(photos[one], photos[other])
            assert found.verdict in ("similar", "unrelated"), (one, other, found)
            assert found.probability < 0.5


def test_another_shot_of_a_scene_is_a_near_duplicate():
    data = pytest.importorskip("skimage.data", reason="needs the stereo pair inside scikit-image")
    left, right, _ = data.stereo_motorcycle()
    found = compare(left, right)
    assert found.verdict == "near-duplicate"
    assert found.evidence["geometry"]["keypoints_aligned"] > 50


def test_a_crop_tells_how_much_it_shows_of_the_other(photos):
    whole = photos["astronaut"]
    part = whole[100:400, 50:450].copy()
    for one, other, key in ((whole, part, "share_of_a"), (part, whole, "share_of_b")):
        geometry = compare(one, other).evidence["geometry"]
        assert geometry[key] == pytest.approx(300 * 400 / 512**2, abs=0.02)


def test_it_says_where_keypoints_were_not_looked_for(photos):
    cat = photos["chelsea"]
    found = compare(cat, np.ascontiguousarray(cat[::2, ::2]))
    assert found.verdict == "edited-copy"
    assert found.evidence["geometry"] == {"looked_for": False, "keypoints_aligned": None}
    assert any("keypoints were not looked for" in reason for reason in found.reasons)
    found = compare(cat, cat[30:-30, 40:-40].copy())
    assert found.evidence["geometry"]["looked_for"] is True
    assert not any("not looked for" in reason for reason in found.reasons)


def test_plain_pictures_are_judged_by_their_pixels():
    white, gray = np.full((64, 64, 3), 255, np.uint8), np.full((64, 64, 3), 120, np.uint8)
    assert compare(white, gray).verdict not in ("identical", "edited-copy")
    assert compare(white, gray).evidence["hash"]["plain"] is True


def test_evidence_has_every_signal_and_calibration_says_what_was_fitted(draw, monkeypatch):
    found = compare(draw(1), draw(2))
    assert set(found.evidence) == {"digest", "hash", "copy", "geometry", "meaning", "ssim", "colors", "pictures"}
    assert found.calibration == "fitted"
    other = dataclasses.replace(judgment(), signature="another-model/1@0")
    monkeypatch.setattr(comparison, "judgment", lambda: other)
    assert compare(draw(1), draw(2)).calibration == "provisional"
    assert found.reasons


def test_sizes_down_to_one_pixel_are_compared(draw):
    for size in ((1, 1), (3, 200), (6, 6)):
        assert 0.0 <= compare(draw(1), draw(2, width=max(size), height=max(size))[: size[0], : size[1]]).score <= 1.0


def test_bad_input_is_a_clear_error(draw, tmp_path):
    (tmp_path / "text.jpg").write_text("hello, I am no picture", "utf-8")
    with pytest.raises(ImageUnreadable):
        compare(draw(1), tmp_path / "text.jpg")
    with pytest.raises(SourceNotFound):
        compare(draw(1), tmp_path / "gone.jpg")
    with pytest.raises(InvalidArgument, match="auto"):
        compare(draw(1), draw(2), method="magic")
