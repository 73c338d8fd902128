"""Signals: each part of a portrait is made once, and pairs of portraits say what pairs of pictures say."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lookalike import signals as room
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import InvalidArgument
from lookalike.images import read_image
from lookalike.signals import Portrait, measure, measure_portraits, portrait


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
    monkeypatch.setattr(room, "find_keypoints", lambda pixels: calls.append(1) or find(pixels))
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
