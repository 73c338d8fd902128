"""The join of hashes: exactly the near pairs, whatever the radius."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike import hashjoin
from lookalike.errors import InvalidArgument
from lookalike.hashjoin import MOST_BITS, near_codes, near_pairs


@pytest.fixture(params=["numpy", "numba"])
def loop(request, monkeypatch):
    """Run a test with either loop, whatever the number of hashes."""
    if request.param == "numba":
        pytest.importorskip("numba")
        monkeypatch.setattr(hashjoin, "_WORTH_COMPILING", 0)
    return request.param


def told(blocks):
    return [(int(a), int(b)) for i, j in blocks for a, b in zip(i, j, strict=True)]


def related(seed, fewest=30, most=60):
    random = np.random.default_rng(seed)
    left = random.integers(0, 2**64, fewest, np.uint64)
    flips = [sum(1 << int(b) for b in random.choice(64, random.integers(0, 15), replace=False)) for _ in range(most)]
    return left, left[random.integers(0, fewest, most)] ^ np.array(flips, np.uint64)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(0, MOST_BITS))
def test_it_finds_exactly_what_holding_each_against_each_finds(loop, seed, bits):
    left, right = related(seed)
    apart = np.bitwise_count(left[:, None] ^ right[None])
    assert sorted(told(near_codes(left, right, bits))) == [(int(a), int(b)) for a, b in np.argwhere(apart <= bits)]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(0, MOST_BITS))
def test_the_pairs_of_one_set_come_once_and_in_order(loop, seed, bits):
    codes = np.concatenate(related(seed))
    apart = np.bitwise_count(codes[:, None] ^ codes[None])
    expected = [(int(a), int(b)) for a, b in np.argwhere(apart <= bits) if a < b]
    assert sorted(told(near_pairs(codes, bits))) == expected


def test_crowds_come_in_blocks_and_whole(loop, monkeypatch):
    monkeypatch.setattr("lookalike.hashjoin._BLOCK", 100)
    same = np.full(40, 0x0123456789ABCDEF, np.uint64)
    assert len(set(told(near_codes(same, same, 0)))) == 1600
    assert len(told(near_pairs(same, 11))) == 780
    assert max(len(i) for i, _ in near_codes(same, same, 0)) <= 140


def test_empty_and_impossible(loop):
    none = np.zeros(0, np.uint64)
    assert told(near_codes(none, none, 3)) == []
    assert told(near_pairs(none, 3)) == []
    with pytest.raises(InvalidArgument):
        told(near_codes(none, none, MOST_BITS + 1))


@pytest.mark.slow
def test_a_million_hashes_are_joined_exactly():
    pytest.importorskip("numba")
    random = np.random.default_rng(1)
    codes = random.integers(0, 2**64, 1_000_000, np.uint64)
    planted = random.choice(500_000, 1000, replace=False)
    flips = [sum(1 << int(b) for b in random.choice(64, at % 13, replace=False)) for at in range(1000)]
    codes[planted + 500_000] = codes[planted] ^ np.array(flips, np.uint64)
    found = set(told(near_pairs(codes, 10)))
    expected = {(at, at + 500_000) for at, flip in zip(planted.tolist(), flips, strict=True) if flip.bit_count() <= 10}
    assert expected <= found
    assert all((codes[a] ^ codes[b]).item().bit_count() <= 10 and a < b for a, b in found)
