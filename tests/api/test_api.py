"""The native HTTP API over a real socket."""

import base64
import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

import lookalike
from lookalike.api.app import Access, create_app


@pytest.fixture
def encoded(draw):
    """Return encoded(seed, format) -> bytes of a drawn picture."""

    def encode(seed, form="PNG"):
        buffer = io.BytesIO()
        Image.fromarray(draw(seed)).save(buffer, form)
        return buffer.getvalue()

    return encode


@pytest.fixture
def text(encoded):
    """Return text(seed) -> base64 of a drawn picture."""
    return lambda seed: base64.b64encode(encoded(seed)).decode()


def is_problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    return body


def test_compare_json_and_files_agree(client, encoded, text):
    body = {"a": text(1), "b": f"data:image/png;base64,{text(2)}"}
    found = client.post("/v1/compare", json=body).json()
    assert 0 <= found["score"] < 1
    assert found["model"].startswith("lookalike-mini/3@")
    files = {"a": ("a.png", encoded(1)), "b": ("b.png", encoded(2))}
    assert client.post("/v1/compare/files", files=files).json() == found
    same = client.post("/v1/compare", json={"a": text(1), "b": text(1)}).json()
    assert (same["score"], same["verdict"]) == (1.0, "identical")


def test_describe_keeps_order_past_a_bad_picture(client, text, encoded):
    body = {"pictures": [text(1), "AAAA", "!!", text(2)], "labels": 2}
    found = client.post("/v1/describe", json=body).json()
    assert [entry["code"] for entry in found["pictures"]] == [None, "image_unreadable", "image_unreadable", None]
    assert len(found["pictures"][0]["vectors"]["meaning"]) == 256
    assert len(found["pictures"][0]["labels"]) == 2
    files = [("files", ("1.png", encoded(1))), ("files", ("2.png", encoded(2)))]
    uploaded = client.post("/v1/describe/files", files=files).json()
    np.testing.assert_allclose(
        uploaded["pictures"][1]["vectors"]["copy"], found["pictures"][3]["vectors"]["copy"], atol=1e-6
    )


def test_the_life_of_a_collection(client, text):
    made = client.post("/v1/collections", json={"name": "c", "product_id": "p"})
    assert made.status_code == 201
    assert made.json()["count"] == 0
    records = [{"_id": str(seed), "_base64": text(seed), "even": seed % 2 == 0, "p": seed // 2} for seed in range(6)]
    added = client.post("/v1/collections/c/records", json={"records": records}).json()
    assert added["inserted"] == [str(seed) for seed in range(6)]
    assert client.get("/v1/collections").json()[0]["count"] == 6
    found = client.post("/v1/collections/c/search", json={"image": text(3), "k": 4}).json()["matches"]
    assert found[0]["_id"] == "3"
    assert found[0]["score"] == 1.0
    by_color = client.post("/v1/collections/c/search", json={"image": text(3), "by": "color"}).json()
    assert (by_color["by"], by_color["model"].split("/")[0]) == ("color", "color")
    assert "_base64" not in found[0]
    even = client.post("/v1/collections/c/search", json={"id": "3", "where": {"even": True}}).json()["matches"]
    assert {match["_id"] for match in even} == {"0", "2", "4"}
    grouped = client.post("/v1/collections/c/search", json={"id": "0", "group": True}).json()["matches"]
    assert len(grouped) == 3
    assert client.post("/v1/collections/c/count", json={"even": True}).json() == {"count": 3}
    assert client.patch("/v1/collections/c/records", json={"records": [{"_id": "1", "n": 5}]}).json()["updated"] == [
        "1"
    ]
    assert client.get("/v1/collections/c/records/1").json()["n"] == 5
    page = client.get("/v1/collections/c/records", params={"limit": 4}).json()
    rest = client.get("/v1/collections/c/records", params={"limit": 4, "after": page["next"]}).json()
    assert len(page["records"]) + len(rest["records"]) == 6
    assert client.delete("/v1/collections/c/records/1").status_code == 204
    is_problem(client.get("/v1/collections/c/records/1"), 404, "record_not_found")
    assert client.delete("/v1/collections/c").status_code == 204
    is_problem(client.get("/v1/collections/c"), 404, "collection_not_found")


def test_ids_with_slashes_are_reached(client, text):
    client.post("/v1/collections", json={"name": "c"})
    client.post("/v1/collections/c/records", json={"records": [{"_id": "a/b c/ü.jpg", "_base64": text(1)}]})
    assert client.get("/v1/collections/c/records/a/b%20c/%C3%BC.jpg").json()["_id"] == "a/b c/ü.jpg"


def test_an_id_that_ends_with_a_line_end_is_not_the_one_without(client, text):
    client.post("/v1/collections", json={"name": "c"})
    address = "/v1/collections/c/records"
    client.post(address, json={"records": [{"_id": id_, "_base64": text(1)} for id_ in ("a", "b", "b\n")]})
    is_problem(client.get(f"{address}/a%0A"), 404, "record_not_found")
    is_problem(client.delete(f"{address}/a%0A"), 404, "record_not_found")
    assert client.get(f"{address}/b%0A").json()["_id"] == "b\n"
    assert client.delete(f"{address}/b%0A").status_code == 204
    assert [client.get(f"{address}/{id_}").json()["_id"] for id_ in "ab"] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "said"), [(b'{"records": [{"_id": "\xff"}]}', "not UTF-8"), (b"[" * 100_000, "nested too deeply")]
)
def test_a_body_that_is_no_json_says_why(client, body, said):
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/collections", content=body, headers=headers)
    is_problem(answer, 422, "invalid_request")
    assert said in answer.json()["detail"]


def test_bad_records_are_listed_and_the_others_kept(client, text, pictures):
    client.post("/v1/collections", json={"name": "c"})
    records = [
        {"_id": "disk", "_file": str(pictures / "0.jpg")},
        {"_id": "junk", "_base64": "AAAA"},
        {"_id": "number", "_base64": 7},
        {"_base64": text(1)},
        {"_id": "good", "_base64": text(1)},
    ]
    body = client.post("/v1/collections/c/records", json={"records": records}).json()
    assert body["inserted"] == ["good"]
    assert len(body["failed"]) == 4
    assert all(failure["reason"] for failure in body["failed"])


@pytest.mark.parametrize("path", ["/v1/collections", "/v1/models-that-do-not-exist", "/v1/collections/c/records"])
def test_every_call_needs_the_key(stranger, path):
    response = stranger.get(path)
    assert response.status_code in (401, 404)
    if path != "/v1/models-that-do-not-exist":
        is_problem(response, 401, "access_denied")
        wrong = stranger.get(path, headers={"Authorization": "Bearer wrong"})
        assert "wrong" in is_problem(wrong, 401, "access_denied")["detail"]


def test_token_is_a_key_too(stranger):
    assert stranger.get("/v1/collections", headers={"Authorization": "Token la_test_key"}).status_code == 200


def test_foreign_host_names_are_refused(client):
    assert client.get("/v1/collections", headers={"Host": "evil.example"}).status_code == 400


def test_bad_requests_are_problems(client, text):
    client.post("/v1/collections", json={"name": "c"})
    is_problem(client.post("/v1/collections", json={"name": "c"}), 409, "collection_exists")
    is_problem(client.post("/v1/collections", json={"name": "../x"}), 422, "invalid_name")
    is_problem(client.post("/v1/collections/c/search", json={"id": "x"}), 404, "record_not_found")
    is_problem(client.post("/v1/collections/c/search", json={"k": 3}), 422, "invalid_argument")
    is_problem(client.post("/v1/collections/c/search", json={"vector": [1, 2]}), 422, "shape_mismatch")
    is_problem(client.post("/v1/collections/c/search", json={"image": "AAAA"}), 422, "image_unreadable")
    is_problem(client.post("/v1/collections/c/search", json={"id": "x", "kk": 3}), 422, "invalid_request")
    is_problem(client.post("/v1/collections/c/count", json={"a": {"$near": 1}}), 422, "invalid_filter")
    is_problem(client.post("/v1/compare", json={"a": text(1), "b": "not base64!"}), 422, "image_unreadable")
    is_problem(client.post("/v1/compare", json={"a": text(1), "b": "/etc/passwd"}), 422, "image_unreadable")
    is_problem(client.post("/v1/compare", content=b"{oops"), 422, "invalid_request")
    is_problem(client.get("/v1/nothing"), 404, "http_error")
    is_problem(client.put("/v1/compare"), 405, "http_error")


def test_a_body_over_the_limit_is_refused_early(client, monkeypatch):
    def endless():
        for _ in range(200):
            yield b"x" * 2**20

    is_problem(client.post("/v1/compare", content=b"x" * (101 * 2**20)), 413, "body_too_large")
    is_problem(client.post("/v1/compare", content=endless()), 413, "body_too_large")


def test_health_and_documentation_need_no_key(stranger):
    assert stranger.get("/healthz").json() == {"status": "ok"}
    assert stranger.get("/readyz").json() == {"status": "ready"}
    assert stranger.get("/docs").status_code == 200
    paths = stranger.get("/openapi.json").json()["paths"]
    assert {"/v1/compare", "/v1/describe", "/v1/collections", "/v1/collections/{name}/search"} <= set(paths)


HALF = "\\ud800"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("search", f'{{"id": "{HALF}"}}'),
        ("search", f'{{"vector": [1, 2, 3], "where": {{"{HALF}": 1}}}}'),
        ("search", f'{{"vector": [1, 2, 3], "where": {{"a": {{"$in": ["{HALF}"]}}}}}}'),
        ("search", f'{{"image": "data:image/png,{HALF}"}}'),
        ("count", f'{{"a": "{HALF}"}}'),
        ("erase", f'{{"ids": ["{HALF}"]}}'),
        ("facets", f'{{"fields": ["{HALF}"]}}'),
        ("sample", '{"seed": 99999999999999999999}'),
    ],
)
def test_text_that_has_no_utf8_is_refused(client, shapes, path, body):
    shapes()
    answer = client.post(f"/v1/collections/c/{path}", content=body, headers={"Content-Type": "application/json"})
    is_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize(("method", "path"), [("POST", "records"), ("PATCH", "records"), ("POST", "rank")])
def test_a_record_that_has_no_utf8_fails_by_itself(client, shapes, method, path):
    shapes().add([{"_id": "0", "_vector": [1, 2, 3]}])
    good = '"0"' if path == "rank" else '{"_id": "0", "a": 2}'
    body = f'{{"records": [{{"_id": "{HALF}", "a": 1}}, {good}, {{"_id": "1", "a": "{HALF}"}}]'
    body += ', "vector": [1, 2, 3]}' if path == "rank" else "}"
    answer = client.request(
        method, f"/v1/collections/c/{path}", content=body, headers={"Content-Type": "application/json"}
    ).json()
    assert [(one["_id"], one["code"]) for one in answer["failed"]] == [
        ("\\ud800", "invalid_record"),
        ("1", "invalid_record"),
    ]
    assert answer.get("updated", ["0"]) == ["0"]


def test_a_collection_that_is_damaged_is_listed_among_the_others(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        for name in ("bad", "good"):
            space.create(name, kind="custom", entities={"shape": 3})
    (tmp_path / "space" / "collections" / "bad" / "store.json").write_text("{", "utf-8")
    with lookalike.open(tmp_path / "space") as space:
        client = TestClient(create_app(space, Access("la_key")), "http://localhost")
        client.headers["Authorization"] = "Bearer la_key"
        listed = client.get("/v1/collections").json()
        assert [(one["name"], one["count"]) for one in listed] == [("bad", None), ("good", 0)]
        assert client.get("/v1/collections/bad").json()["code"] == "store_unreadable"
        assert client.delete("/v1/collections/bad").status_code == 204
