"""Searching over HTTP: the members of a request are the fields of a Query, and the answers those of Python."""

import base64
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import lookalike
from lookalike.api.app import Access, create_app
from lookalike.search import Query
from lookalike.wire.searching import ExampleBody, Question, RankRequest, SearchRequest

URL = "/v1/collections/c"


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with lookalike.open(tmp_path_factory.mktemp("space")) as space:
        yield space


@pytest.fixture(scope="module")
def client(space):
    with TestClient(
        create_app(space, Access("key")), "http://localhost", headers={"Authorization": "Bearer key"}
    ) as it:
        yield it


@pytest.fixture(scope="module")
def collection(space, draw):
    """Eight drawn pictures; tests leave them as they are."""
    made = space.create("c", product_id="p")
    made.add(
        [
            {"_id": str(n), "_image": draw(n), "p": n // 2, "even": n % 2 == 0, "tags": ["a", "b"][: n % 3]}
            for n in range(8)
        ]
    )
    return made


@pytest.fixture
def text(draw):
    """Return text(seed) -> base64 of a drawn picture."""

    def encode(seed):
        buffer = io.BytesIO()
        Image.fromarray(draw(seed)).save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue()).decode()

    return encode


def ask(client, path, **body):
    response = client.post(f"{URL}/{path}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def is_problem(response, status, code, word):
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.json()["code"] == code
    assert word in response.json()["detail"]


def test_the_language_is_one():
    fields = list(Query.__dataclass_fields__)
    assert sorted(SearchRequest.model_fields) == sorted([*fields, "trial", "visitor"])
    assert set(RankRequest.model_fields) - {"records"} < set(fields)
    assert set(ExampleBody.model_fields) == {"image", "id", "vector", "text", "colors", "weight", "box"}
    assert set(Question.model_fields) < set(fields)
    defaults = {
        name: field.get_default(call_default_factory=True) for name, field in SearchRequest.model_fields.items()
    }
    asked = Query(id="x")
    assert all(defaults[name] == getattr(asked, name) for name in fields if name not in ("id", "like"))


@pytest.mark.parametrize(
    "question",
    [
        {"id": "3"},
        {"id": "3", "by": "copy", "k": 2, "where": {"even": True}},
        {"id": "3", "weights": {"meaning": 0.7, "color": 0.2, "tags": 0.1}, "exact": True},
        {"like": [{"id": "1"}, {"id": "2", "weight": -0.5}]},
        {"colors": ["#336699", {"hex": "#ffffff", "weight": 2}]},
        {"tags": ["a"], "id": "1"},
        {"vector": {"copy": [1.0] * 128}, "by": "copy"},
        {"id": "3", "min_score": 0.1, "k": None},
        {"id": "3", "distinct": True},
        {"id": "3", "group_by": "even"},
    ],
    ids=str,
)
def test_the_same_answers_as_python(client, collection, question):
    found = collection.search(**question)
    answer = ask(client, "search", **question)
    assert [(match["_id"], match["score"]) for match in answer["matches"]] == [(one.id, one.score) for one in found]
    assert answer["weights"] == pytest.approx(dict(found.shares), abs=1e-6)
    assert (answer["next"], answer["total"]) == (found.next, found.total)


def test_pictures_boxes_and_their_model(client, collection, text):
    answer = ask(client, "search", image=text(3), k=1)
    assert (answer["matches"][0]["_id"], answer["matches"][0]["score"]) == ("3", 1.0)
    assert (answer["by"], answer["model"]) == ("meaning", collection.info.signatures["meaning"])
    assert answer["unknown_words"] == []
    boxed = ask(client, "search", image=text(3), box=[0, 0, 320, 240], k=1)
    assert boxed["matches"] == answer["matches"]
    liked = ask(client, "search", like=[{"image": f"data:image/png;base64,{text(3)}", "box": [0, 0, 1, 1]}], k=1)
    assert liked["matches"] == answer["matches"]


def test_groups_have_their_size_and_members(client, collection):
    answer = ask(client, "search", id="0", group=True, group_size=2)
    match = next(one for one in answer["matches"] if one["p"] == 3)
    assert (match["_group"]["value"], match["_group"]["size"]) == (3, 2)
    assert {member["_id"] for member in match["_group"]["members"]} == {"6", "7"}
    assert match["_group"]["members"][0]["_id"] == match["_id"]
    assert "members" not in ask(client, "search", id="0", group_by="p")["matches"][0]["_group"]


def test_copies_are_counted(client, space, draw):
    pictures = {"0": draw(0), "3": draw(3), "3 again": draw(3), "3 cut": draw(3)[2:, 2:], "5": draw(5)}
    space.create("copies").add([{"_id": id_, "_image": pixels} for id_, pixels in pictures.items()])
    body = {"id": "0", "k": 20, "distinct": True}
    found = client.post("/v1/collections/copies/search", json=body).json()["matches"]
    assert sorted(one["_id"][0] for one in found) == ["3", "5"]
    assert {one["_id"][0]: one.get("_copies", 0) for one in found} == {"3": 2, "5": 0}


def test_pages_go_on(client, collection):
    first = ask(client, "search", id="0", k=3)
    rest = ask(client, "search", id="0", k=10, after=first["next"])
    assert len({one["_id"] for one in [*first["matches"], *rest["matches"]]}) == rest["total"] == 7
    assert rest["next"] is None


def test_rank(client, collection, text):
    records = ["1", "nobody", {"_id": "new", "_base64": text(3)}, {"_id": "disk", "_file": "/etc/passwd"}]
    answer = ask(client, "rank", image=text(3), records=[*records, {"_id": "junk", "_base64": "AAAA"}, {"_base64": 1}])
    assert [one["_id"] for one in answer["matches"]] == ["new", "1"]
    assert {one["_id"]: one["code"] for one in answer["failed"]} == {
        "disk": "invalid_record", "junk": "image_unreadable", "without _id": "invalid_record",
        "nobody": "record_not_found",
    }  # fmt: skip
    assert ask(client, "rank", id="1", records=["2", "3"], k=1)["total"] == 1


def test_count_facets_sample_and_scroll(client, collection):
    assert ask(client, "count", even=True) == {"count": 4}
    assert client.post(f"{URL}/count").json() == {"count": 8}
    facets = ask(client, "facets", fields=["tags", "even"], where={"p": {"$lt": 2}}, limit=1)
    assert facets == {"tags": [{"value": "a", "count": 2}], "even": [{"value": False, "count": 2}]}
    sample = ask(client, "sample", size=3, seed=4)["records"]
    assert sample == ask(client, "sample", size=3, seed=4)["records"]
    assert len({record["_id"] for record in sample}) == 3
    page = ask(client, "scroll", where={"even": True}, limit=3)
    rest = ask(client, "scroll", where={"even": True}, limit=3, after=page["next"])
    assert {record["_id"] for record in [*page["records"], *rest["records"]]} == {"0", "2", "4", "6"}
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "word"),
    [
        ("search", {}, 422, "invalid_argument", "colors"),
        ("search", {"id": "1", "k": 0}, 422, "invalid_argument", "10,000"),
        ("search", {"id": "1", "k": 1_000_000}, 422, "invalid_argument", "10,000"),
        ("search", {"id": "1", "where": {"a": {"$near": 1}}}, 422, "invalid_filter", "$near"),
        ("search", {"id": "1", "where": "nonsense"}, 422, "invalid_request", "where"),
        ("search", {"vector": [1, 2]}, 422, "shape_mismatch", "256"),
        ("search", {"id": "1", "by": "smell"}, 422, "unknown_vector", "smell"),
        ("search", {"id": "1", "weights": {"smell": 1}}, 422, "unknown_vector", "smell"),
        ("search", {"id": "1", "box": [0, 0, 1, 1]}, 422, "invalid_argument", "box"),
        ("search", {"colors": ["red-ish"]}, 422, "invalid_argument", "red-ish"),
        ("search", {"id": "1", "after": "nonsense"}, 422, "invalid_argument", "after"),
        ("search", {"id": "1", "kk": 3}, 422, "invalid_request", "kk"),
        ("search", {"id": "nobody"}, 404, "record_not_found", "nobody"),
        ("search", {"image": "AAAA"}, 422, "image_unreadable", "image"),
        ("search", {"image": "/etc/passwd"}, 422, "image_unreadable", "image"),
        ("search", {"like": [{"image": "/etc/passwd"}]}, 422, "image_unreadable", "like[0]"),
        ("rank", {"id": "1", "records": []}, 422, "invalid_request", "records"),
        ("rank", {"id": "1", "records": ["1"], "where": {}}, 422, "invalid_request", "where"),
        ("facets", {"fields": []}, 422, "invalid_request", "fields"),
        ("facets", {"fields": ["a"], "limit": 0}, 422, "invalid_argument", "limit"),
        ("sample", {"size": 0}, 422, "invalid_argument", "size"),
        ("scroll", {"limit": 0}, 422, "invalid_argument", "limit"),
        ("scroll", {"after": "nonsense"}, 422, "invalid_argument", "after"),
    ],
)
def test_bad_requests_are_problems(client, collection, path, body, status, code, word):
    is_problem(client.post(f"{URL}/{path}", json=body), status, code, word)


def test_a_box_outside_the_picture(client, collection, text):
    body = {"image": text(1), "box": [0, 0, 9999, 10]}
    is_problem(client.post(f"{URL}/search", json=body), 422, "invalid_argument", "320 x 240")


def test_a_dropped_collection(client, space, monkeypatch):
    held = space.create("gone")
    space.drop("gone")
    url = "/v1/collections/gone/search"
    is_problem(client.post(url, json={"id": "1"}), 404, "collection_not_found", "'gone'")
    monkeypatch.setattr(space, "get", lambda name: held)
    is_problem(client.post(url, json={"id": "1"}), 410, "collection_closed", "'gone'")


def test_the_documentation_has_examples(client):
    document = client.get("/openapi.json").json()
    for name in ("search", "rank", "facets", "sample", "scroll", "count"):
        assert "post" in document["paths"][f"/v1/collections/{{name}}/{name}"]
    assert len(document["components"]["schemas"]["SearchRequest"]["examples"]) == 4
    for example in document["components"]["schemas"]["SearchRequest"]["examples"]:
        SearchRequest(**example)
