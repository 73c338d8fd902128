"""Two stores as one: whatever it says it has can be asked for, and nothing is taken that is kept nowhere."""

import numpy as np
import pytest

from lookalike.errors import StoreFailed, UnknownVector
from lookalike.filters import equals
from lookalike.stores.base import Nearest, Row
from lookalike.stores.memory import MemoryStore
from lookalike.stores.watched import Watched
from lookalike.twins import Names, Side, Twin

NAMES = Names(carried=frozenset({"copy"}), made=frozenset({"meaning"}), replaced=frozenset({"meaning"}))


@pytest.fixture
def sides():
    return [Side(Watched(MemoryStore({"meaning": width, "copy": 2}))) for width in (3, 4)]


@pytest.fixture
def twin(sides):
    return Twin(*sides, NAMES)


def row(number, **payload):
    widths = {"meaning": 3, "copy": 2, "meaning+": 4}
    return Row(str(number), {name: np.eye(width, dtype=np.float32)[number] for name, width in widths.items()}, payload)


def test_each_vector_it_has_comes_back_and_is_found(twin):
    twin.upsert([row(0, n=0), row(1, n=1)])
    for kept in twin.get(["0", "1"], with_vectors=True):
        assert kept.vectors.keys() == twin.dims.keys() == {"meaning", "copy", "meaning+"}
        for name, vector in kept.vectors.items():
            assert [(hit.id, hit.similarity) for hit in twin.nearest(Nearest(name, vector, 1))] == [(kept.id, 1.0)]
            assert twin.nearest(Nearest(name, vector, 2, equals("n", 7), exact=True)) == []
    with pytest.raises(UnknownVector, match="'copy\\+'"):
        twin.nearest(Nearest("copy+", kept.vectors["copy"], 1))


def test_once_both_are_given_up_nothing_is_taken_in_silence(twin, sides):
    for side in sides:
        side.retired = True
        side.store.close()
    for verb, given in (
        (twin.upsert, [row(0)]),
        (twin.set_payload, {"0": {}}),
        (twin.delete, ["0"]),
        (twin.get, ["0"]),
    ):
        with pytest.raises(StoreFailed):
            verb(given)
