"""Metrics agree with SciPy, stay in their ranges, and refuse what they can't compare."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial import distance as reference

from lookalike.errors import InvalidArgument, ShapeMismatch
from lookalike.metrics import METRICS, distances, similarities

SCORED = [name for name, metric in METRICS.items() if metric.score]

numbers = st.floats(-100, 100).map(lambda value: round(value, 3))
counts = st.integers(0, 255)


def pairs(elements):
    """(query, rows) of one width, with at least one row."""
    shapes = st.tuples(st.integers(1, 6), st.integers(1, 12))
    return shapes.flatmap(
        lambda shape: st.tuples(
            arrays.arrays(np.float64, shape[1], elements=elements), arrays.arrays(np.float64, shape, elements=elements)
        )
    )


def has_direction(*rows):
    return all(np.ptp(row) > 0 for row in rows)


SCIPY = {
    "cosine": reference.cosine,
    "correlation": reference.correlation,
    "l2": reference.euclidean,
    "l1": reference.cityblock,
    "hamming": reference.hamming,
}


@settings(max_examples=150)
@given(pairs(numbers), st.sampled_from(sorted(SCIPY)))
def test_agrees_with_scipy(pair, name):
    query, rows = pair
    found = distances(query, rows, name)
    for row, value in zip(rows, found, strict=True):
        if name == "correlation" and not has_direction(query, row):
            expected = 1.0  # SciPy gives NaN or noise where there is no direction
        elif name == "cosine" and not (query.any() and row.any()):
            expected = 1.0
        else:
            expected = SCIPY[name](query, row)
        assert value == pytest.approx(expected, abs=1e-7)


@settings(max_examples=60)
@given(pairs(counts))
def test_chi_squared_is_its_formula(pair):
    query, rows = pair
    for row, value in zip(rows, distances(query, rows, "chi-squared"), strict=True):
        assert value == pytest.approx(sum((a - b) ** 2 / (a + b) / 2 for a, b in zip(query, row, strict=True) if a + b))


def test_dot_is_the_product_turned_round_so_that_smaller_is_nearer():
    assert distances([1, 2], [[3, 4], [-1, 0], [0, 0]], "dot").tolist() == [-11, 1, 0]


def test_known_values():
    assert distances([1, 0], [[1, 0], [0, 5], [-2, 0]]).tolist() == [0, 1, 2]
    assert distances([1, 2, 3], [[2, 4, 6], [3, 2, 1]], "correlation").tolist() == pytest.approx([0, 2])
    assert distances([0, 0], [[3, 4]], "l2").tolist() == [5]
    assert distances([0, 0], [[3, -4]], "l1").tolist() == [7]
    assert distances([1, 0], [[0, 1]], "chi-squared").tolist() == [1]
    assert distances([1, 0, 1, 1], [[1, 1, 0, 1]], "hamming").tolist() == [0.5]


@settings(max_examples=100)
@given(pairs(counts), st.sampled_from(SCORED))
def test_scores_are_in_range_and_in_the_order_of_distances(pair, name):
    query, rows = pair
    far, alike = distances(query, rows, name), similarities(query, rows, name)
    assert ((alike >= 0) & (alike <= 1)).all()
    assert (np.diff(alike[np.argsort(far, kind="stable")]) <= 0).all()


@settings(max_examples=60)
@given(arrays.arrays(np.float64, 7, elements=counts), st.sampled_from(SCORED))
def test_a_vector_is_like_itself(row, name):
    alone = {"cosine": row.any(), "correlation": has_direction(row)}.get(name, True)
    assert similarities(row, row[None], name)[0] == pytest.approx(1.0 if alone else 0.0, abs=1e-12)


@settings(max_examples=100)
@given(pairs(counts), st.sampled_from(sorted(METRICS)))
def test_distances_are_symmetric(pair, name):
    query, rows = pair
    backward = [distances(row, query[None], name)[0] for row in rows]
    assert distances(query, rows, name).tolist() == pytest.approx(backward, abs=1e-12)


def test_unit_rows_score_as_searches_do():
    rows = np.array([[1, 0], [0.6, 0.8], [-0.6, 0.8]])
    assert similarities([1, 0], rows).tolist() == pytest.approx([1, 0.6, 0])


def test_integers_do_not_overflow():
    rows = np.array([[0, 255]], np.uint8)
    assert distances(np.array([255, 0], np.uint8), rows, "l1").tolist() == [510]
    assert distances([1e300, 0], [[1e300, 1e300]]).tolist() == pytest.approx([1 - 0.5**0.5])


def test_no_rows_give_no_distances():
    for name in METRICS:
        assert distances([1, 2], np.empty((0, 2)), name).shape == (0,)


def test_an_unknown_metric_names_those_known():
    with pytest.raises(InvalidArgument, match="cosine, correlation, dot, l2, l1, chi-squared, hamming"):
        distances([1], [[1]], "euclid")


def test_dot_has_no_score():
    with pytest.raises(InvalidArgument, match="cosine, correlation, l2, l1, chi-squared, hamming"):
        similarities([1], [[1]], "dot")


@pytest.mark.parametrize(("query", "rows"), [([1, 2], [[1, 2, 3]]), ([[1, 2]], [[1, 2]]), ([1, 2], [1, 2])])
def test_other_shapes_are_refused(query, rows):
    with pytest.raises(ShapeMismatch):
        distances(query, rows)


def test_what_is_no_number_is_refused():
    with pytest.raises(InvalidArgument, match="finite"):
        distances([1, float("nan")], [[1, 2]])
    with pytest.raises(InvalidArgument, match="histogram"):
        distances([1, 2], [[1, -2]], "chi-squared")
    with pytest.raises(InvalidArgument, match="empty"):
        distances([], np.empty((1, 0)))
