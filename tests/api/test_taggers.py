"""Taggers over HTTP: learned from records, listed, used on insert, deleted."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from lookalike.work import Background


@pytest.fixture
def coded(draw):
    """Return coded(number, place): base64 text of a scene, moved, behind another one that changes."""

    def encode(number, place):
        moved = np.roll(draw(100 + number), (4 * place, 6 * place), (0, 1))
        mixed = 0.85 * moved + 0.15 * draw(1000 + 10 * number + place)
        sink = io.BytesIO()
        Image.fromarray(mixed.astype(np.uint8)).save(sink, "PNG")
        return base64.b64encode(sink.getvalue()).decode()

    return encode


@pytest.fixture
def rooms(client, coded):
    """A collection of three rooms, six pictures each."""
    client.post("/v1/collections", json={"name": "rooms"})
    given = [
        {"_id": f"{number}-{place}", "_base64": coded(number, place), "room": f"room-{number}"}
        for number in range(3)
        for place in range(6)
    ]
    assert not client.post("/v1/collections/rooms/records", json={"records": given}).json()["failed"]
    return "/v1/collections/rooms"


def test_a_tagger_is_learned_listed_used_and_deleted(client, space, rooms, coded, problem, key):
    body = {"name": "room", "field": "room"}
    answer = client.post(f"{rooms}/taggers", json=body)
    assert answer.status_code == 202, answer.text
    with Background(space, scheduled=False) as background:
        job = background.runner.wait(answer.json()["id"], 60)
    assert job.state == "done", job.error
    assert (job.result["learned from"], job.result["pictures"]) == (14, 4)
    (listed,) = client.get("/v1/taggers").json()
    assert (listed["name"], listed["task"], listed["labels"]) == ("room", "classify", ["room-0", "room-1", "room-2"])
    problem(client.post(f"{rooms}/taggers", json=body), 409, "would_overwrite")

    made = {"name": "new", "taggers": [{"tagger": "room", "when": {"place": {"$ne": "garden"}}}]}
    assert client.post("/v1/collections", json=made).json()["settings"]["taggers"] == made["taggers"]
    given = [
        {"_id": "told", "_base64": coded(1, 8)},
        {"_id": "own", "_base64": coded(1, 7), "room": "mine"},
        {"_id": "garden", "_base64": coded(1, 9), "place": "garden"},
    ]
    client.post("/v1/collections/new/records", json={"records": given})
    found = {
        one: client.get(f"/v1/collections/new/records/{one}").json().get("room") for one in ("told", "own", "garden")
    }
    assert found == {"told": "room-1", "own": "mine", "garden": None}

    client.patch("/v1/collections/rooms/records", json={"records": [{"_id": "0-0", "$unset": ["room"]}]})
    client.patch("/v1/collections/rooms", json={"taggers": ["room"]})
    assert client.post(f"{rooms}/retag", json={"where": {"$no": 1}}).status_code == 422
    begun = client.post(f"{rooms}/retag", json={})
    assert begun.status_code == 202, begun.text
    with Background(space, scheduled=False) as background:
        job = background.runner.wait(begun.json()["id"], 60)
    assert (job.state, job.result, job.done, job.total) == ("done", {"updated": 1, "skipped": 17}, 18, 18)
    assert client.get(f"{rooms}/records/0-0").json()["room"] == "room-0"

    assert client.delete("/v1/taggers/room").status_code == 204
    problem(client.post(f"{rooms}/retag", json={}), 422, "tagger_unusable")
    problem(client.delete("/v1/taggers/room"), 404, "entry_not_found")
    refused = client.post("/v1/collections/new/records", json={"records": [{"_id": "x", "_base64": coded(0, 9)}]})
    problem(refused, 422, "tagger_unusable")


@pytest.mark.parametrize(
    "taggers", [["../room"], ["/etc"], [{"tagger": "a/b"}], [{"tagger": "a", "what": 1}], ["none"]]
)
def test_taggers_of_the_workspace_alone_are_used(client, taggers):
    assert client.post("/v1/collections", json={"name": "c", "taggers": taggers}).status_code == 422
    assert client.get("/v1/collections/c").status_code == 404


def test_only_an_admin_trains(client, stranger, key, rooms):
    body = {"name": "room", "field": "room"}
    refused = stranger.post(f"{rooms}/taggers", json=body, headers={"Authorization": f"Bearer {key('write')}"})
    assert refused.status_code == 403
    assert client.post("/v1/collections/none/taggers", json=body).status_code == 404
    assert client.post(f"{rooms}/taggers", json=body | {"field": "_x"}).status_code == 422
