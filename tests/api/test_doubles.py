"""Records over HTTP: rules for those that exist, deleting, checking, duplicates, erasing."""

import base64

import numpy as np
import pytest


def encoded(picture, save, path, quality=90):
    return base64.b64encode(save(np.ascontiguousarray(picture), path, quality=quality).read_bytes()).decode()


@pytest.fixture
def shop(client, draw, save, tmp_path):
    client.post("/v1/collections", json={"name": "shop"}).raise_for_status()
    records = [
        {"_id": f"{n}", "_base64": encoded(draw(n), save, tmp_path / f"{n}.jpg"), "n": n, "color": "red"}
        for n in range(4)
    ]
    small = {"_id": "small", "_base64": encoded(draw(2)[::2, ::2], save, tmp_path / "small.jpg", 60)}
    client.post("/v1/collections/shop/records", json={"records": [*records, small]}).raise_for_status()
    return "/v1/collections/shop"


def test_what_exists_is_merged_replaced_skipped_or_refused(client, shop):
    url = f"{shop}/records"
    assert client.post(url, json={"records": [{"_id": "0", "n": 9}]}).json()["updated"] == ["0"]
    refused = client.post(url, params={"existing": "refuse"}, json={"records": [{"_id": "0", "n": 1}]}).json()
    assert refused["failed"][0]["_id"] == "0"
    client.post(url, params={"existing": "replace"}, json={"records": [{"_id": "0", "shape": "flat"}]})
    record = client.get(f"{url}/0").json()
    assert record["shape"] == "flat"
    assert "color" not in record
    assert client.post(url, params={"existing": "destroy"}, json={"records": [{"_id": "0"}]}).status_code == 422
    client.patch(url, json={"records": [{"_id": "1", "$unset": ["color"]}]})
    assert "color" not in client.get(f"{url}/1").json()
    client.patch(url, params={"replace": True}, json={"records": [{"_id": "2", "only": 1}]})
    assert "n" not in client.get(f"{url}/2").json()


def test_urls_that_lead_inside_and_files_are_refused_one_by_one(client, shop):
    records = [
        {"_id": "inside", "_url": "http://169.254.169.254/latest/meta-data/"},
        {"_id": "path", "_url": "/etc/passwd"},
        {"_id": "file", "_file": "/etc/passwd"},
        {"_id": "fact", "_file": "/etc/passwd", "_sha256": "00", "_vectors": {"meaning": [1.0] * 256}},
    ]
    failed = client.post(f"{shop}/records", json={"records": records}).json()["failed"]
    assert {one["_id"]: one["code"] for one in failed} == {
        "inside": "url_refused",
        "path": "invalid_record",
        "file": "invalid_record",
        "fact": "invalid_record",
    }
    answer = client.post("/v1/compare", json={"a": "http://localhost:22/", "b": "http://10.0.0.1/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")


def test_what_was_deleted_to_be_kept_comes_back(client, shop):
    before = client.get(f"{shop}/records/1").json()
    gone = client.post(f"{shop}/records/delete", json={"ids": ["1", "nobody"], "keep": True}).json()
    assert gone["deleted"] == 1
    kept = client.get(f"{shop}/removed").json()["removals"]
    assert [(one["id"], one["records"], one["ids"]) for one in kept] == [(gone["removal"], 1, ["1"])]
    back = client.post(f"{shop}/removed/{gone['removal']}/back")
    assert back.json()["inserted"] == ["1"]
    assert client.get(f"{shop}/records/1").json() == before
    answer = client.post(f"{shop}/removed/{gone['removal']}/back")
    assert (answer.status_code, answer.json()["code"]) == (404, "entry_not_found")
    again = client.post(f"{shop}/records/delete", json={"where": {"color": "red"}, "keep": True}).json()
    assert again["deleted"] == 4
    assert client.delete(f"{shop}/removed/{again['removal']}").status_code == 204
    assert client.get(f"{shop}/removed").json() == {"removals": []}
    assert client.post(f"{shop}/records/delete", json={"ids": ["1"], "keep": True}).json() == {
        "deleted": 0,
        "removal": None,
    }


def test_delete_by_ids_and_by_filter(client, shop):
    assert client.post(f"{shop}/records/delete", json={"ids": ["0", "nobody"]}).json()["deleted"] == 1
    assert client.post(f"{shop}/records/delete", json={"where": {"n": {"$gte": 2}}}).json()["deleted"] == 2
    assert client.get(f"{shop}/removed").json() == {"removals": []}
    assert client.post(f"{shop}/records/delete", json={}).status_code == 422
    assert client.get(shop).json()["count"] == 2


def test_check_before_insert(client, shop, draw, save, tmp_path):
    there = {"image": encoded(draw(1), save, tmp_path / "again.jpg", 70)}
    first = client.post(f"{shop}/check", json=there).json()["matches"][0]
    assert (first["_id"], first["verdict"]) == ("1", "edited-copy")
    assert first["record"]["_id"] == "1"
    new = client.post(f"{shop}/check", json={"image": encoded(draw(70), save, tmp_path / "new.jpg")}).json()
    assert not [one for one in new["matches"] if one["verdict"] != "near-duplicate"]
    assert client.post(f"{shop}/check", json={"image": "AAAA"}).status_code == 422
    assert client.post(f"{shop}/check", json={**there, "k": 0}).status_code == 422


def test_duplicates_as_groups_without_those_decided(client, shop, space):
    (group,) = client.post(f"{shop}/duplicates", json={}).json()["groups"]
    assert group["members"] == ["2", "small"]
    assert group["pairs"][0]["probability"] > 0.5
    assert client.post(f"{shop}/duplicates", json={"apart": [["small", "2"]]}).json() == {"groups": []}
    space.catalog.decisions.add("different", ["2", "small"], collection="shop")
    assert client.post(f"{shop}/duplicates", json={}).json() == {"groups": []}
    assert client.post(f"{shop}/duplicates", json={"probability": 0}).status_code == 422


def test_erasing_gives_the_receipt(client, shop):
    receipt = client.post(f"{shop}/erase", json={"ids": ["0", "nobody"]}).json()
    assert list(receipt["erased"]) == ["0"]
    assert (receipt["missing"], receipt["found"]) == (["nobody"], [])
    assert client.get(f"{shop}/records/0").status_code == 404
    assert client.post(f"{shop}/erase", json={}).status_code == 422
