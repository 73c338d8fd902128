"""Signals: each part of a portrait is made once, and pairs of portraits say what pairs of pictures say."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lookalike import signals as room
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.errors import InvalidArgument
from lookalike.images import read_image
from lookalike.images.resize import encode_jpeg
from lookalike.judgment import judgment
from lookalike.keypoints import Overlap
from lookalike.signals import Portrait, Sketch, likely_alike, measure, measure_portraits, portrait


@pytest.fixture(scope="module")
def photos():
    """Real photographs, by name."""
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    return {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee")}


def plainly(signals):
    """Return signals as values that can be held against each other."""
    overlap = signals.overlap and (signals.overlap.inliers, signals.overlap.agreement, signals.overlap.share_a)
    names = (name for name in signals.__slots__ if name != "overlap")
    return {name: getattr(signals, name) for name in names} | {"overlap": overlap}


def test_portraits_that_were_measured_before_say_the_same(photos):
    ensemble = standard_ensemble()
    portraits = [portrait(pixels, ensemble) for pixels in photos.values()]
    for a in portraits:
        for b in portraits:
            fresh = measure(read_image(a.pixels), read_image(b.pixels), ensemble)
            assert plainly(measure_portraits(a, b)) == plainly(fresh)


def test_a_portrait_held_in_any_way_is_that_of_the_turned_picture(photos):
    ensemble, pixels = standard_ensemble(), photos["coffee"]
    for held in range(8):
        turned = np.ascontiguousarray(np.rot90(pixels[:, ::-1] if held >= 4 else pixels, -(held % 4)))
        one, other = portrait(pixels, ensemble), portrait(turned, ensemble)
        np.testing.assert_array_equal(one.phashes[held], other.phashes[0])
        np.testing.assert_array_equal(one.pdq(held), other.pdq())
        np.testing.assert_array_equal(one.gray(held).gray, other.gray().gray)
        np.testing.assert_array_equal(one.rows(held)["copy"], other.rows()["copy"])
        assert measure_portraits(one, other).turned == held


def test_nothing_is_measured_twice_by_many_threads(photos, monkeypatch):
    calls = []
    find = room.find_keypoints
    monkeypatch.setattr(room, "find_keypoints", lambda pixels, **how: calls.append(1) or find(pixels, **how))
    one = portrait(photos["chelsea"], standard_ensemble())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: one.keypoints, range(8)))
    assert len(calls) == 1
    assert all(each is found[0] for each in found)


def test_nothing_is_measured_before_it_is_asked_for(photos, monkeypatch):
    monkeypatch.setattr(room, "find_keypoints", lambda pixels: pytest.fail("keypoints were looked for"))
    one = portrait(photos["chelsea"], standard_ensemble())
    assert one.plain is False
    assert set(one.rows()) >= {"copy", "meaning", "color"}


def test_mirrored_parts_are_told(photos):
    cat, ensemble = photos["chelsea"], standard_ensemble()
    part = np.ascontiguousarray(cat[40:200, 60:300][:, ::-1])
    found = measure_portraits(portrait(part, ensemble), portrait(cat, ensemble))
    assert found.mirrored
    assert found.overlap is not None
    assert found.overlap.share_a == pytest.approx(1.0, abs=0.02)


def test_portraits_of_two_ensembles_do_not_meet(photos):
    one = portrait(photos["chelsea"], standard_ensemble())
    other = Portrait(photos["coffee"], standard_ensemble.__wrapped__())
    with pytest.raises(InvalidArgument, match="ensemble"):
        measure_portraits(one, other)


@pytest.fixture
def never(monkeypatch):
    """Nobody may look for keypoints."""
    monkeypatch.setattr(room, "find_keypoints", lambda pixels, **how: pytest.fail("keypoints were looked for"))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_evident_copies_need_no_keypoints_and_keypoints_would_say_the_same(photos, name, monkeypatch):
    whole, ensemble = photos[name], standard_ensemble()
    copies = [
        read_image(encode_jpeg(whole, 40)).pixels,
        np.ascontiguousarray(whole[::2, ::2]),
        np.ascontiguousarray(np.rot90(whole)),
    ]
    for copy in copies:
        found = measure_portraits(portrait(copy, ensemble), portrait(whole, ensemble))
        assert (found.looked, found.keypoints, found.overlap) == (False, 0, None)
        with monkeypatch.context() as patched:
            patched.setattr(room, "_decided", lambda signals: False)
            asked = measure_portraits(portrait(copy, ensemble), portrait(whole, ensemble))
        assert asked.looked
        assert asked.overlap is not None
        assert judgment().probability(asked) == pytest.approx(judgment().probability(found), abs=0.01)


def test_the_same_pixels_need_no_keypoints(photos, never):
    ensemble = standard_ensemble()
    found = measure_portraits(portrait(photos["coffee"], ensemble), portrait(photos["coffee"].copy(), ensemble))
    assert found.same_pixels
    assert not found.looked


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_crops_and_borders_are_looked_at(photos, name):
    whole, ensemble = photos[name], standard_ensemble()
    height, width = whole.shape[:2]
    for part in (0.05, 0.1, 0.2):
        down, across = round(height * part), round(width * part)
        crop = np.ascontiguousarray(whole[down:-down, across:-across])
        found = measure_portraits(portrait(crop, ensemble), portrait(whole, ensemble))
        assert found.overlap is not None
        assert found.overlap.share_b == pytest.approx((1 - 2 * part) ** 2, abs=0.03)


FAR = {"phash_bits": 30, "pdq_bits": 126, "copy_probability": 0.005, "meaning_probability": 0.3}
NEAR = {"phash_bits": 2, "pdq_bits": 10, "copy_probability": 0.99}
UNKNOWN = room.Signals(
    same_pixels=False, turned=0, phash_bits=20, pdq_bits=70, plain=False, copy=0.3, copy_probability=0.5, meaning=0.3,
    meaning_probability=0.3, ssim=0.2, color=0.5, keypoints=0, overlap=None, mirrored=False, looked=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "decided"),
    [
        (FAR, True),
        (NEAR, True),
        ({"same_pixels": True}, True),
        ({}, False),
        (FAR | {"meaning_probability": 0.9}, False),  # another shot of the scene, perhaps
        (FAR | {"copy_probability": 0.2}, False),
        (FAR | {"pdq_bits": 60}, False),
        (FAR | {"plain": True}, False),
        (NEAR | {"copy_probability": 0.2}, False),
        (NEAR | {"pdq_bits": 50}, False),
        (NEAR | {"plain": True}, False),
    ],
)
def test_keypoints_are_left_out_only_where_all_else_agrees(changed, decided):
    assert room._decided(dataclasses.replace(UNKNOWN, **changed)) is decided


def test_small_parts_are_looked_at_closer(photos, monkeypatch):
    whole, ensemble = photos["coffee"], standard_ensemble()
    part = np.ascontiguousarray(whole[: whole.shape[0] // 2, whole.shape[1] // 4 : -whole.shape[1] // 4])
    found = measure_portraits(portrait(part, ensemble), portrait(whole, ensemble))
    assert found.overlap is not None
    monkeypatch.setattr(room, "_DOUBTFUL", 2.0)
    glanced = measure_portraits(portrait(part, ensemble), portrait(whole, ensemble))
    assert found.overlap.inliers > (glanced.overlap.inliers if glanced.overlap else 0)
    assert found.keypoints > glanced.keypoints


@pytest.mark.parametrize(("matches", "needless", "closer"), [(4, False, False), (5, False, True), (4, True, True)])
def test_a_glance_without_matches_is_left_at_that_on_request(photos, monkeypatch, matches, needless, closer):
    ensemble, looks = standard_ensemble(), []
    find = room.find_keypoints
    monkeypatch.setattr(room, "find_keypoints", lambda pixels, **how: looks.append(how) or find(pixels, **how))
    monkeypatch.setattr(room, "count_matches", lambda a, b: matches)
    cat, cup = (portrait(photos[name], ensemble) for name in ("chelsea", "coffee"))
    mistaken = [portrait(one.pixels, ensemble, Sketch(one.phashes, one.plain, cat.row("copy"))) for one in (cat, cup)]
    assert measure_portraits(*mistaken, needless=needless).overlap is None
    assert ({"closer": True} in looks) is closer


def test_what_is_known_of_a_picture_is_not_measured_again(photos, monkeypatch):
    ensemble, whole = standard_ensemble(), photos["chelsea"]
    copy = read_image(encode_jpeg(whole, 40)).pixels
    plain = [portrait(pixels, ensemble) for pixels in (copy, whole)]
    sketches = [Sketch(one.phashes, one.plain, one.row("copy")) for one in plain]
    expected = measure_portraits(*plain, needless=False)
    monkeypatch.setattr(Ensemble, "describe", lambda self, pictures: pytest.fail("the network was run"))
    monkeypatch.setattr(room, "orientations", lambda *which: pytest.fail("hashes were made"))
    known = [portrait(pixels, ensemble, sketch) for pixels, sketch in zip((copy, whole), sketches, strict=True)]
    assert repr(measure_portraits(*known, needless=False)) == repr(expected)


def test_what_no_judgment_asks_for_is_left_out_on_request(photos):
    ensemble, whole = standard_ensemble(), photos["coffee"]
    pair = portrait(whole[:, 100:], ensemble), portrait(whole, ensemble)
    spared, found = measure_portraits(*pair, needless=False), measure_portraits(*pair)
    assert np.isnan([spared.ssim, spared.color, spared.meaning, spared.meaning_probability]).all()
    assert judgment().probability(spared) == judgment().probability(found)
    assert likely_alike(*pair, spared.turned) == found.meaning_probability


def test_an_overlap_that_is_known_needs_no_keypoints(photos, never):
    ensemble, whole = standard_ensemble(), photos["coffee"]
    known = Overlap(28, np.eye(3), 1.0, 1.0, 1.0, 0.99)
    found = measure_portraits(portrait(whole[:, 60:], ensemble), portrait(whole, ensemble), overlap=known)
    assert (found.looked, found.overlap, found.keypoints) == (True, known, 0)
