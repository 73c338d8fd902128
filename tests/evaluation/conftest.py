"""Described pictures without any model: rows are drawn."""

import numpy as np
import pytest

from lookalike.evaluation import Described


@pytest.fixture
def made():
    """Return made(rows, labels, **more) -> Described, whose line "meaning" are the rows brought to unit length."""

    def make(rows, labels, **more):
        rows = np.asarray(rows, np.float32)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        names = more.pop("names", [f"p{place}" for place in range(len(rows))])
        digests = more.pop("digests", names)
        lines = {"meaning": rows, **more.pop("lines", {})}
        return Described("drawn/1", names, list(labels), digests, {}, lines, {"meaning": "drawn/1"}, {}, **more)

    return make


@pytest.fixture
def clouds():
    """Return clouds(seed, labels, each, spread=0.2) -> rows (labels x each, 16) around a center a label, and labels."""

    def draw(seed, labels, each, spread=0.2):
        rng = np.random.default_rng(seed)
        named = np.repeat(np.arange(labels), each)
        rows = rng.standard_normal((labels, 16))[named] + spread * rng.standard_normal((labels * each, 16))
        return rows, [f"l{one}" for one in named]

    return draw
