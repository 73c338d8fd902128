"""Pairs of files, of records, and marks of people become one threshold and one curve."""

import numpy as np
import pytest

from lookalike.catalog import Decision
from lookalike.describers.calibration import Calibration
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import InvalidArgument, UnknownVector
from lookalike.evaluation.marks import Marked, calibrate_marks, marked_files, marked_pairs, marked_records
from lookalike.labeled import Pair
from lookalike.likeness import Judge
from lookalike.settings import Settings
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore


def said(number, verdict, *members):
    return Decision(number, verdict, members, "shop", "", "", "")


def test_what_people_said_last_counts():
    decisions = [said(1, "same", "b", "a", "c"), said(2, "set-aside", "d"), said(3, "different", "a", "c")]
    assert sorted(marked_pairs(decisions)) == [("a", "b", True), ("a", "c", False), ("b", "c", True)]


def made(count):
    """Pairs of rows whose cosine and hash tell how alike they are, and truths that mostly follow."""
    random = np.random.default_rng(0)
    pairs, truths = [], []
    for place in range(count):
        cosine = random.uniform(-0.2, 1)
        vectors = [np.array([1, 0], np.float32), np.array([cosine, (1 - cosine**2) ** 0.5], np.float32)]
        bits = int(random.integers(0, 24))
        codes = [0x5555_5555_5555_5555, 0x5555_5555_5555_5555 ^ ((1 << bits) - 1)]
        pairs.append(
            tuple(
                Row(
                    f"{place}{side}",
                    {"copy": vectors[side]},
                    {"_phash": f"{codes[side]:016x}", "_sha256": f"{place}{side}"},
                )
                for side in (0, 1)
            )
        )
        truths.append(cosine + random.normal(0, 0.2) > 0.6 and bits < 14)
    return Marked(pairs, np.array(truths))


def test_a_collection_that_goes_by_it_says_what_was_fitted():
    marked, plain = made(300), Judge({"copy": Calibration(20.0, -10.0)})
    found = calibrate_marks(marked, "same", plain, precision=0.9)
    own = Judge(plain.curves, found.curve, found.probability - 1e-4)
    kept = np.array([own.judge(a, b)[0] == "edited-copy" for a, b in marked.pairs])
    assert marked.same[kept].mean() >= 0.89
    scores = np.array([plain.judge(a, b)[1] for a, b in marked.pairs])
    assert (kept == (scores >= found.threshold.value)).mean() > 0.99
    assert found.error_before is not None


def test_a_vector_is_fitted_by_its_cosine():
    found = calibrate_marks(made(300), "copy", Judge({}), precision=0.5)
    assert found.error_before is None
    assert 0 < found.threshold.value < 1
    with pytest.raises(UnknownVector):
        calibrate_marks(made(300), "smell", Judge({}))


def test_records_that_are_gone_are_missing():
    store = MemoryStore({"copy": 2})
    store.upsert([Row(name, {"copy": np.array([1, 0], np.float32)}, {}) for name in "ab"])
    marked = marked_records([("a", "b", True), ("a", "z", False)], store)
    assert (len(marked.pairs), marked.same.tolist(), list(marked.missing)) == (1, [True], ["z"])


def test_files_are_described_as_records_are(tmp_path, draw, save):
    files = [save(draw(seed), tmp_path / f"{seed}-{quality}.jpg", quality) for seed in (1, 2) for quality in (90, 40)]
    pairs = [
        Pair(files[0], files[1], True),
        Pair(files[0], files[2], False),
        Pair(files[0], tmp_path / "gone.jpg", True),
    ]
    counted = []
    marked = marked_files(pairs, standard_ensemble("lookalike-mini"), Settings(threads=1), counted.append)
    assert (len(marked.pairs), sum(counted), list(marked.missing)) == (2, 4, [str(tmp_path / "gone.jpg")])
    judge = Judge(standard_ensemble("lookalike-mini").curves)
    alike, other = (judge.judge(a, b)[1] for a, b in marked.pairs)
    assert alike > 0.9 > 0.5 > other
    with pytest.raises(InvalidArgument, match="at least 10"):
        calibrate_marks(marked, "same", judge)
