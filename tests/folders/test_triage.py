"""Candidates sorted: the clear ones are decided, those that stand out are looked at, what is merely near is passed."""

import numpy as np
import pytest

from lookalike.describers.calibration import Calibration
from lookalike.folders.survey import Survey
from lookalike.folders.triage import describe, triage
from lookalike.likeness import Judge, turned_codes

JUDGE = Judge({"copy": Calibration(scale=12.35, offset=-5.08)})
WIDTH = 128


def code(random):
    bits = np.zeros(64, bool)
    bits[random.choice(64, 32, replace=False)] = True
    return np.packbits(bits).view(">u8")[0].astype(np.uint64)


def flipped(value, count, random):
    for at in random.choice(64, count, replace=False):
        value = value ^ np.uint64(1 << int(at))
    return value


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def surveyed(codes, copies, same=None):
    n = len(codes)
    codes = np.array(codes, np.uint64)
    return Survey(
        codes=codes,
        turned=turned_codes(codes),
        quality=np.full(n, 100, np.uint8),
        copies=np.asarray(copies, np.float16),
        same=np.arange(n) if same is None else np.array(same),
        side=np.zeros(n, np.uint8),
        reference=np.zeros(n, bool),
        scope=np.zeros(n, np.int32),
        files=lambda number: None,
    )


def block(*pairs):
    return [tuple(np.array(side, np.intp) for side in zip(*pairs, strict=True))]


def pairs_of(described):
    return list(zip(described.i.tolist(), described.j.tolist(), strict=True))


@pytest.fixture
def random():
    return np.random.default_rng(3)


def test_hash_and_vector_together_decide(random):
    own, vector = code(random), unit(random.normal(size=WIDTH))
    stranger = unit(random.normal(size=WIDTH))
    survey = surveyed([own, flipped(own, 2, random), flipped(own, 2, random)], [vector, vector, stranger])
    found = triage(survey, block((0, 1), (0, 2)), JUDGE, None)
    assert pairs_of(found.clear) == [(0, 1)]
    assert found.likely[0] > 0.97
    assert pairs_of(found.doubtful) == [(0, 2)]  # the vector contradicts the hash


def test_plain_pictures_are_never_clear_by_hash(random):
    vector = unit(random.normal(size=WIDTH))
    found = triage(surveyed([0, 0], [vector, vector]), block((0, 1)), JUDGE, None)
    assert len(found.clear) == 0
    assert pairs_of(found.doubtful) == [(0, 1)]
    assert describe(surveyed([0, 0], [vector, vector]), np.array([0]), np.array([1])).bits[0] == 64


def test_equal_bytes_are_clear_whatever_else_is_known(random):
    survey = surveyed([0, 0], np.zeros((2, 0)), same=[0, 0])
    for least in (None, 0.5, 1.0):
        found = triage(survey, block((0, 1)), JUDGE, least)
        assert (pairs_of(found.clear), found.likely.tolist()) == ([(0, 1)], [1.0])


def test_a_pair_counts_once_however_often_it_comes(random):
    own, vector = code(random), unit(random.normal(size=WIDTH))
    survey = surveyed([own] * 3, [vector] * 3)
    found = triage(survey, [*block((0, 1), (1, 2)), *block((1, 2), (0, 1)), *block((0, 1))], JUDGE, None)
    assert pairs_of(found.clear) == [(0, 1), (1, 2)]


def test_how_a_picture_is_turned_is_known(random):
    own = code(random)
    turned = turned_codes(np.array([own]))[0]
    survey = surveyed([own, turned[5]], np.zeros((2, 0)))
    known = describe(survey, np.array([0]), np.array([1]))
    assert (known.turned[0], known.bits[0]) == (5, 0)


def test_what_stands_out_is_looked_at_and_what_is_near_to_all_is_not(random):
    """In a folder of cars all are near one another; two pictures of one car are nearer."""
    cars = unit(random.normal(size=WIDTH) + 0.45 * random.normal(size=(3000, WIDTH)))
    cars[1] = unit(cars[0] + 0.4 * unit(random.normal(size=WIDTH)))
    nearest = np.argsort(-(cars @ cars.T), axis=1)[:, 1:9]
    pairs = sorted({(min(i, j), max(i, j)) for i, row in enumerate(nearest.tolist()) for j in row})
    survey = surveyed([code(random) for _ in cars], cars)
    found = triage(survey, block(*pairs), JUDGE, None)
    assert pairs_of(found.doubtful)[0] == (0, 1)
    assert len(found.doubtful) < 1200
    assert len(found.clear) + len(found.doubtful) + found.passed_over == len(pairs)


def test_copies_of_one_picture_are_no_measure_for_how_near_strangers_come(random):
    """Twenty copies that are clear by hash, and a crop of it that is nearer to all of them than to anything else."""
    own, vector = code(random), unit(random.normal(size=WIDTH))
    crop = unit(vector + 1.2 * unit(random.normal(size=WIDTH)))
    strangers = unit(random.normal(size=(3000, WIDTH)) + 1.5 * crop)
    codes = [own] * 20 + [code(random) for _ in range(3001)]
    survey = surveyed(codes, np.concatenate([np.repeat(vector[None], 20, axis=0), crop[None], strangers]))
    copies = [(0, at) for at in range(1, 20)] + [(at, 20) for at in range(20)]
    chance = [(at, at + 1) for at in range(21, 3020)]
    found = triage(survey, block(*copies, *chance), JUDGE, None)
    assert (0, 20) in pairs_of(found.doubtful)[:20]


def test_without_pixels_probability_decides(random):
    own, vector = code(random), unit(random.normal(size=WIDTH))
    survey = surveyed([own, flipped(own, 8, random), flipped(own, 14, random)], [vector] * 3)
    every = block((0, 1), (0, 2))
    sure, unsure = (triage(survey, every, JUDGE, least) for least in (0.99, 0.1))
    assert pairs_of(unsure.clear) == [(0, 1), (0, 2)]
    assert len(sure.clear) < 2
    assert len(sure.doubtful) == len(unsure.doubtful) == 0


def test_nothing_is_sorted_into_nothing():
    found = triage(surveyed([], np.zeros((0, WIDTH))), [], JUDGE, None)
    assert (len(found.clear), len(found.doubtful), found.passed_over) == (0, 0, 0)


def test_hashes_alone_count_up_to_ten_bits(random):
    own = code(random)
    survey = surveyed([own, flipped(own, 10, random), flipped(own, 12, random)], np.zeros((3, 0)))
    found = triage(survey, block((0, 1), (0, 2)), JUDGE, 0.5)
    assert pairs_of(found.clear) == [(0, 1)]
