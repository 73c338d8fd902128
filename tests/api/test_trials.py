"""Trials over HTTP and through both clients: begun, searched in, told of clicks, reported on and ended."""

import asyncio

import pytest

from lookalike.catalog import Grant, Trial
from lookalike.client import AsyncClient, Client
from lookalike.errors import EntryNotFound, InvalidArgument, TrialExists, TrialOver
from lookalike.promoting import begin_promotion
from lookalike.work import Background

KEY = "la_test_key"
AT = "/v1/collections/shop"
WARMER = {"name": "warmer", "a": {"by": "shape"}, "b": {"weights": {"hue": 1}}}


@pytest.fixture
def shop(space):
    collection = space.create("shop", kind="custom", entities={"shape": 2, "hue": 2})
    collection.add({"_id": f"r{i}", "_vector": {"shape": [1, i], "hue": [1, (i * 7) % 20]}, "n": i} for i in range(20))
    return collection


def asked(client, visitor, trial="warmer"):
    return client.post(f"{AT}/search", json={"id": "r0", "k": 4, "trial": trial, "visitor": visitor}).json()


def test_a_trial_over_http(service, shop, problem):
    client = service()
    begun = client.post(f"{AT}/trials", json=WARMER)
    assert begun.status_code == 201
    assert begun.json() == client.get(f"{AT}/trials").json()[0]
    assert (begun.json()["a"], begun.json()["share"]) == ({"weights": {"shape": 1.0}}, 0.5)
    problem(client.post(f"{AT}/trials", json=WARMER), 409, "trial_exists")
    found = [asked(client, f"v{i}") for i in range(24)]
    assert {one["variant"] for one in found} == {"a", "b"}
    assert {one["by"] for one in found} == {"shape", "hue"}
    event = {"impression": found[0]["impression"], "record": found[0]["matches"][2]["_id"], "event": "mark"}
    assert [client.post(f"{AT}/events", json=event).json()["counted"] for _ in range(2)] == [True, False]
    problem(client.post(f"{AT}/events", json={**event, "record": "r0"}), 422, "invalid_argument")
    problem(client.post(f"{AT}/events", json={**event, "impression": "imp_0"}), 404, "entry_not_found")
    problem(client.post(f"{AT}/events", json={**event, "event": "wink"}), 422, "invalid_request")
    report = client.get(f"{AT}/trials/warmer").json()
    assert sum(arm["visitors"] for arm in report["arms"]) == 24
    assert sum(arm["events"]["mark"] for arm in report["arms"]) == 1
    assert report["difference"]["low"] < 0 < report["difference"]["high"]
    ended = client.post(f"{AT}/trials/warmer/promote", json={"variant": "b"}).json()
    assert (ended["state"], ended["promoted"]) == ("promoted", "b")
    assert client.get(AT).json()["settings"]["weights"] == {"hue": 1.0}
    problem(client.post(f"{AT}/trials/warmer/drop"), 409, "trial_over")
    assert client.delete(f"{AT}/trials/warmer").status_code == 204
    problem(client.get(f"{AT}/trials/warmer"), 404, "entry_not_found")
    problem(client.get("/v1/collections/nobody/trials"), 404, "collection_not_found")


def test_an_interleaved_answer_says_so(service, shop):
    client = service()
    client.post(f"{AT}/trials", json={**WARMER, "method": "interleave"})
    found = asked(client, "v")
    assert (found["variant"], found["by"], found["weights"], len(found["matches"])) == ("both", "", {}, 4)
    assert client.get(f"{AT}/trials/warmer").json()["preference"]["alike"] == 1


@pytest.fixture
def larger(space, shop):
    """A collection of the same ids whose vectors are others."""
    collection = space.create("larger", kind="custom", entities={"shape": 2, "hue": 2})
    collection.add({"_id": f"r{i}", "_vector": {"shape": [i, 1], "hue": [1, i % 3]}} for i in range(20))
    return collection


def test_another_collection_is_promoted_by_a_job(service, key, space, shop, larger, problem):
    client = service()
    for name in ("first", "second"):
        client.post(f"{AT}/trials", json={"name": name, "b": {"collection": "larger"}})
    expected = [match.id for match in larger.search(id="r3", k=5)]
    at = f"{AT}/trials/first/promote"
    begun = client.post(at, json={"variant": "b"})
    assert begun.status_code == 202
    job = begun.json()
    assert begun.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["kind"], job["collection"], job["state"]) == ("promote", "shop", "queued")
    assert client.post(at, json={"variant": "b"}).json()["id"] == job["id"], "it is under way already"
    problem(client.post(at, json={"variant": "c"}), 422, "invalid_request")
    assert client.get(f"{AT}/trials").json()[1]["state"] == "running"
    with Background(space, ["promote"], scheduled=False) as background:
        ended = background.runner.wait(job["id"], 60)
        assert (ended.state, ended.done, ended.total) == ("done", 20, 20)
        assert ended.result == {"trial": "first", "variant": "b"}
        assert [match.id for match in shop.search(id="r3", k=5)] == expected
        assert [trial["promoted"] for trial in client.get(f"{AT}/trials").json()] == ["", "b"]
        problem(client.post(at, json={"variant": "b"}), 409, "trial_over")
        larger.delete(["r1"])
        failed = client.post(f"{AT}/trials/second/promote", json={"variant": "b"}).json()
        ended = background.runner.wait(failed["id"], 60)
        assert (ended.state, ended.error_code) == ("failed", "invalid_argument")
        assert "19 are in both" in ended.error
    problem(service(key("read")).post(at, json={"variant": "b"}), 403, "not_permitted")
    problem(client.post(f"{AT}/trials/nothing/promote", json={"variant": "b"}), 404, "entry_not_found")
    problem(client.post("/v1/collections/no/trials/x/promote", json={"variant": "b"}), 404, "collection_not_found")


def test_while_one_variant_is_promoted_the_other_one_can_t_be(service, space, shop, larger, problem):
    space.create("small", kind="custom", entities={"shape": 2}).add(
        {"_id": f"r{i}", "_vector": {"shape": [i, 2]}} for i in range(20)
    )
    client = service()
    client.post(f"{AT}/trials", json={"name": "t", "a": {"collection": "small"}, "b": {"collection": "larger"}})
    client.post(f"{AT}/trials/t/promote", json={"variant": "b"})
    refused = client.post(f"{AT}/trials/t/promote", json={"variant": "a"})
    problem(refused, 422, "invalid_argument")
    assert "is being promoted by the job" in refused.json()["detail"]


def test_a_promotion_that_was_done_before_a_crash_is_done(space, shop, larger):
    space.trials.start(Trial("shop", "t", b={"collection": "larger"}))
    job = begin_promotion(space.catalog, "shop", "t", "b")
    space.trials.promote("shop", "t", "b")
    with Background(space, ["promote"], scheduled=False) as background:
        assert background.runner.wait(job.id, 60).state == "done"


def test_clients_wait_for_the_job(address, space, shop, larger):
    space.trials.start(Trial("shop", "t", b={"collection": "larger"}))
    with Client(address, KEY) as client, Background(space, ["promote"], scheduled=False):
        job = client.collection("shop").promote_trial("t", "b")
        assert (job.kind, client.wait(job.id, seconds=0.1).state) == ("promote", "done")
        assert client.collection("shop").trials()[0].promoted == "b"


def test_whoever_may_search_takes_part_and_only_admins_decide(service, key, shop, space, problem):
    service().post(f"{AT}/trials", json=WARMER)
    for scope in ("read", "write"):
        client = service(key(scope))
        found = asked(client, scope)
        event = {"impression": found["impression"], "record": found["matches"][0]["_id"]}
        assert client.post(f"{AT}/events", json=event).json() == {"counted": True}
        assert client.get(f"{AT}/trials/warmer").status_code == 200
        problem(client.post(f"{AT}/trials", json={**WARMER, "name": "mine"}), 403, "not_permitted")
        problem(client.post(f"{AT}/trials/warmer/promote", json={"variant": "b"}), 403, "not_permitted")
        problem(client.post(f"{AT}/trials/warmer/drop"), 403, "not_permitted")
        problem(client.delete(f"{AT}/trials/warmer"), 403, "not_permitted")


def test_a_key_of_one_collection_can_t_try_another_that_it_may_not_read(service, space, shop, problem):
    space.create("hidden", kind="custom", entities={"shape": 2})
    _, secret = space.catalog.keys.create("mine", Grant("admin", collections=["shop"]))
    trial = {"name": "peek", "b": {"collection": "hidden"}}
    problem(service(secret).post(f"{AT}/trials", json=trial), 403, "not_permitted")


def test_the_client_tries_and_promotes(address, shop):
    with Client(address, KEY) as client:
        mine = client.collection("shop")
        assert mine.start_trial("t", b={"by": "hue"}, effect=0.1).state == "running"
        with pytest.raises(TrialExists):
            mine.start_trial("t", b={"by": "hue"})
        found = mine.search(id="r0", k=3, trial="t", visitor="v")
        assert found.variant in ("a", "b")
        assert mine.log_event(found.impression, found[0].id)
        assert not mine.log_event(found.impression, found[0].id)
        with pytest.raises(InvalidArgument, match="showed"):
            mine.log_event(found.impression, "r0", "mark")
        assert sum(arm.reached for arm in mine.trial_report("t").arms) == 1
        assert mine.promote_trial("t", "b").promoted == "b"
        with pytest.raises(TrialOver):
            mine.drop_trial("t")
        assert mine.search(id="r0", k=3, trial="t", visitor="v").impression is None
        mine.forget_trial("t")
        with pytest.raises(EntryNotFound):
            mine.trial_report("t")


def test_so_does_the_one_that_is_awaited(address, shop):
    async def ask():
        async with AsyncClient(address, KEY) as client:
            mine = client.collection("shop")
            await mine.start_trial("t", b={"by": "hue"}, method="interleave", goal="conversion")
            found = await mine.search(id="r0", k=3, trial="t", visitor="v")
            counted = await mine.log_event(found.impression, found[1].id, "conversion")
            report = await mine.trial_report("t")
            ended = await mine.drop_trial("t")
            return counted, report, ended, await mine.trials()

    counted, report, ended, listed = asyncio.run(ask())
    assert counted
    assert report.preference.prefer_a + report.preference.prefer_b == 1
    assert (ended.state, [one.name for one in listed]) == ("dropped", ["t"])
