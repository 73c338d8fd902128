"""The weights of `compare`: pairs are what they say, and the fit finds what pairs were drawn with."""

import dataclasses

import numpy as np
import pytest

from lookalike.judgment import WITNESSES, Judgment, witnesses
from lookalike.signals import Signals
from lookalike.training.data import VALIDATION
from lookalike.training.judging import Measured, drawn_pairs, fit, judged, measured

SIGNALS = Signals(
    same_pixels=False, turned=0, phash_bits=0, pdq_bits=126, plain=False, copy=0.3, copy_probability=0.5, meaning=0.3,
    meaning_probability=0.3, ssim=0.2, color=0.5, keypoints=0, overlap=None, mirrored=False,
)  # fmt: skip


def synthetic(number, weights, offset, seed=0):
    """Pairs whose hashes and copy vector say random things, and whose truth a known curve decides."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(number):
        signals = dataclasses.replace(
            SIGNALS,
            pdq_bits=int(rng.integers(30, 130)),
            copy_probability=float(rng.uniform(0.02, 0.98)),
            keypoints=int(rng.integers(0, 200)),
        )
        said = witnesses(signals)
        total = offset + sum(weight * said[name] for name, weight in weights.items())
        pairs.append(Measured(signals, bool(rng.random() < 1 / (1 + np.exp(-total))), "drawings", ""))
    return pairs


def test_the_fit_finds_the_weights_pairs_were_drawn_with():
    offset, weights = fit(synthetic(20_000, {"hash": 4.0, "copy": 1.5, "no overlap": -1.0}, -2.0))
    assert offset == pytest.approx(-2.0, abs=0.15)
    assert weights["hash"] == pytest.approx(4.0, abs=0.3)
    assert weights["copy"] == pytest.approx(1.5, abs=0.15)
    assert weights["no overlap"] == pytest.approx(1.0, abs=0.15)
    assert set(weights) == set(WITNESSES)


def test_the_copy_vector_is_held_back_and_no_weight_is_negative():
    offset, weights = fit(synthetic(4000, {"hash": 3.0, "copy": 4.0, "no overlap": 2.0}, -0.5))
    assert 1 / (1 + np.exp(-(offset + weights["copy"]))) == pytest.approx(0.45, abs=0.001)
    assert min(weights.values()) >= 0


def test_drawn_pairs_are_what_they_say(pictures):
    pairs = list(drawn_pairs(pictures, VALIDATION, 24))
    assert [same for _, _, same, _, _ in pairs] == [True, False] * 12
    assert {kind for *_, kind, _ in pairs} > {"drawings"}
    again = list(drawn_pairs(pictures, VALIDATION, 24))
    for one, two in zip(pairs, again, strict=True):
        np.testing.assert_array_equal(one[1], two[1])
    assert all(how.split(" ")[-1] in ("mild", "medium", "hard") for *_, how in pairs)


def test_judged_counts_by_kind(pictures):
    pairs = measured(pictures, VALIDATION, 12)
    weights = dict.fromkeys(WITNESSES, 0.0)
    said = judged(Judgment("", 5.0, weights, 0, 0.0), pairs)
    false = [one for one in pairs if not one.same]
    flat = sum(one.kind == "drawings" for one in false)
    assert said["pairs"] == len(pairs)
    assert said["strangers called the same"]["drawings"].endswith(f"of {flat}")
    assert said["strangers called the same"]["photographs"].endswith(f"of {len(false) - flat}")
    assert said["recall"] + said["calibration_error"] > 0.3
