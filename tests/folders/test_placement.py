"""Where one picture lies in another: shares of what both show are those that counting points finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.folders.placement import held, moved, share_within

SHARE = st.floats(-0.2, 0.2)


def counted(transform, points=150):
    grid = (np.stack(np.meshgrid(np.arange(points), np.arange(points)), axis=-1) + 0.5) / points
    ends = moved(transform, grid)
    return ((ends >= 0) & (ends <= 1)).all(axis=-1).mean()


@given(st.integers(0, 7), st.floats(0.3, 3), st.floats(0.3, 3), st.floats(-1, 1), st.floats(-1, 1), SHARE, SHARE)
def test_the_share_within_is_that_of_the_points_that_stay_inside(way, wide, high, right, down, tilt, lean):
    transform = held(way) @ np.array([[wide, lean, right], [0, high, down], [tilt, lean, 1]])
    assert share_within(transform) == pytest.approx(counted(transform), abs=0.01)
    assert share_within(-2 * transform) == pytest.approx(share_within(transform))


@pytest.mark.parametrize("way", range(8))
def test_a_whole_picture_is_within_and_half_of_one_moved_aside(way):
    aside = np.array([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]])
    assert share_within(held(way)) == 1.0
    assert share_within(aside @ held(way)) == pytest.approx(0.5)
    assert share_within(aside @ aside @ held(way)) == 0.0
