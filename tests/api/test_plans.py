"""Plans: so many requests a second, so many at once, so many bytes and records; and what was used."""

import asyncio

import httpx
import pytest

from lookalike.api import plans
from lookalike.api.plans import Bucket
from lookalike.catalog import PLANS, Plan
from lookalike.errors import InvalidArgument


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test moves it."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(plans.time, "monotonic", lambda: Clock.now)
    return Clock


def test_a_bucket_gives_its_rate_and_no_more(clock):
    bucket = Bucket(2)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]
    clock.now += 0.5
    assert [bucket.take(), bucket.take()] == [0, 0.5]
    clock.now += 3600
    assert [bucket.take(), bucket.take(), bucket.take()] == [0, 0, 0.5]


def test_a_slow_bucket_holds_one(clock):
    bucket = Bucket(0.1)
    assert bucket.take() == 0
    assert bucket.take() == pytest.approx(10)


def test_a_public_key_has_one_request_a_second(service, key, problem, clock):
    mine = service(key(plan=PLANS["public"]))
    assert mine.get("/v1/collections").status_code == 200
    refused = mine.get("/v1/collections")
    assert "1 requests a second" in problem(refused, 429, "too_many_requests")["detail"]
    assert refused.headers["Retry-After"] == "1"
    clock.now += 1
    assert mine.get("/v1/collections").status_code == 200
    assert service().get("/v1/collections").status_code == service().get("/v1/collections").status_code == 200


def test_what_is_refused_is_counted_apart(service, key, clock):
    secret = key(plan=PLANS["public"])
    for _ in range(3):
        service(secret).get("/v1/collections")
    [row] = service().get("/v1/keys").json()
    assert (row["requests"], row["refused"]) == (1, 2)


def test_no_more_requests_at_once_than_the_plan_says(app, key):
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.get("/v1/slow")
    async def slow():
        begun.set()
        await go_on.wait()
        return {}

    async def ask():
        headers = {"Authorization": f"Bearer {key(plan=Plan(concurrency=1))}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            first = asyncio.create_task(client.get("/v1/slow"))
            await begun.wait()
            second = await client.get("/v1/collections")
            go_on.set()
            return (await first).status_code, second, await client.get("/v1/collections")

    first, second, third = asyncio.run(ask())
    assert (first, second.status_code, third.status_code) == (200, 429, 200)
    assert "1 requests at once" in second.json()["detail"]


def test_records_over_the_plan_are_refused_and_others_still_change(service, key, shapes, records, problem):
    shapes("a"), shapes("b")
    mine = service(key("write", plan=Plan(records=3)))
    assert mine.post("/v1/collections/a/records", json=records("1", "2")).json()["inserted"] == ["1", "2"]
    answer = mine.post("/v1/collections/b/records", json=records("1", "2"))
    assert "4 records" in problem(answer, 403, "plan_exceeded")["detail"]
    assert mine.post("/v1/collections/b/records", json=records("1")).json()["inserted"] == ["1"]
    again = {"records": [{"_id": id_, "n": 1} for id_ in ("1", "2")]}
    assert mine.post("/v1/collections/a/records", json=again).json()["updated"] == ["1", "2"]
    assert service().post("/v1/collections/a/records", json=records("8", "9")).status_code == 200


def test_bytes_over_a_day_are_refused_before_they_are_read(service, key, shapes, records, problem):
    shapes()
    mine = service(key("write", plan=Plan(bytes=1000)))
    assert mine.post("/v1/collections/c/records", json=records("1")).status_code == 200
    large = {"records": [{"_id": "2", "_vector": [1, 2, 3], "text": "x" * 1000}]}
    refused = mine.post("/v1/collections/c/records", json=large)
    assert "bytes of requests a day" in problem(refused, 429, "too_many_requests")["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    assert mine.get("/v1/collections").status_code == 200


def test_a_day_of_bytes_lasts_over_a_restart(service, key, shapes, records, space):
    shapes()
    secret = key("write", plan=Plan(bytes=1000))
    [row] = space.catalog.keys.list()
    space.catalog.usage.count(row.id, bytes=999)
    assert service(secret).post("/v1/collections/c/records", json=records("1")).status_code == 429


def test_usage_is_shown_to_its_owner_and_to_admins(service, key, shapes, records, problem):
    shapes()
    mine = service(key("write"))
    body = mine.post("/v1/collections/c/records", json=records("1", "2"))
    [day] = mine.get("/v1/usage").json()
    assert (day["requests"], day["records"], day["refused"]) == (1, 2, 0)
    assert day["bytes"] == len(body.request.content)
    problem(mine.get("/v1/usage?of=all"), 403, "not_permitted")
    problem(mine.get("/v1/usage?of=service"), 403, "not_permitted")
    assert day["key"] in [entry["key"] for entry in service().get("/v1/usage?of=all").json()]
    assert service().get(f"/v1/usage?of={day['key']}").json()[0]["records"] == 2


def test_a_plan_without_sense_is_refused():
    with pytest.raises(InvalidArgument):
        Plan(records=0)
