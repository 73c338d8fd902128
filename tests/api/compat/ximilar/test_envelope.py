"""The wire itself: headers, slashes, bodies, codes, and who may do what."""

from lookalike.catalog import Grant

KEY = "la_test_key"
BASE = "/similarity/photos/v2/"


def test_a_ping_is_a_post_of_nothing_or_a_get_and_never_a_redirect(stranger):
    headers = {"Authorization": f"Token {KEY}", "Content-Type": "application/json;charset=UTF-8"}
    for path in (f"{BASE}ping", f"{BASE}ping/", "/image_matching/v2/ping"):
        for method in ("POST", "GET"):
            answer = stranger.request(method, path, headers=headers)
            assert answer.status_code == 200
            body = answer.json()
            assert body["status"] == {"code": 200, "text": "OK"}
            assert isinstance(body["info"], str)
            assert body["statistics"]["OperationTime"] >= 0
            assert ("_service_info" in body) == ("matching" in path)
    assert stranger.get(f"{BASE}insert", headers=headers).status_code == 404
    assert stranger.post(f"{BASE}somethingElse", headers=headers).json()["status"]["code"] == 404


def test_strangers_hear_a_detail_and_nothing_else(stranger):
    for headers in ({}, {"Authorization": "Token wrong"}, {"Authorization": "JWT wrong"}):
        for path in (f"{BASE}ping", f"{BASE}insert", "/recognition/v2/task/", "/authorization/v2/authorize"):
            answer = stranger.post(path, headers=headers, content=b"{")
            assert (answer.status_code, list(answer.json())) == (401, ["detail"])
            assert "`Authorization: Token KEY`" in answer.json()["detail"]
            assert answer.headers["WWW-Authenticate"] == "Token"


def test_keys_of_seventy_characters_come_as_jwt(space, host, estates):
    from ximilar.client.search import SimilarityPhotosClient

    secret = "la_" + "x" * 80
    space.catalog.keys.create("long", Grant("write"), secret=secret)
    photos = SimilarityPhotosClient(secret, estates, endpoint=f"{host}similarity/photos/v2/")
    assert photos.headers["Authorization"].startswith("JWT ")
    assert photos.ping()["status"]["code"] == 200


def test_authorization_names_the_user(client):
    body = {"service": "photo-search", "call_type": "authenticate"}
    assert client.post("/authorization/v2/authorize", json=body).json()["user_id"] == "service"


def test_keys_do_what_they_may_and_writes_are_audited(space, stranger, client, estates, listed, key):
    client.post("/similarity/v2/collection/", json={"name": "other"})
    reader = {"Authorization": f"Token {key('read', collections=(estates,))}", "collection-id": estates}
    writer = {"Authorization": f"Token {key('write')}", "collection-id": estates}
    body = {"records": listed("a")}
    assert stranger.post(f"{BASE}insert", json=body, headers=reader).status_code == 403
    assert stranger.post(f"{BASE}insert", json=body, headers=writer).json()["status"]["code"] == 210
    assert stranger.post(f"{BASE}allRecords", headers=reader).json()["answer_count"] == 1
    elsewhere = stranger.post(f"{BASE}allRecords", headers=reader | {"collection-id": "other"})
    assert (elsewhere.status_code, list(elsewhere.json())) == (403, ["detail"])
    assert stranger.post("/similarity/v2/collection", json={"name": "x"}, headers=writer).status_code == 403
    assert [one["id"] for one in stranger.get("/similarity/v2/collection", headers=reader).json()["results"]] == [
        estates
    ]
    assert (
        stranger.post(f"{BASE}delete", json={"records": [{"_id": "a"}]}, headers=writer).json()["status"]["code"] == 220
    )
    actions = [(entry.action, entry.target, entry.count) for entry in space.catalog.audit.page().entries]
    assert {("records.add", estates, 1), ("records.delete", estates, 1)} <= set(actions)


def test_a_full_plan_is_code_412(stranger, estates, key, listed):
    from lookalike.catalog import Plan

    secret = key("write", plan=Plan(records=1))
    headers = {"Authorization": f"Token {secret}", "collection-id": estates}
    answer = stranger.post(f"{BASE}insert", json={"records": listed("a", "b")}, headers=headers)
    assert (answer.status_code, answer.json()["status"]["code"]) == (412, 412)


CASES = [
    ("visualKNN", b"{", 400),
    ("visualKNN", b"[1]", 400),
    ("visualKNN", b'{"query_record": {"_id": NaN}}', 400),
    ("visualKNN", b"{}", 400),
    ("visualKNN", b'{"query_record": {"_id": "none"}}', 404),
    ("visualKNN", b'{"query_record": {"_id": 7}}', 400),
    ("visualKNN", b'{"query_record": {"_url": "/etc/passwd"}}', 400),
    ("visualKNN", b'{"query_record": {"_base64": "AAAA"}}', 400),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "k": 0}', 400),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "k": "x"}', 400),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "k": "1"}', 200),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "k": 1000, "filter": {}}', 200),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "filter": {"x": {"$nope": 1}}}', 400),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "filter": [1]}', 400),
    ("visualKNN", b'{"query_record": {"_id": "a"}, "fields_to_return": 3}', 400),
    ("visualTagsKNN", b'{"query_record": {"_id": "a", "tags": "x"}}', 400),
    ("visualRange", b'{"query_record": {"_id": "a"}, "radius": -1}', 400),
    (
        "visualKNN",
        b'{"query_record": {"_id": "a"}, "filter": ' + b'{"$and": [' * 50 + b"{}" + b"]}" * 50 + b"}",
        400,
    ),
    (
        "visualKNN",
        b'{"query_record": {"_id": "a"}, "filter": ' + b'{"$and": [' * 400 + b"{}" + b"]}" * 400 + b"}",
        400,
    ),
    ("visualKNN", b"[" * 100_000, 400),
    ("visualKNN", b'{"query_record": {"_descriptor": [1, "x"]}}', 400),
    ("visualKNN", b'{"query_record": {"_descriptor": [1, 2]}}', 400),
    ("nearDuplicates", b'{"query_record": {"_text_data": "x"}}', 400),
    ("visualRankRecords", b'{"query_record": {"_id": "a"}, "records": []}', 200),
    ("visualRankRecords", b'{"query_record": {"_id": "a"}, "records": [3, {}]}', 200),
    ("insert", b'{"records": [{"_id": "x", "n": 1e999}]}', 400),
    ("insert", b'{"records": [{"_id": "\\ud800", "_base64": "\\ud800"}]}', 400),
    ("upsert", b'{"records": [{"_id": "a", "\\ud800": "\\ud800"}]}', 210),
    ("get", b'{"records": [{"_id": "\\ud800"}]}', 404),
    ("update", b'{"records": [{"_id": "a", "tags": 3}]}', 400),
    ("update", b'{"records": [{"_id": "a", "$x": 3}]}', 400),
    ("dominantcolor", b'{"records": [3]}', 400),
    ("dominantcolor", b'{"records": [], "colors": 33}', 400),
    ("rank_images", b'{"query_record": {}}', 400),
    ("descriptor", b'{"records": [], "collection": "none"}', 404),
    ("insert", b'{"records": {}}', 400),
    ("insert", b'{"records": [1, {"_id": [2]}]}', 400),
    ("insert", b'{"records": []}', 210),
    ("get", b'{"records": [{}]}', 400),
    ("random", b'{"count": -1}', 400),
    ("allRecords?size=x", b"", 400),
    ("allRecords?size=5&page=0", b"", 400),
    ("allRecords", b'{"output_file_name": "x", "records_to_answer": true, "delete_file_after": true}', 200),
]


def test_every_code_is_in_the_body_and_errors_are_no_ok(client, estates, listed):
    headers = {"collection-id": estates, "Content-Type": "text/plain"}
    client.post(f"{BASE}insert", json={"records": listed("a")}, headers=headers)
    for method, body, code in CASES:
        answer = client.post(BASE + method, content=body, headers=headers)
        assert answer.json()["status"]["code"] == code, (method, body, answer.text)
        assert answer.status_code == (200 if code < 300 else code)


def test_what_is_missing_is_said_to_be(client, estates):
    headers = {"collection-id": estates}
    for method, field in (("insert", "records"), ("text", "query_record"), ("visualKNN", "query_record")):
        assert client.post(BASE + method, json={}, headers=headers).json()["detail"].startswith(f"{field} is missing;")
    detail = client.post(f"{BASE}insert", content=b"{", headers=headers).json()["detail"]
    assert detail.startswith("the body is not readable; it must be a JSON object")


def test_the_collection_is_named_and_known(client):
    assert client.post(f"{BASE}allRecords").json()["status"]["code"] == 400
    assert "the header collection-id is missing" in client.post(f"{BASE}allRecords").json()["detail"]
    assert client.post(f"{BASE}allRecords", headers={"collection-id": "none"}).json()["status"]["code"] == 404


def test_nothing_of_a_picture_is_kept(space, call, coded):
    text = coded(3)
    call("insert", {"records": [{"_id": "a", "_base64": text, "noresize": True}]})
    (record,) = space.get("estates").records()
    assert "_base64" not in record.fields
    assert "noresize" not in record.fields
    assert text[:100] not in str(record.fields)
    assert call("get", {"records": [{"_id": "a"}], "fields_to_return": ["_width"]})["answer_records"] == [
        {"_id": "a", "_width": 320}
    ]


def test_collections_are_made_changed_and_dropped_over_rest(client):
    made = client.post("/similarity/v2/collection/", json={"name": "Our estates!", "type": "Product Photo"}).json()
    assert (made["id"], made["type"], made["product_id_field"], made["records_count"]) == (
        "Our-estates",
        "products",
        None,
        0,
    )
    path = f"/similarity/v2/collection/{made['id']}/"
    changed = client.patch(path, json={"product_id_field": "_sku", "fields_to_index": "color, _size"}).json()
    assert (changed["product_id_field"], changed["fields_to_index"]) == ("_sku", ["color", "_size"])
    assert client.get(path).json() == changed
    assert client.post("/similarity/v2/collection", json={"name": "Our estates"}).status_code == 409
    assert client.post("/similarity/v2/collection", json={"name": "x", "type": "y"}).status_code == 400
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_every_filter_means_the_same_whether_the_collection_folds_case_or_not(client, call, coded):
    colors = ["Red", "red", "BLUE", None, ["Red", "green"], 3]
    kept = [{"_id": str(at), "_base64": coded(0), "c": color, "_n": at} for at, color in enumerate(colors)]
    call("insert", {"records": kept})
    filters = {
        '{"c": "RED"}': "014",
        '{"c": {"$eq": "red"}}': "014",
        '{"c": {"$ne": "red"}}': "235",
        '{"c": {"$in": ["blue", 3]}}': "25",
        '{"c": {"$nin": ["blue", "red"]}}': "35",
        '{"c": {"$all": ["RED", "GREEN"]}}': "4",
        '{"c": {"$not": {"$in": ["red"]}}}': "235",
        '{"c": {"$in": ["red"], "$exists": true}, "_n": {"$gt": 0}}': "14",
        '{"$or": [{"c": "blue"}, {"$nor": [{"_n": {"$lt": 5}}]}]}': "25",
        '{"c": "re\\\\E"}': "",
        '{"_id": {"$in": ["1", "2"]}, "c": {"$regex": "^r"}}': "1",
        '{"c": null}': "3",
    }
    for fold in (True, False):
        client.patch("/v1/collections/estates", json={"ignore_case": fold})
        for text, expected in filters.items():
            answer = client.post(
                f"{BASE}allRecords", content=f'{{"filter": {text}}}', headers={"collection-id": "estates"}
            ).json()
            assert sorted(one["_id"] for one in answer["answer_records"]) == list(expected), (fold, text)


def test_deleting_keeps_its_slash(client):
    made = client.post("/similarity/training/v2/task", json={"name": "t"}).json()
    answer = client.delete(f"/similarity/training/v2/task/{made['id']}/")
    assert (answer.status_code, answer.content) == (204, b"")
