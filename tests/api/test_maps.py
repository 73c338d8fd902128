"""Maps over HTTP: a job draws one, readers see it, and only writers may have it drawn."""

import httpx
import pytest

from lookalike.atlas import layout
from lookalike.catalog import Grant
from lookalike.work import Background

HOME = "/v1/collections/c/map"


@pytest.fixture
def space(space):
    c = space.create("c", kind="custom", entities={"shape": 3})
    c.add({"_id": f"r{n}", "_vectors": {"shape": [1.0, n, n * n]}, "kind": "ab"[n % 2], "size": n} for n in range(30))
    with Background(space, ["map"], scheduled=False) as background:
        space.wait = background.runner.wait
        yield space


@pytest.fixture
def drawn(client, space):
    answer = client.post(HOME, json={"method": "pca"})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    assert space.wait(answer.json()["id"], 60).state == "done"


def test_there_is_none_until_it_is_drawn(client):
    answer = client.get(HOME)
    assert answer.status_code == 404
    assert "POST /v1/collections/c/map" in answer.json()["detail"]
    assert client.get(f"{HOME}/colors", params={"field": "kind"}).status_code == 404


def test_a_map_comes_in_columns_and_is_not_sent_again(client, drawn):
    answer = client.get(HOME)
    body = answer.json()
    assert sorted(body["ids"]) == sorted(f"r{n}" for n in range(30))
    assert len(body["x"]) == len(body["y"]) == 30
    assert (min(body["x"] + body["y"]), max(body["x"] + body["y"])) == (0, 65535)
    assert (body["description"], body["method"], body["draft"], body["outdated"]) == ("shape", "pca", False, False)
    again = client.get(HOME, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_colors_are_codes_in_the_order_of_the_map(client, drawn):
    ids = client.get(HOME).json()["ids"]
    kinds = client.get(f"{HOME}/colors", params={"field": "kind"}).json()
    assert kinds["values"] == [{"value": "a", "count": 15}, {"value": "b", "count": 15}]
    assert [kinds["codes"][ids.index(f"r{n}")] for n in range(4)] == [0, 1, 0, 1]
    sizes = client.get(f"{HOME}/colors", params={"field": "size"}).json()
    assert (sizes["kind"], sizes["codes"][ids.index("r0")], sizes["codes"][ids.index("r29")]) == ("numbers", 0, 1000)
    client.delete("/v1/collections/c/records/r3")
    after = client.get(f"{HOME}/colors", params={"field": "kind"}).json()
    assert after["codes"][ids.index("r3")] == -2
    assert client.get(f"{HOME}/colors", params={"field": "nothing"}).json()["codes"].count(-1) == 29


def test_readers_see_a_map_and_do_not_draw_one(client, drawn, space, address):
    secret = space.catalog.keys.create("reader", Grant("read"))[1]
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {secret}"}) as reader:
        assert reader.get(HOME).status_code == 200
        assert reader.get(f"{HOME}/colors", params={"field": "kind"}).status_code == 200
        assert reader.post(HOME, json={}).status_code == 403
    assert "collection.map" in [entry["action"] for entry in client.get("/v1/audit").json()["entries"]]


def test_what_there_is_not_is_refused(client, monkeypatch):
    assert client.post(HOME, json={"description": "smell"}).json()["code"] == "unknown_vector"
    assert client.get(HOME, params={"description": "../../x"}).json()["code"] == "unknown_vector"
    assert client.post(HOME, json={"methd": "pca"}).status_code == 422
    assert client.post("/v1/collections/nobody/map", json={}).status_code == 404
    monkeypatch.setattr(layout.importlib.util, "find_spec", lambda name: None)
    refused = client.post(HOME, json={"method": "tsne"}).json()
    assert refused["code"] == "missing_extra"
    assert "lookalike[map]" in refused["detail"]
