"""The distributed store's own: what it refuses, what it tries again, how it lays out a collection."""

import httpx
import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from lookalike.errors import StoreFailed, StoreUnreadable
from lookalike.stores import cluster
from lookalike.stores.base import Row
from lookalike.stores.cluster import Connection, Layout
from lookalike.stores.qdrant import QdrantStore

DIMS = {"meaning": 3, "copy": 2}
REFUSED = UnexpectedResponse(400, "Bad Request", b"wrong field", httpx.Headers())
BUSY = UnexpectedResponse(503, "Unavailable", b"later", httpx.Headers())
AWAY = ResponseHandlingException(ConnectionError("no route"))


@pytest.fixture
def connection():
    return Connection.to(":memory:")


@pytest.fixture
def troubles(connection, monkeypatch):
    """Errors that the next calls meet, one each; pauses between tries are not waited for."""
    ahead = []
    once = connection._once

    def meet(verb, *arguments, **options):
        if ahead:
            raise ahead.pop(0)
        return once(verb, *arguments, **options)

    monkeypatch.setattr(connection, "_once", meet)
    monkeypatch.setattr(cluster.time, "sleep", lambda seconds: None)
    return ahead


def test_rows_are_there_for_whoever_opens_the_collection_next(connection):
    store = QdrantStore.open(connection, "a", DIMS)
    store.upsert([Row("x", {}, {"n": 1})])
    store.close()
    assert QdrantStore.open(connection, "a", DIMS).get(["x"])[0].payload == {"n": 1}
    assert QdrantStore.open(connection, "b", DIMS).count() == 0


def test_other_dims_are_refused(connection):
    QdrantStore.open(connection, "a", DIMS)
    with pytest.raises(StoreUnreadable, match="memory/a"):
        QdrantStore.open(connection, "a", {"meaning": 4, "copy": 2})


def test_somebody_elses_collection_is_refused(connection):
    vectors = {"meaning": models.VectorParams(size=3, distance=models.Distance.DOT)}
    connection.call("create_collection", "theirs", vectors_config=vectors)
    with pytest.raises(StoreUnreadable, match="format None"):
        QdrantStore.open(connection, "theirs", {"meaning": 3})


def test_a_dropped_collection_is_gone(connection):
    QdrantStore.open(connection, "a", DIMS)
    assert connection.collections() == ["a"]
    connection.drop("a")
    connection.drop("a")
    assert connection.collections() == []


@pytest.mark.parametrize("trouble", [BUSY, AWAY])
def test_a_call_without_an_answer_is_tried_again(connection, troubles, trouble):
    store = QdrantStore.open(connection, "a", DIMS)
    troubles += [trouble] * 3
    assert store.count() == 0


@pytest.mark.parametrize("trouble", [BUSY, AWAY])
def test_a_cluster_that_stays_away_is_a_clear_error(connection, troubles, trouble):
    store = QdrantStore.open(connection, "a", DIMS)
    troubles += [trouble] * 4
    with pytest.raises(StoreFailed, match=r"later|no route"):
        store.upsert([Row("x", {}, {})])
    assert store.count() == 0


def test_a_refusal_is_not_repeated(connection, troubles):
    store = QdrantStore.open(connection, "a", DIMS)
    troubles += [REFUSED, REFUSED]
    with pytest.raises(StoreFailed, match="400: wrong field"):
        store.count()
    assert troubles == [REFUSED]


def test_nothing_listens_there(monkeypatch):
    monkeypatch.setattr(cluster.time, "sleep", lambda seconds: None)
    with pytest.raises(StoreFailed, match="can't be reached"):
        QdrantStore.open(Connection.to("http://localhost:9", timeout=2), "a", DIMS)


def test_a_collection_is_cut_copied_and_kept_as_its_layout_says(connection, monkeypatch):
    asked = {}
    once = connection._once

    def listen(verb, *arguments, **options):
        asked.setdefault(verb, options)
        return once(verb, *arguments, **options)

    monkeypatch.setattr(connection, "_once", listen)
    QdrantStore.open(connection, "a", DIMS, Layout(shards=6, replicas=3, consistency=2))
    made = asked["create_collection"]
    assert (made["shard_number"], made["replication_factor"], made["write_consistency_factor"]) == (6, 3, 2)
    assert {name for name, vector in made["vectors_config"].items() if vector.quantization_config} == set(DIMS)
