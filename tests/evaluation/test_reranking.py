"""Re-ranking agrees with the paper, written down plainly; it helps where neighborhoods tell more than distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument
from lookalike.evaluate import first_ranks, ranks_and_precisions
from lookalike.evaluation import reranking
from lookalike.evaluation.reranking import Reranked


def drawn(seed, count, labels=4, spread=0.8):
    rng = np.random.default_rng(seed)
    named = rng.integers(labels, size=count)
    rows = rng.standard_normal((labels, 12))[named] + spread * rng.standard_normal((count, 12))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), named


def plainly(rows, k1, k2, share):
    """Sections 3.2 to 3.4 of the paper over dense matrices, row after row."""
    rows = rows.astype(np.float64)
    count = len(rows)
    distance = np.maximum(0, 2 - 2 * rows @ rows.T)
    distance /= distance.max(axis=1, keepdims=True)
    np.fill_diagonal(distance, -1)
    rank = np.argsort(distance, axis=1, kind="stable")
    np.fill_diagonal(distance, 0)

    def reciprocal(place, k):
        return {int(one) for one in rank[place, : k + 1] if place in rank[one, : k + 1]}

    encoded = np.zeros((count, count))
    for place in range(count):
        own = reciprocal(place, k1)
        wider = set(own)
        for one in own:
            theirs = reciprocal(one, round(k1 / 2))
            if len(theirs & own) > 2 / 3 * len(theirs):
                wider |= theirs
        for one in wider:
            encoded[place, one] = np.exp(-distance[place, one])
        encoded[place] /= encoded[place].sum()
    encoded = np.array([encoded[rank[place, :k2]].mean(axis=0) for place in range(count)])
    smaller = np.minimum(encoded[:, None], encoded[None]).sum(axis=2)
    larger = np.maximum(encoded[:, None], encoded[None]).sum(axis=2)
    return (1 - share) * (1 - smaller / larger) + share * distance


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 45), st.integers(1, 12), st.integers(1, 6), st.floats(0, 1))
def test_it_is_the_paper(seed, count, k1, k2, share):
    rows, _ = drawn(seed, count)
    small_blocks = pytest.MonkeyPatch()
    small_blocks.setattr(reranking, "BLOCK", 7)
    try:
        found = -Reranked(rows, k1=k1, k2=k2, share=share)(np.arange(count))
    finally:
        small_blocks.undo()
    assert np.allclose(found, plainly(rows, k1, k2, share), atol=1e-5)


def test_the_row_s_own_distance_alone_ranks_as_before():
    rows, labels = drawn(1, 60)
    assert (first_ranks(Reranked(rows, share=1.0), labels) == first_ranks(rows, labels)).all()


def test_neighborhoods_find_what_distances_miss():
    rows, labels = drawn(3, 200, spread=1.0)
    plain, better = (ranks_and_precisions(one, labels)[1].mean() for one in (rows, Reranked(rows)))
    assert better > plain + 0.05


def test_equal_rows_and_few_rows_do_no_harm():
    rows = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
    assert np.isfinite(Reranked(rows)(np.arange(6))).all()
    assert first_ranks(Reranked(rows), [0, 0, 1, 1, 2, 2]).max() == 1
    assert np.isfinite(Reranked(np.repeat(rows[:1], 4, axis=0))(np.arange(4))).all()


@pytest.mark.parametrize("bad", [{"k1": 0}, {"k2": 0}, {"share": 1.1}])
def test_what_makes_no_sense_is_refused(bad):
    with pytest.raises(InvalidArgument):
        Reranked(np.eye(3, dtype=np.float32), **bad)
