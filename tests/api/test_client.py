"""The client library against the real service on a loopback socket, and against answers made for the test."""

import asyncio
import inspect
import json

import httpx
import numpy as np
import pytest

from lookalike import errors
from lookalike.client import AsyncClient, AsyncCollection, Client, Patience, RemoteCollection
from lookalike.client.problems import error_of
from lookalike.work import Background

KEY = "la_test_key"


@pytest.fixture
def remote(address):
    with Client(address, KEY) as client:
        yield client


@pytest.fixture
def shapes(remote):
    """A collection of three-number vectors, which needs no model, with 600 records."""
    collection = remote.create("shapes", kind="custom", entities={"shape": 3})
    collection.add({"_id": f"{i:03}", "_vector": np.array([1.0, i, 2.0]), "even": i % 2 == 0} for i in range(600))
    return collection


def test_pictures_travel_as_bytes_and_answers_are_typed(remote, pictures, draw):
    same = remote.compare(pictures / "0.jpg", str(pictures / "0.jpg"))
    assert (same.score, same.verdict, same.model.partition("/")[0]) == (1.0, "identical", "lookalike-mini")
    found = remote.describe([draw(1), pictures / "1.jpg"], labels=1)
    assert [len(one.vectors["meaning"]) for one in found.pictures] == [256, 256]
    assert len(found.pictures[0].labels) == 1
    groups = remote.group([pictures / "0.jpg", pictures / "1.jpg", pictures / "0.jpg", b"nothing"])
    assert groups.groups == [[0, 2], [1]]
    assert [(one.place, one.code) for one in groups.unreadable] == [(3, "image_unreadable")]
    assert any(model.here and model.name == "lookalike-mini" for model in remote.models())


def test_the_life_of_a_collection_of_pictures(remote, pictures):
    collection = remote.create("photos", product_id="pair")
    told = []
    paths = [*sorted(pictures.glob("*.jpg")), pictures / "notes.txt", pictures / "gone.jpg"]
    records = ({"_id": path.name, "_file": path, "pair": i // 2} for i, path in enumerate(paths))
    added = collection.add(records, progress=told.append)
    assert added.inserted == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert [(one.source, one.code) for one in added.failed] == [
        ("gone.jpg", "source_not_found"),
        ("notes.txt", "image_unreadable"),
    ]
    assert sum(told) == len(paths)
    matches = collection.search(image=pictures / "3.jpg", k=2)
    assert (matches[0].id, matches[0].score, matches[0].record.fields["pair"]) == ("3.jpg", 1.0, 1)
    assert sum(matches.shares.values()) == pytest.approx(1)
    groups = [match.group for match in collection.search(id="0.jpg", group=True, group_size=2)]
    assert {group.value: sorted(member.id for member in group.members) for group in groups} == {
        0: ["1.jpg"], 1: ["2.jpg", "3.jpg"], 2: ["4.jpg"],
    }  # fmt: skip
    ranked = collection.rank(["1.jpg", {"_id": "x", "_image": (pictures / "2.jpg").read_bytes()}], id="2.jpg")
    assert [match.id for match in ranked] == ["x", "1.jpg"]
    assert collection.check(pictures / "4.jpg")[0].verdict == "identical"
    collection.add([{"_id": "copy", "_image": (pictures / "4.jpg").read_bytes()}])
    (group,) = [group for group in collection.duplicates() if "copy" in group.members]
    assert group.members == ["4.jpg", "copy"]
    assert group.pairs[0].probability > 0.5
    assert collection.erase(["copy", "nobody"]).missing == ["nobody"]
    remote.drop("photos")
    assert remote.collections() == []


def test_records_are_found_changed_and_deleted(remote, shapes):
    assert shapes.count() == 600 == shapes.info().count
    assert shapes.count({"even": True}) == 300
    assert [record and record.id for record in shapes.get(["005", "nobody", "001"])] == ["005", None, "001"]
    assert len({record.id for record in shapes.records(where={"even": False})}) == 300
    page = shapes.scroll(limit=7)
    assert len(page.records) == 7
    assert shapes.scroll(after=page.next, limit=7).records[0] not in page.records
    assert {one.value: one.count for one in shapes.facets(["even"])["even"]} == {True: 300, False: 300}
    assert [one.id for one in shapes.sample(5, seed=3)] == [one.id for one in shapes.sample(5, seed=3)]
    assert shapes.search(vector=np.array([1.0, 7.0, 2.0]), k=1)[0].id == "007"
    changed = shapes.update([{"_id": "001", "even": "odd"}, {"_id": "nobody"}])
    assert (changed.updated, [one.source for one in changed.failed]) == (["001"], ["nobody"])
    assert shapes.delete(where={"even": "odd"}) == 1
    gone = shapes.remove(["002"])
    assert [one.id for one in shapes.removals()] == [gone.removal]
    assert list(shapes.bring_back(gone.removal).inserted) == ["002"]
    shapes.forget(shapes.remove(["002"]).removal)
    assert shapes.removals() == []
    assert shapes.configure(index=["even"]).settings.index == ["even"]


def test_bulk_insert_goes_in_chunks_while_records_are_still_made(remote):
    collection = remote.create("c", kind="custom", entities={"shape": 3})
    seen = []

    def records():
        for i in range(520):
            seen.append(collection.count() if i in (300, 519) else None)
            yield {"_id": str(i), "_vector": [1, i, 2]} if i != 400 else {"_id": "400", "_vector": {1, 2}}

    added = collection.add(records())
    assert [count for count in seen if count is not None] == [256, 512]
    assert (len(added.inserted), [(one.source, one.code) for one in added.failed]) == (519, [("400", "invalid_record")])


def test_what_is_no_record_fails_alone(remote, shapes):
    added = shapes.add([None, 7, {"_id": "good", "_vector": [1, 2, 3]}, {"_id": "set", "of": {1}}])
    assert added.inserted == ["good"]
    assert [(one.source, one.code) for one in added.failed] == [
        ("?", "invalid_record"),
        ("?", "invalid_record"),
        ("set", "invalid_record"),
    ]
    assert added.failed[0].reason == "a record is a mapping or a path, not NoneType"


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_an_address_or_a_key_that_can_not_be_sent_is_said_at_once(client):
    for address in ("localhost:8080", "", "ftp://localhost"):
        with pytest.raises(errors.InvalidArgument, match=r"http://localhost:8080"):
            client(address, KEY)
    for key in ("la_ключ", "la_two\nlines"):
        with pytest.raises(errors.InvalidArgument, match="key") as caught:
            client("http://localhost:8080", key)
        assert key not in str(caught.value)


def test_without_a_key_the_service_says_that_it_needs_one(address, monkeypatch):
    monkeypatch.delenv("LOOKALIKE_KEY", raising=False)
    with Client(address) as client, pytest.raises(errors.AccessDenied, match="needs a key"):
        client.collections()
    with Client(address, f"{KEY}\n") as client:  # as it is read from a file
        assert client.collections() == []


def test_jobs_are_begun_watched_and_fetched(space, remote, shapes, tmp_path):
    from lookalike.work import Background

    with Background(space, ["import", "export"], scheduled=False):
        job = remote.wait(shapes.begin_export(format="jsonl", vectors=True).id, seconds=0.05)
        assert (job.state, job.result["records"]) == ("done", 600)
        size = remote.fetch_file(job.id, tmp_path / "out.jsonl")
        assert size == (tmp_path / "out.jsonl").stat().st_size
        lines = (tmp_path / "out.jsonl").read_text().splitlines()
        (tmp_path / "in.jsonl").write_text("\n".join([lines[0], '{"no": "id"}']))
        brought = remote.wait(shapes.begin_import(tmp_path / "in.jsonl").id, seconds=0.05)
    assert (brought.state, brought.failed) == ("done", 1)
    assert [one.code for one in remote.job_errors(brought.id).errors] == ["invalid_record"]
    assert [one.id for one in remote.jobs()] == [brought.id, job.id]
    assert remote.end_job(job.id) is None
    with pytest.raises(errors.EntryNotFound):
        remote.job(job.id)


def test_refusals_are_the_errors_that_the_library_raises(remote, address, shapes, tmp_path):
    with pytest.raises(errors.CollectionNotFound, match="nobody") as caught:
        remote.collection("nobody").count()
    assert caught.value.name == "nobody"
    with pytest.raises(errors.CollectionExists):
        remote.create("shapes")
    with pytest.raises(errors.InvalidFilter):
        shapes.count({"$nonsense": 1})
    with pytest.raises(errors.ImageUnreadable) as unreadable:
        remote.compare(b"no picture", b"at all")
    assert unreadable.value.reason
    with pytest.raises(errors.ServiceError) as odd:
        shapes.search(nonsense=1)
    assert (odd.value.status, odd.value.code) == (422, "invalid_request")
    with Client(address, "wrong") as stranger, pytest.raises(errors.AccessDenied):
        stranger.collections()
    with pytest.raises(errors.EntryNotFound):
        remote.fetch_file("nobody", tmp_path / "nothing")
    assert not list(tmp_path.glob("nothing*"))


def test_the_asynchronous_client_answers_alike(remote, address, shapes, pictures):
    async def ask():
        async with AsyncClient(address, KEY) as client:
            collection = await client.create("async", kind="custom", entities={"shape": 3})

            async def records():
                for i in range(300):
                    yield {"_id": str(i), "_vector": [1, i, 2]}

            added = await collection.add(records())
            again = await collection.add([{"_id": "0", "_vector": [1, 0, 2]}])
            walked = [record.id async for record in collection.records()]
            alike = await asyncio.gather(*(client.compare(pictures / "0.jpg", pictures / "1.jpg") for _ in range(4)))
            with pytest.raises(errors.CollectionNotFound):
                await client.collection("nobody").info()
            return added, again, walked, alike

    added, again, walked, alike = asyncio.run(ask())
    assert len(added.inserted) == 300 == len(set(walked))
    assert again.skipped == ["0"]
    assert {one.score for one in alike} == {remote.compare(pictures / "0.jpg", pictures / "1.jpg").score}


def test_a_tagger_is_learned_used_on_what_is_there_and_deleted(remote, space):
    rows = np.eye(256)[[0, 1]]
    rooms = remote.create("rooms", kind="custom", describers=["meaning"], entities={"sound": 1})
    random = np.random.default_rng(0)
    rooms.add(
        {"_id": f"{n:02}", "_vectors": {"meaning": rows[n % 2] + random.normal(0, 0.05, 256)}, "room": "ab"[n % 2]}
        for n in range(40)
    )
    with Background(space, scheduled=False):
        job = remote.wait(rooms.begin_tagger("room", "room", held_out=0.25).id, seconds=0.05)
    assert (job.state, job.result["pictures"]) == ("done", 10)
    assert [(one.name, one.labels) for one in remote.taggers()] == [("room", ["a", "b"])]
    with pytest.raises(errors.WouldOverwrite):
        rooms.begin_tagger("room", "room")
    rooms.update([{"_id": "00", "$unset": ["room"]}, {"_id": "01", "$unset": ["room"]}])
    rooms.configure(taggers=["room"])
    with Background(space, scheduled=False):
        assert remote.wait(rooms.begin_retag().id, seconds=0.05).result == {"updated": 2, "skipped": 38}
    assert [record.fields["room"] for record in rooms.get(["00", "01"])] == ["a", "b"]
    remote.delete_tagger("room")
    assert remote.taggers() == []


@pytest.mark.parametrize(("sync", "asynchronous"), [(Client, AsyncClient), (RemoteCollection, AsyncCollection)])
def test_both_clients_have_the_same_methods(sync, asynchronous):
    def face(kind):
        public = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
        return {name: (list(inspect.signature(value).parameters), value.__doc__) for name, value in public.items()}

    assert face(sync) == face(asynchronous)


def scripted(*answers, **patience):
    """A client whose service gives these answers in turn, and the requests it got."""
    asked, left = [], list(answers)

    def answer(request):
        asked.append(request)
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    patience = {"first": 0.0, "chance": lambda: 0.0, **patience}
    transport = httpx.MockTransport(answer)
    return Client("http://service", "k", patience=Patience(**patience), transport=transport), asked


def problem(status, code, **headers):
    document = {"code": code, "detail": "A sentence.", "facts": {"limit": 3}}
    return httpx.Response(
        status, content=json.dumps(document), headers={"content-type": "application/problem+json", **headers}
    )


def test_passing_refusals_are_waited_out_as_the_service_asks(monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    client, asked = scripted(
        problem(429, "too_many_requests", **{"retry-after": "7"}),
        problem(503, "overloaded"),
        problem(503, "overloaded", **{"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        httpx.Response(200, json={"count": 2}),
        first=1.0,
        chance=lambda: 0.5,
    )
    assert client.collection("c").count() == 2
    assert slept == [7.5, 1.5, 0.5]
    assert len(asked) == 4


def test_patience_ends(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    client, asked = scripted(*[problem(503, "overloaded") for _ in range(3)], attempts=3)
    with pytest.raises(errors.Overloaded, match=r"A sentence\.") as caught:
        client.models()
    assert (len(asked), caught.value.limit) == (3, 3)
    client, asked = scripted(problem(429, "too_many_requests", **{"retry-after": "3600"}))
    with pytest.raises(errors.TooManyRequests) as refused:
        client.models()
    assert (len(asked), refused.value.retry_after) == (1, 3600.0)


def test_what_may_have_arrived_is_only_repeated_where_that_does_no_harm(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    cut = httpx.ReadError("cut off")
    client, asked = scripted(cut, httpx.Response(200, json={"count": 1}))
    assert client.collection("c").count() == 1
    client, asked = scripted(cut)
    with pytest.raises(errors.ServiceUnreachable, match="cut off"):
        client.create("c")
    assert len(asked) == 1
    client, asked = scripted(httpx.ConnectError("refused"), httpx.ConnectError("refused"), attempts=2)
    with pytest.raises(errors.ServiceUnreachable, match="refused"):
        client.create("c")
    assert len(asked) == 2


def test_answers_of_something_else_are_errors_of_the_service():
    for answer in (httpx.Response(200, text="<html>"), httpx.Response(200, json=[]), httpx.Response(502, text="bad")):
        client, _ = scripted(answer)
        with pytest.raises(errors.ServiceError):
            client.collection("c").count()


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "ServiceError"])
def test_every_code_becomes_its_class(name):
    kind = getattr(errors, name)
    error = error_of(problem(422, kind.code))
    assert type(error) is kind
    assert str(error) == "A sentence."
