"""Settings of collections over HTTP."""


def test_a_collection_is_made_with_settings_and_changed(client):
    made = client.post(
        "/v1/collections", json={"name": "estates", "product_id": "estate_id", "index": ["category"], "auto_tags": 2}
    )
    assert made.status_code == 201
    assert made.json()["settings"]["index"] == ["category"]
    assert made.json()["settings"]["weights"] == {"meaning": 1.0}
    changed = client.patch("/v1/collections/estates", json={"product_id": None, "weights": {"copy": 2}})
    assert changed.status_code == 200
    assert changed.json()["product_id"] is None
    assert client.get("/v1/collections/estates").json()["settings"]["weights"] == {"copy": 2.0}
    assert client.get("/v1/collections/estates").json()["settings"]["auto_tags"] == 2


def test_settings_without_sense_are_problems_with_their_codes(client):
    client.post("/v1/collections", json={"name": "a"})
    for body, code in (
        ({"describers": ["copy"]}, "setting_fixed"),
        ({"weights": {"smell": 1}}, "invalid_argument"),
        ({"index": None}, "invalid_argument"),
        ({"colour": 1}, "invalid_request"),
    ):
        refused = client.patch("/v1/collections/a", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert client.patch("/v1/collections/none", json={}).status_code == 404
    assert client.post("/v1/collections", json={"name": "b", "entities": {"shape": 3}}).status_code == 422
