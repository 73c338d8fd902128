"""Pairs judged by what is known of the files: the same one at a time and many at once, and without the files."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from lookalike.folders.glance import Glance
from lookalike.folders.selection import Selection
from lookalike.folders.survey import take_survey
from lookalike.settings import Settings


@pytest.fixture
def glance(tmp_path, save, draw):
    """Return a glance at six pictures, which are gone by now: 0 to 3 are one picture, 3 has the bytes of 0."""
    picture = draw(1)
    made = {
        "a": picture, "b": picture[::2, ::2], "c": cv2.GaussianBlur(np.rot90(picture), (0, 0), 1),
        "d": picture, "e": draw(2), "f": draw(3),
    }  # fmt: skip
    for name, pixels in made.items():
        save(pixels, tmp_path / "pictures" / f"{name}.jpg", quality=92)
    survey = take_survey(Selection([tmp_path / "pictures"]), upto="hash", ledger="")
    for name in made:
        (tmp_path / "pictures" / f"{name}.jpg").unlink()
    return Glance(survey, settings=Settings())


def test_what_is_known_decides(glance):
    smaller, turned, same, stranger = (glance.judged(0, other).pair for other in (1, 2, 3, 4))
    assert (smaller.verdict, smaller.tier, smaller.changes) == (
        "edited-copy",
        "hash",
        ("resized from 320x240 to 160x120",),
    )
    assert (turned.verdict, turned.changes) == ("edited-copy", ("rotated 270",))
    assert (same.verdict, same.tier, same.probability) == ("identical", "digest", 1.0)
    assert (stranger.verdict, stranger.tier) == ("unrelated", "copy")
    assert smaller.probability < 1.0


def test_the_order_of_the_files_does_not_matter(glance):
    for i, j in combinations(range(6), 2):
        assert glance.judged(i, j) == glance.judged(j, i)


def test_pairs_are_judged_the_same_one_by_one_and_at_once(glance):
    pairs = list(combinations(range(6), 2))
    single = [glance.judged(*pair) for pair in pairs]
    glance.prepare(pairs[::2])
    assert [glance.judged(*pair) for pair in pairs] == single
    glance.prepare([])
    assert [glance.judged(*pair) for pair in pairs] == single
