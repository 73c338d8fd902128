"""The join of hashes: exactly the near pairs, whatever the radius."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument
from lookalike.hashjoin import MOST_BITS, near_codes


def joined(left, right, bits):
    return {(int(a), int(b)) for i, j in near_codes(left, right, bits) for a, b in zip(i, j, strict=True)}


@given(st.integers(0, 2**32), st.integers(0, MOST_BITS))
def test_it_finds_exactly_what_holding_each_against_each_finds(seed, bits):
    random = np.random.default_rng(seed)
    left = random.integers(0, 2**64, 30, np.uint64)
    flips = [sum(1 << int(b) for b in random.choice(64, random.integers(0, 15), replace=False)) for _ in range(60)]
    right = left[random.integers(0, 30, 60)] ^ np.array(flips, np.uint64)
    apart = np.bitwise_count(left[:, None] ^ right[None])
    assert joined(left, right, bits) == {(int(a), int(b)) for a, b in np.argwhere(apart <= bits)}


def test_crowds_come_in_blocks_and_whole(monkeypatch):
    monkeypatch.setattr("lookalike.hashjoin._BLOCK", 100)
    same = np.full(40, 0x0123456789ABCDEF, np.uint64)
    assert len(joined(same, same, 0)) == 1600
    assert max(len(i) for i, _ in near_codes(same, same, 0)) <= 140


def test_empty_and_impossible():
    none = np.zeros(0, np.uint64)
    assert joined(none, none, 3) == set()
    with pytest.raises(InvalidArgument):
        joined(none, none, MOST_BITS + 1)
