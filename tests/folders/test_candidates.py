"""Candidates: every pair that is near, none that the selection doesn't mean, and no flood of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.folders import candidates as module
from lookalike.folders.candidates import candidates
from lookalike.folders.selection import Selection
from lookalike.folders.survey import Survey, take_survey
from lookalike.likeness import turned_codes
from lookalike.settings import Settings


def made(n, *, codes=None, copies=None, same=None, side=None, reference=None, scope=None):
    """Return a survey of n files; without more, nothing of them is alike."""
    codes = np.zeros(n, np.uint64) if codes is None else np.asarray(codes, np.uint64)
    return Survey(
        codes=codes,
        turned=turned_codes(codes),
        quality=np.full(n, 100, np.uint8),
        copies=np.zeros((n, 0), np.float16) if copies is None else copies.astype(np.float16),
        same=np.arange(n) if same is None else np.asarray(same, np.int64),
        side=np.zeros(n, np.uint8) if side is None else np.asarray(side, np.uint8),
        reference=np.zeros(n, np.bool_) if reference is None else np.asarray(reference, np.bool_),
        scope=np.zeros(n, np.int32) if scope is None else np.asarray(scope, np.int32),
        files=lambda number: pytest.fail("no file is needed"),
    )


def pairs(survey, **more):
    found = [(int(a), int(b)) for i, j in candidates(survey, **more) for a, b in zip(i, j, strict=True)]
    assert all(a < b for a, b in found)
    return set(found)


def joined(n, found):
    """Return a number for each file, equal for those that pairs chain together."""
    group = list(range(n))
    for a, b in sorted(found) * n:
        group[a] = group[b] = min(group[a], group[b])
    return group


def hashes(seed, n):
    """Return n hashes, some near others as they are or turned."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 2**64, n, np.uint64)
    for at in range(1, n, 2):
        of = turned_codes(codes[[random.integers(0, at)]])[0, random.choice([0, 0, 0, *range(8)])]
        flips = random.choice(64, random.integers(0, 14), replace=False)
        codes[at] = of ^ np.uint64(sum(1 << int(bit) for bit in flips))
    return codes


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.data())
def test_hashes_and_rules_agree_with_holding_each_against_each(seed, data):
    n = 24
    column = st.lists(st.integers(0, 1), min_size=n, max_size=n)
    side = [1 + which for which in data.draw(column)] if data.draw(st.booleans()) else [0] * n
    reference, scope = data.draw(column), data.draw(column) if data.draw(st.booleans()) else [0] * n
    survey = made(n, codes=hashes(seed, n), side=side, reference=reference, scope=scope)
    apart = np.bitwise_count(survey.turned[:, :, None] ^ survey.codes[None, None])
    expected = set()
    for i in range(n):
        for j in range(n):
            meant = (
                scope[i] == scope[j] and not (reference[i] and reference[j]) and (side[i] == 0 or side[i] != side[j])
            )
            if i != j and meant and (apart[i, 0, j] <= 11 or apart[i, 1:, j].min() <= 7):
                expected.add((min(i, j), max(i, j)))
    assert pairs(survey) == expected


def test_equal_bytes_are_chained_to_the_first():
    assert pairs(made(6, same=[0, 1, 0, 1, 4, 0])) == {(0, 2), (0, 5), (1, 3)}


def test_equal_bytes_among_references_and_others():
    survey = made(5, same=[0] * 5, reference=[1, 1, 0, 0, 1])
    assert pairs(survey) == {(0, 2), (1, 2), (2, 3), (2, 4)}
    assert pairs(made(3, same=[0] * 3, reference=[1, 1, 1])) == set()


def test_equal_bytes_on_two_sides():
    found = pairs(made(6, same=[0] * 6, side=[1, 2, 1, 2, 1, 2]))
    assert joined(6, found) == [0] * 6
    assert all(a % 2 != b % 2 for a, b in found)
    assert pairs(made(3, same=[0] * 3, side=[1, 1, 1])) == set()


def test_equal_bytes_in_scopes():
    assert pairs(made(5, same=[0] * 5, scope=[0, 1, 0, 1, 2])) == {(0, 2), (1, 3)}


@pytest.mark.parametrize("side", [None, [1, 1, 2]])
def test_copies_of_a_file_meet_whom_it_meets(side):
    """Of two equal files on one side both are told beside their near one on the other."""
    codes = [0x0F0F33335555A5A5, 0x0F0F33335555A5A5, 0x0F0F33335555A5A4]
    assert joined(3, pairs(made(3, codes=codes, same=[0, 0, 2], side=side))) == [0, 0, 0]


def test_plain_pictures_never_meet_by_hash():
    assert pairs(made(50, codes=[0] * 50)) == set()


@pytest.mark.parametrize("side", [None, [1, 2] * 1000])
def test_a_crowd_of_one_hash_is_chained(side):
    codes = np.full(2000, 0x0F0F33335555A5A5, np.uint64)
    found = pairs(made(2000, codes=codes, side=side))
    assert len(found) <= 4000
    parents = np.arange(2000)
    for a, b in sorted(found):
        parents[b] = parents[a]
    assert len(found) >= 1999
    assert {number for pair in found for number in pair} == set(range(2000))


def test_thousands_all_alike_dont_all_meet(monkeypatch):
    random = np.random.default_rng(0)
    base = 0x0F0F33335555A5A5
    codes = [base ^ sum(1 << int(bit) for bit in random.choice(64, 4, replace=False)) for _ in range(1000)]
    monkeypatch.setattr(module, "_PARTNERS", 20)
    found = pairs(made(1000, codes=codes))
    assert 1000 < len(found) < 1000 * 2 * 20
    partners = np.bincount(np.array(list(found)).ravel(), minlength=1000)
    assert partners.min() >= 5


def rows(seed, n, d=16):
    random = np.random.default_rng(seed)
    found = random.normal(size=(n, d))
    found[1::2] = found[::2] + 0.3 * random.normal(size=(n // 2, d))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(["", "sides", "scopes"]))
def test_near_vectors_are_found_within_the_rules(seed, rule):
    n = 20
    random = np.random.default_rng(seed)
    side = random.integers(1, 3, n) if rule == "sides" else np.zeros(n, int)
    scope = random.integers(0, 3, n) if rule == "scopes" else np.zeros(n, int)
    survey = made(n, copies=rows(seed, n), side=side, scope=scope)
    cosines = survey.copies.astype(np.float32) @ survey.copies.astype(np.float32).T
    meant = (scope[:, None] == scope) & ((side[:, None] != side) | (rule != "sides"))
    expected = {(int(a), int(b)) for a, b in np.argwhere(meant & (cosines >= 0.7)) if a < b}
    assert pairs(survey, least=0.7, neighbors=n) == expected


def test_each_has_its_nearest_though_there_are_many():
    survey = made(200, copies=rows(0, 200))
    cosines = survey.copies.astype(np.float32) @ survey.copies.astype(np.float32).T
    np.fill_diagonal(cosines, -1)
    best = cosines.argmax(axis=1)
    found = pairs(survey, least=0.01, neighbors=1)
    assert {(min(i, j), max(i, j)) for i, j in enumerate(best.tolist())} == found


def test_real_files_from_listing_to_candidates(pictures, draw, save):
    save(draw(3)[:, ::-1], pictures / "mirrored.jpg")
    save(draw(2), pictures / "more" / "again.jpg", quality=60)
    (pictures / "same.jpg").write_bytes((pictures / "1.jpg").read_bytes())
    told = []
    taken = take_survey(Selection([pictures]), upto="hash", settings=Settings(threads=1))
    name = {n: taken.file(n).path.rpartition("/")[2] for n in range(len(taken))}
    found = {frozenset((name[a], name[b])) for a, b in pairs(taken, progress=lambda *step: told.append(step))}
    assert {
        frozenset(("1.jpg", "same.jpg")),
        frozenset(("2.jpg", "again.jpg")),
        frozenset(("3.jpg", "mirrored.jpg")),
    } == found
    assert told[-1] == ("hashes", 8, 8)
