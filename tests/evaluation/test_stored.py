"""Collections are evaluated by what they keep; an index is held against an exact search."""

from dataclasses import replace

import numpy as np
import pytest

import lookalike
from lookalike.catalog import CollectionInfo
from lookalike.errors import InvalidArgument
from lookalike.evaluation import described_records, evaluate_described, index_recall
from lookalike.evaluation.modeltable import beside, model_costs
from lookalike.filters import parse
from lookalike.kinds import settings_of
from lookalike.settings import Settings
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore


def unit(*numbers):
    row = np.array(numbers, np.float32)
    return row / np.linalg.norm(row)


@pytest.fixture
def space(tmp_path, draw, save):
    with lookalike.open(tmp_path / "space") as space:
        shop = space.create("shop")
        for seed in range(3):
            for copy, quality in enumerate((90, 60)):
                file = save(draw(seed), tmp_path / f"{seed}-{copy}.jpg", quality)
                shop.add([{"_id": file.stem, "_file": file, "kind": {"n": seed}}])
        shop.add([{"_id": "loose", "_file": save(draw(9), tmp_path / "loose.jpg")}])
        shop.add([{"_id": "two", "_file": save(draw(8), tmp_path / "two.jpg"), "kind": [{"n": 1}, {"n": 2}]}])
        yield space


def read(space, field="kind.n", **more):
    return described_records(space.store_of("shop"), space.get("shop").info, field, **more)


def test_records_are_evaluated_by_the_vectors_they_have(space):
    pictures = read(space)
    assert sorted(pictures.names) == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    assert sorted(pictures.unlabeled) == ["loose", "two"]
    assert set(pictures.files) == set(pictures.names)
    found = evaluate_described(pictures)
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["meaning", "meaning re-ranked", "copy", "color", "phash", "random"]
    for name in ("meaning", "copy", "color", "phash"):
        assert lines[name].recall_at_1.value == 1.0
    assert found.model.startswith("lookalike-mini/")
    assert set(read(space, where=parse({"kind.n": {"$lt": 2}})).labels) == {"0", "1"}


def test_further_models_describe_the_files(space, tmp_path):
    (tmp_path / "2-1.jpg").unlink()
    pictures = beside(read(space), ["lookalike-mini"], settings=Settings(threads=1))
    assert list(pictures.rows)[-2:] == ["lookalike-mini meaning", "lookalike-mini copy"]
    assert len(pictures.names) == 5
    assert list(pictures.unreadable) == ["2-1"]
    assert np.allclose(pictures.rows["meaning"], pictures.rows["lookalike-mini meaning"], atol=1e-2)
    (cost,) = model_costs(["lookalike-mini"], list(pictures.files.values()), Settings())
    assert (cost.floats, cost.signature) == (384, pictures.signatures["meaning"])
    assert cost.megabytes > 0 < cost.milliseconds


def test_records_that_lack_a_vector_are_not_found_by_it():
    store = MemoryStore({"shape": 2, "sound": 2})
    store.upsert(
        [
            Row("a", {"shape": unit(1, 0), "sound": unit(1, 0)}, {"label": True}),
            Row("b", {"shape": unit(1, 0.1)}, {"label": True}),
            Row("c", {"shape": unit(0, 1), "sound": unit(1, 0)}, {"label": False}),
            Row("bare", {}, {"label": False}),
            Row("none", {"shape": unit(1, 1)}, {"label": None}),
        ]
    )
    settings = settings_of("custom", {"entities": {"shape": 2, "sound": 2}})
    info = CollectionInfo("things", "custom", "lookalike-mini", settings, {}, store.dims, "")
    pictures = described_records(store, info, "label")
    assert (sorted(pictures.names), pictures.unlabeled) == (["a", "b", "c"], ["none"])
    assert pictures.unreadable == {"bare": "it has no vector"}
    lines = {line.name: line for line in evaluate_described(pictures).lines}
    assert lines["shape"].recall_at_1.value == 1.0
    assert lines["sound"].recall_at_1.value == 0.0


class Forgetful(MemoryStore):
    """An index that never finds what is nearest but oneself."""

    def nearest(self, query):
        found = super().nearest(replace(query, limit=query.limit + 1))
        return found[: query.limit] if query.exact else [found[0], *found[2:]]


def filled(kind, rows):
    store = kind({"shape": rows.shape[1]})
    store.upsert([Row(f"{place:03}", {"shape": row}, {}) for place, row in enumerate(rows)])
    return store


def test_what_an_index_misses_is_counted():
    rows = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    counted = []
    (exact,) = index_recall(filled(MemoryStore, rows), sample=30, progress=counted.append)
    assert (exact.by, exact.k, exact.records, exact.asked, exact.recall.value) == ("shape", 10, 60, 30, 1.0)
    assert counted == [30]
    (missed,) = index_recall(filled(Forgetful, rows), sample=30)
    assert missed.recall.value == pytest.approx(0.9)
    (few,) = index_recall(filled(MemoryStore, rows[:5]))
    assert (few.asked, few.recall.value) == (5, 1.0)


def test_ties_are_no_miss():
    rows = np.tile(unit(1, 1), (40, 1))
    assert index_recall(filled(MemoryStore, rows))[0].recall.value == 1.0


def test_an_index_of_one_is_refused():
    with pytest.raises(InvalidArgument, match="at least two"):
        index_recall(filled(MemoryStore, np.eye(1, dtype=np.float32)))
