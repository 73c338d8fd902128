"""Maps as files: they come back, are pinned, and leave no id of what was erased."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lookalike.atlas.chart import FORMAT, Chart, drop_charts, load_chart, save_chart, strike
from lookalike.atlas.layout import Basis


@pytest.fixture
def chart():
    return Chart(
        incarnation="2026-01-01T00:00:00+00:00",
        description="meaning",
        signature="mini 1",
        method="pca",
        made="2026-01-02T00:00:00+00:00",
        changed="2026-01-02T00:00:00+00:00",
        seed=7,
        fitted=3,
        draft=False,
        ids=["a", "b/ü", "odd \udc80"],
        places=np.array([[0, 0], [4, 1], [2, 2]], np.float32),
        digests=np.array([1, 2, 2**32 - 1], np.uint32),
        basis=Basis(np.zeros(3, np.float32), np.eye(2, 3, dtype=np.float32)),
    )


def test_a_map_comes_back_as_it_was_kept(tmp_path, chart):
    save_chart(tmp_path, "shop", chart)
    kept = load_chart(tmp_path, "shop", "meaning")
    assert kept.ids == chart.ids
    assert np.array_equal(kept.places, chart.places)
    assert np.array_equal(kept.digests, chart.digests)
    assert np.array_equal(kept.basis.axes, chart.basis.axes)
    assert (kept.method, kept.fitted, kept.draft, kept.changed) == ("pca", 3, False, chart.changed)
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["meaning.npz"]


def test_the_file_is_as_it_is_pinned(tmp_path, chart):
    save_chart(tmp_path, "shop", chart)
    with np.load(tmp_path / "shop" / "meaning.npz") as kept:
        assert sorted(kept.files) == ["about", "axes", "digests", "ids", "mean", "places"]
        assert kept["ids"].tobytes() == rb'["a", "b/\u00fc", "odd \udc80"]'
        about = json.loads(kept["about"].tobytes())
    assert FORMAT == 1
    assert about == {
        "format": 1,
        "incarnation": "2026-01-01T00:00:00+00:00",
        "description": "meaning",
        "signature": "mini 1",
        "method": "pca",
        "made": "2026-01-02T00:00:00+00:00",
        "changed": "2026-01-02T00:00:00+00:00",
        "seed": 7,
        "fitted": 3,
        "draft": False,
    }


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and no more", b"words"])
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path, chart, damage):
    save_chart(tmp_path, "shop", chart)
    (tmp_path / "shop" / "meaning.npz").write_bytes(damage)
    assert load_chart(tmp_path, "shop", "meaning") is None
    assert load_chart(tmp_path, "shop", "copy") is None


def test_the_grid_is_filled_by_the_longer_side_and_centered(chart):
    assert chart.grid.tolist() == [[0, 16384], [65535, 32768], [32768, 49151]]
    lone = replace(chart, ids=["a"], places=np.ones((1, 2), np.float32))
    assert lone.grid.tolist() == [[32768, 32768]]
    assert chart.without(chart.ids).grid.shape == (0, 2)


def test_what_is_struck_is_in_no_byte_of_the_files(tmp_path, chart):
    save_chart(tmp_path, "shop", chart)
    save_chart(tmp_path, "shop", replace(chart, description="copy", ids=["x", "y", "z"]))
    (tmp_path / "shop" / "old.npz").write_bytes(b"nobody knows: b/ue")
    untouched = (tmp_path / "shop" / "copy.npz").stat().st_mtime_ns
    strike(tmp_path, "shop", ["b/ü", "nobody"])
    kept = load_chart(tmp_path, "shop", "meaning")
    assert kept.ids == ["a", "odd \udc80"]
    assert kept.places.tolist() == [[0, 0], [2, 2]]
    assert b"u00fc" not in (tmp_path / "shop" / "meaning.npz").read_bytes()
    assert (tmp_path / "shop" / "copy.npz").stat().st_mtime_ns == untouched
    assert not (tmp_path / "shop" / "old.npz").exists()
    drop_charts(tmp_path, "shop")
    assert not (tmp_path / "shop").exists()
    drop_charts(tmp_path, "shop")
