"""The published list of edits: any picture, the same result for the same seed, and the table in the docs is true."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.edits import EDITS, LEVELS, edit
from lookalike.errors import InvalidArgument

DOCS = Path(__file__).resolve().parents[1] / "docs" / "evaluation.md"


def test_there_are_at_least_thirty_at_three_strengths():
    assert len(EDITS) >= 30
    assert LEVELS == ("mild", "medium", "hard")
    assert all(len(set(one.values)) == 3 for one in EDITS.values())


@pytest.mark.parametrize("name", EDITS)
def test_the_same_seed_gives_the_same_picture_and_every_level_another(draw, name):
    picture, other = draw(1, 120, 90), draw(2, 120, 90)
    before = picture.copy()
    results = [edit(picture, name, level, seed=3, other=other) for level in LEVELS]
    np.testing.assert_array_equal(picture, before)
    for level, result in zip(LEVELS, results, strict=True):
        np.testing.assert_array_equal(edit(picture, name, level, seed=3, other=other), result)
        assert result.shape != picture.shape or (result != picture).any()
    assert any(one.shape != two.shape or (one != two).any() for one, two in pairwise(results))


def mean_change(picture, name, level):
    return np.abs(edit(picture, name, level, seed=5).astype(float) - picture).mean()


@pytest.mark.parametrize(
    "name", ["jpeg", "webp", "pixelate", "posterize", "blur", "noise", "specks", "sharpen", "brighter", "darker",
             "contrast", "flatten", "hue", "gray", "sepia", "cast", "vignette", "watermark"],
)  # fmt: skip
def test_harder_levels_change_more(draw, name):
    picture = draw(4, 160, 120)
    mild, medium, hard = (mean_change(picture, name, level) for level in LEVELS)
    assert 0 < mild < medium < hard


@settings(max_examples=40)
@given(st.sampled_from(sorted(EDITS)), st.sampled_from(LEVELS), st.integers(1, 40), st.integers(1, 40))
def test_pictures_of_any_size_are_taken(name, level, height, width):
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    result = edit(picture, name, level)
    assert result.dtype == np.uint8
    assert result.ndim == 3
    assert result.shape[2] == 3
    assert min(result.shape) >= 1


def test_sizes_are_those_of_the_list(draw):
    picture = draw(1, 200, 100)
    assert [edit(picture, "scale-down", level).shape[1] for level in LEVELS] == [100, 50, 24]
    assert [edit(picture, "quarter-turn", level).shape[:2] for level in LEVELS] == [(200, 100), (100, 200), (200, 100)]
    for level, share in zip(LEVELS, (0.8, 0.5, 0.25), strict=True):
        assert edit(picture, "crop", level).size / picture.size == pytest.approx(share, abs=0.05)
    np.testing.assert_array_equal(edit(picture, "mirror", "mild"), picture[:, ::-1])


def test_golden_values():
    """Mean gray levels of edits without dice: other values are another version of the list."""
    picture = (np.mgrid[0:64, 0:96].sum(0)[..., None] * [1, 2, 3] % 256).astype(np.uint8)
    assert picture.mean() == pytest.approx(114.222, abs=0.001)
    wanted = {"darker": 68.11, "contrast": 106.89, "gray": 117.99, "sepia": 132.18, "letterbox": 85.0}
    found = {name: float(edit(picture, name, "medium").mean()) for name in wanted}
    assert found == pytest.approx(wanted, abs=0.3)


def test_unknown_names_are_refused(draw):
    with pytest.raises(InvalidArgument, match="jpeg"):
        edit(draw(1), "magic", "mild")
    with pytest.raises(InvalidArgument, match="medium"):
        edit(draw(1), "jpeg", "cruel")


def test_the_documents_have_every_entry():
    text = DOCS.read_text("utf-8")
    for one in EDITS.values():
        values = " | ".join(f"{value:g}" for value in one.values)
        assert f"| {one.name} | {one.does} | {one.measure} | {values} |" in text
