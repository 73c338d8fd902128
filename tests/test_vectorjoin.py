"""The join of vectors: exactly the nearest of each row, and nearly all of them by cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike import vectorjoin
from lookalike.errors import InvalidArgument
from lookalike.vectorjoin import near_rows


def unit(rows):
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float16)


def crowded(n, d=32, seed=0, apart=0.25):
    """Return n rows in groups of about five around common directions."""
    random = np.random.default_rng(seed)
    around = random.normal(size=(max(1, n // 5), d))
    return unit(around[random.integers(0, len(around), n)] + apart * random.normal(size=(n, d)))


def told(blocks):
    return {(int(a), int(b)): float(c) for i, j, cosine in blocks for a, b, c in zip(i, j, cosine, strict=True)}


def brute(left, right, least, most):
    found = {}
    cosines = left.astype(np.float32) @ right.astype(np.float32).T
    if left is right:
        np.fill_diagonal(cosines, -1)
    for i, row in enumerate(cosines):
        for j in np.argsort(-row, kind="stable")[:most]:
            if row[j] >= least:
                found[i, int(j)] = float(row[j])
    return found


@given(st.integers(0, 2**32), st.integers(1, 8), st.sampled_from([0.2, 0.6, 0.9]))
def test_it_finds_exactly_the_nearest(seed, most, least):
    rows = crowded(60, seed=seed)
    assert told(near_rows(rows, rows, least, most)) == pytest.approx(brute(rows, rows, least, most), abs=1e-5)
    left, right = rows[:20], rows[20:]
    assert told(near_rows(left, right, least, most)) == pytest.approx(brute(left, right, least, most), abs=1e-5)


def test_blocks_change_nothing(monkeypatch):
    rows = crowded(500)
    whole = told(near_rows(rows, rows, 0.5, 4))
    monkeypatch.setattr(vectorjoin, "_QUERIES", 64)
    monkeypatch.setattr(vectorjoin, "_COLUMNS", 96)
    assert told(near_rows(rows, rows, 0.5, 4)) == pytest.approx(whole, abs=1e-5)


def test_rows_of_zeros_are_near_nothing():
    rows = crowded(50)
    rows[::5] = 0
    assert not [pair for pair in told(near_rows(rows, rows, 0.1, 50)) if pair[0] % 5 == 0 or pair[1] % 5 == 0]


@pytest.mark.parametrize("way", ["exact", "cells"])
def test_a_crowd_of_equal_rows_has_no_more_pairs_than_others(way, monkeypatch):
    monkeypatch.setattr(vectorjoin, "EXACT_UP_TO", 10**9 if way == "exact" else 0)
    rows = np.repeat(crowded(2), 1000, axis=0)
    found = told(near_rows(rows, rows, 0.9, 5))
    assert np.bincount([i for i, _ in found], minlength=2000).tolist() == [5] * 2000
    assert all(i != j and i // 1000 == j // 1000 for i, j in found)


@pytest.mark.parametrize("sides", ["one", "two"])
def test_cells_miss_next_to_nothing(sides, monkeypatch):
    rows = crowded(3000, d=64)
    left, right = (rows, rows) if sides == "one" else (rows[:1000], rows[1000:])
    expected = told(near_rows(left, right, 0.6, 12))
    monkeypatch.setattr(vectorjoin, "EXACT_UP_TO", 0)
    monkeypatch.setattr(vectorjoin, "_PART", 700)
    found = told(near_rows(left, right, 0.6, 12))
    assert len(expected) > 2000
    assert len(found.keys() & expected.keys()) >= 0.99 * len(expected)
    assert all(found[pair] == pytest.approx(expected[pair], abs=1e-5) for pair in found.keys() & expected.keys())


def test_cells_of_almost_nothing(monkeypatch):
    monkeypatch.setattr(vectorjoin, "EXACT_UP_TO", 0)
    for n in (1, 2, 3):
        rows = np.repeat(crowded(1), n, axis=0)
        assert len(told(near_rows(rows, rows, 0.9, 5))) == n * (n - 1)
    nothing = np.zeros((4, 32), np.float16)
    assert told(near_rows(nothing, nothing, 0.5, 3)) == {}


def test_nothing_and_what_makes_no_sense():
    none = np.zeros((0, 32), np.float16)
    assert told(near_rows(none, none, 0.5, 3)) == {}
    assert told(near_rows(crowded(5), none, 0.5, 3)) == {}
    with pytest.raises(InvalidArgument):
        told(near_rows(none, none, 0.5, 0))
    with pytest.raises(InvalidArgument):
        told(near_rows(none, none, 0.0, 3))


@pytest.mark.parametrize("limit", [0, 10**9])
def test_the_share_done_rises_to_the_end(limit, monkeypatch):
    monkeypatch.setattr(vectorjoin, "EXACT_UP_TO", limit)
    shares = []
    rows = crowded(1500)
    told(near_rows(rows, rows, 0.6, 3, shares.append))
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1.0
