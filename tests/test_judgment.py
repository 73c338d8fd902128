"""The weights of `compare`: better evidence never lowers the probability, and what is stored is pinned."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike import judgment as room
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import WeightsCorrupt
from lookalike.judgment import WITNESSES, Judgment, contradiction, judgment, witnesses
from lookalike.keypoints import Overlap
from lookalike.signals import Signals

GOLDEN = Path(__file__).with_name("judgment.json")
SILENT = Signals(
    same_pixels=False, turned=0, phash_bits=30, pdq_bits=126, plain=False, copy=0.3, copy_probability=0.5, meaning=0.3,
    meaning_probability=0.3, ssim=0.2, color=0.5, keypoints=0, overlap=None, mirrored=False,
)  # fmt: skip
ALIGNED = Overlap(inliers=90, transform=np.eye(3), share_a=1.0, share_b=1.0, spread=0.6, agreement=0.99)


def changed(**values):
    return dataclasses.replace(SILENT, **values)


def aligned(**values):
    return changed(overlap=dataclasses.replace(ALIGNED, **values), keypoints=200)


CASES = {
    "nothing is known": SILENT,
    "hashes agree": changed(pdq_bits=8, phash_bits=0, copy_probability=0.99),
    "hashes agree, and the copy vector does not": changed(pdq_bits=20, phash_bits=4, copy_probability=0.1),
    "the copy vector alone, as for two drawings": changed(copy_probability=0.999),
    "strangers with many keypoints": changed(keypoints=300, copy_probability=0.02),
    "a crop": aligned(spread=0.4),
    "the same caption on two pictures": aligned(spread=0.15, agreement=0.2),
    "another shot of the scene": aligned(agreement=0.75),
    "plain pictures that agree": changed(plain=True, ssim=0.998, color=1.0, copy_probability=0.98),
}


def test_each_witness_can_speak_and_be_silent():
    assert set(witnesses(SILENT)) == set(WITNESSES)
    assert all(value == 0.0 for value in witnesses(SILENT).values())
    loud = [witnesses(case) for case in CASES.values()]
    for name in WITNESSES:
        assert max(abs(one[name]) for one in loud) > 0.5
        assert all(-1.0 <= one[name] <= 1.0 for one in loud)


BETTER = st.sampled_from(
    ["pdq_bits", "phash_bits", "copy_probability", "ssim", "color", "inliers", "agreement", "spread"]
)


@given(
    BETTER, st.integers(0, 256), st.integers(0, 64), *[st.floats(0, 1)] * 5, st.integers(10, 300), st.floats(0, 1),
    st.booleans(),
)  # fmt: skip
def test_better_evidence_never_lowers_the_probability(
    which, pdq, phash, copy, ssim, color, agreement, spread, inliers, better, overlaps
):
    overlap = dataclasses.replace(ALIGNED, inliers=inliers, agreement=agreement, spread=spread) if overlaps else None
    case = changed(
        pdq_bits=pdq, phash_bits=phash, copy_probability=copy, ssim=ssim, color=color, keypoints=300, overlap=overlap
    )
    if which in ("inliers", "agreement", "spread"):
        if overlap is None or (which == "inliers" and agreement < 0.95):
            return  # more keypoints on pixels that disagree are better evidence for another shot
        value = 600 if which == "inliers" else max(getattr(overlap, which), better)
        improved = dataclasses.replace(case, overlap=dataclasses.replace(overlap, **{which: value}))
    else:
        value = getattr(case, which)
        best = round(value * (1 - better)) if which.endswith("bits") else max(value, better)
        improved = dataclasses.replace(case, **{which: best})
    judge = judgment()
    assert judge.probability(improved) >= judge.probability(case) - 1e-12


def test_one_witness_of_the_copy_vector_never_convinces_alone():
    assert judgment().probability(changed(copy_probability=1.0)) < 0.5
    assert judgment().probability(changed(copy_probability=1.0, keypoints=300)) < 0.5


def test_another_shot_is_no_copy_unless_the_hashes_agree():
    shot = aligned(agreement=0.75)
    assert contradiction(shot) == 1.0
    assert judgment().probability(shot) < 0.01
    noisy = dataclasses.replace(shot, pdq_bits=20, phash_bits=2)
    assert contradiction(noisy) == 0.0
    assert judgment().probability(noisy) > 0.5


def test_equal_pixels_are_certain_and_nothing_else_is():
    sure = dataclasses.replace(CASES["hashes agree"], overlap=ALIGNED, ssim=1.0, color=1.0, copy_probability=1.0)
    assert 0.99 < judgment().probability(sure) < 1.0
    assert judgment().probability(dataclasses.replace(sure, same_pixels=True)) == 1.0


def test_what_is_stored_is_of_the_bundled_model_and_was_measured():
    found = json.loads((room.BUNDLED / room.FILE).read_text("utf-8"))
    assert found["signature"] == standard_ensemble().neural.signature
    assert found["held_out"]["pairs"] >= 1000
    assert judgment().error == found["held_out"]["calibration_error"] < 0.05


def test_golden_values():
    wanted = json.loads(GOLDEN.read_text("utf-8"))
    assert wanted["signature"] == judgment().signature, "new weights: run `python tests/test_judgment.py`"
    assert {name: judgment().probability(case) for name, case in CASES.items()} == pytest.approx(
        wanted["probabilities"], abs=1e-6
    )


def test_damaged_weights_are_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "BUNDLED", tmp_path)
    for text in ("{", "[]", '{"format": 9}', '{"format": 1, "weights": {"hash": 1.0}}'):
        (tmp_path / room.FILE).write_text(text, "utf-8")
        with pytest.raises(WeightsCorrupt):
            room.judgment.__wrapped__()


def test_silent_is_half_way_between_nothing():
    assert Judgment("", 0.0, dict.fromkeys(WITNESSES, 1.0), 0, 0.0).probability(SILENT) == 0.5


if __name__ == "__main__":
    values = {name: round(judgment().probability(case), 9) for name, case in CASES.items()}
    text = json.dumps({"signature": judgment().signature, "probabilities": values}, indent=1)
    GOLDEN.write_text(text + "\n", encoding="utf-8")
