"""Marks over HTTP: which records are the same picture, and which are not."""

import asyncio

import pytest

from lookalike.client import AsyncClient, Client
from lookalike.errors import EntryNotFound, RecordNotFound

from .conftest import KEY

MARKS = "/v1/collections/c/marks"


@pytest.fixture
def given(service, shapes, records):
    """A client of a collection of three records."""
    shapes()
    client = service()
    client.post("/v1/collections/c/records", json=records("a", "b", "c")).raise_for_status()
    return client


def mark(client, verdict, *members, **more):
    return client.post(MARKS, json={"verdict": verdict, "members": members, **more})


def test_what_is_said_is_kept_and_listed(given, space):
    made = mark(given, "same", "b", "a", note="two prints")
    assert made.status_code == 201
    assert made.json().items() >= {"verdict": "same", "members": ["a", "b"], "note": "two prints"}.items()
    assert given.get(MARKS).json() == {"marks": [made.json()]}
    (kept,) = space.catalog.decisions.list("c")
    assert (kept.verdict, list(kept.members), kept.id) == ("same", ["a", "b"], made.json()["id"])


def test_what_was_said_last_of_the_same_records_counts(given):
    for verdict in ("same", "different", "same"):
        mark(given, verdict, "a", "b")
    mark(given, "different", "a", "b", "c")
    assert [(one["verdict"], one["members"]) for one in given.get(MARKS).json()["marks"]] == [
        ("same", ["a", "b"]),
        ("different", ["a", "b", "c"]),
    ]


def test_other_decisions_are_not_touched_by_marks(given, space):
    space.catalog.decisions.add("set-aside", ["a", "b"], collection="c")
    other = space.catalog.decisions.add("different", ["a", "b"])
    made = mark(given, "different", "a", "b").json()
    assert [one["id"] for one in given.get(MARKS).json()["marks"]] == [made["id"]]
    assert given.delete(f"{MARKS}/{other.id}").status_code == 404
    assert given.delete(f"{MARKS}/{made['id']}").status_code == 204
    assert [one.verdict for one in space.catalog.decisions.list("c")] == ["set-aside"]
    assert space.catalog.decisions.list() == [other]


@pytest.mark.parametrize(
    ("verdict", "members", "status", "code"),
    [
        ("same", ["a", "nobody"], 404, "record_not_found"),
        ("same", ["a"], 422, "invalid_request"),
        ("same", ["a", "a"], 422, "invalid_argument"),
        ("set-aside", ["a", "b"], 422, "invalid_request"),
    ],
)
def test_what_can_not_be_said_is_refused(given, problem, verdict, members, status, code):
    problem(mark(given, verdict, *members), status, code)
    assert given.get(MARKS).json() == {"marks": []}
    problem(given.get("/v1/collections/none/marks"), 404, "collection_not_found")


def test_readers_read_and_writers_mark_under_their_names(given, service, key, space):
    assert mark(service(key("read")), "same", "a", "b").status_code == 403
    made = mark(service(key("write")), "same", "a", "b").json()
    assert made["who"] == space.catalog.keys.list()[-1].id
    assert service(key("read")).get(MARKS).json()["marks"] == [made]
    assert "records.mark" in {entry.action for entry in space.catalog.audit.page().entries}


def test_clients_mark(address, shapes, space):
    shapes().add({"_id": id_, "_vector": [1, at, 2]} for at, id_ in enumerate("abc"))
    with Client(address, KEY) as client:
        collection = client.collection("c")
        made = collection.mark("different", ["c", "a"], note="n")
        assert collection.marks() == [made]
        assert (made.verdict, made.members, made.note) == ("different", ["a", "c"], "n")
        collection.unmark(made.id)
        assert collection.marks() == []
        with pytest.raises(EntryNotFound):
            collection.unmark(made.id)
        with pytest.raises(RecordNotFound):
            collection.mark("same", ["a", "z"])


async def marked(address):
    async with AsyncClient(address, KEY) as client:
        collection = client.collection("c")
        made = await collection.mark("same", ["a", "b"])
        listed = await collection.marks()
        await collection.unmark(made.id)
        return made, listed, await collection.marks()


def test_clients_mark_without_waiting(address, shapes):
    shapes().add({"_id": id_, "_vector": [1, at, 2]} for at, id_ in enumerate("abc"))
    made, listed, left = asyncio.run(marked(address))
    assert (listed, left) == ([made], [])
