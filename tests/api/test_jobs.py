"""Long work over HTTP: begun, watched, canceled, fetched; and feeds."""

import gzip
import json
import time

import pytest

from lookalike.catalog import Plan
from lookalike.jobfiles import job_folder
from lookalike.work import Background

WAIT = 30


@pytest.fixture
def background(space):
    with Background(space, scheduled=False) as background:
        yield background


@pytest.fixture
def over(background):
    """Return over(client, answer): the job that an answer speaks of, once it is over."""

    def wait(client, answer):
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
        background.runner.wait(answer.json()["id"], WAIT)
        return client.get(answer.headers["Location"]).json()

    return wait


def lines(*records):
    return "\n".join(json.dumps(record) for record in records).encode()


def row(id_, **more):
    return {"_id": id_, "_vector": [1, 2, int(id_) if id_.isdigit() else 0], **more}


def test_a_file_is_imported_with_what_failed_listed(service, shapes, space, over):
    shapes()
    body = lines(row("1", n=1), {"_id": "2"}, row("3"), row("1"), {"_id": "4", "_file": "/etc/passwd"}) + b"\n{oops\n"
    headers = {"Content-Type": "application/x-ndjson"}
    job = over(service(), service().post("/v1/collections/c/import", content=body, headers=headers))
    assert (job["state"], job["done"], job["total"], job["failed"]) == ("done", 6, 6, 4)
    assert job["result"] == {"inserted": 2, "updated": 0, "skipped": 0, "failed": 4}
    first = service().get(f"/v1/jobs/{job['id']}/errors?limit=3").json()
    rest = service().get(f"/v1/jobs/{job['id']}/errors?limit=3&after={first['next']}").json()
    errors = [*first["errors"], *rest["errors"]]
    assert (len(first["errors"]), rest["next"]) == (3, None)
    assert sorted(error["_id"].split(" (")[0] for error in errors) == ["line 2", "line 4", "line 5", "line 6"]
    assert all(error["reason"] and error["code"] for error in errors)
    assert service().get("/v1/collections/c/records/1").json()["n"] == 1
    assert list(job_folder(space.path).iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'[{"_id": "1", "_vector": [1, 2, 3], "color": "red"}]'),
        ("text/csv", b"_id,_vector,color\n1,1;2;3,red\n"),
    ],
)
def test_formats_are_told_by_the_content_type(service, shapes, over, kind, body):
    shapes()
    url = "/v1/collections/c/import?batch=monday&rename=color%3Dhue"
    job = over(service(), service().post(url, content=body, headers={"Content-Type": kind}))
    assert job["result"]["inserted"] == 1
    assert {"hue": "red", "_batch": "monday"}.items() <= service().get("/v1/collections/c/records/1").json().items()


def test_a_zipped_file_and_a_format_in_the_url(service, shapes, over):
    shapes()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    url = "/v1/collections/c/import?format=jsonl"
    job = over(service(), service().post(url, content=gzip.compress(lines(row("1"))), headers=headers))
    assert job["result"]["inserted"] == 1


def test_imports_without_sense_are_refused_at_once(service, shapes, problem, space):
    shapes()
    problem(service().post("/v1/collections/none/import?format=csv", content=b"x"), 404, "collection_not_found")
    problem(service().post("/v1/collections/c/import", content=b"x"), 422, "invalid_argument")
    problem(service().post("/v1/collections/c/import?format=xml", content=b"x"), 422, "invalid_request")
    problem(service().post("/v1/collections/c/import?format=csv&rename=a", content=b"x"), 422, "invalid_argument")
    assert space.catalog.jobs.page() == []


def test_a_file_over_the_limit_is_not_kept(space, shapes, problem):
    from dataclasses import replace

    from fastapi.testclient import TestClient

    from lookalike.api.app import Access, create_app

    shapes()
    space.settings = replace(space.settings, import_bytes=1000)
    client = TestClient(create_app(space, Access("k")), "http://localhost", headers={"Authorization": "Bearer k"})
    body = (b"x" * 100 for _ in range(20))
    problem(client.post("/v1/collections/c/import?format=csv", content=body), 413, "body_too_large")
    assert list(job_folder(space.path).iterdir()) == []
    assert space.catalog.jobs.page() == []


def test_a_damaged_file_fails_the_job_with_a_reason(service, shapes, over):
    shapes()
    answer = service().post("/v1/collections/c/import?format=json", content=b'[{"_id": "1", "_vector": [1,2,3]}, {"_id')
    job = over(service(), answer)
    assert (job["state"], job["error_code"]) == ("failed", "import_unreadable")


def test_an_import_stops_at_what_the_plan_allows(service, key, shapes, over):
    shapes()
    mine = service(key("write", plan=Plan(records=2)))
    job = over(
        mine, mine.post("/v1/collections/c/import?format=jsonl", content=lines(*(row(str(n)) for n in range(3))))
    )
    assert (job["state"], job["error_code"]) == ("failed", "plan_exceeded")
    assert "3 records" in job["error"]
    again = mine.post("/v1/collections/c/import?format=jsonl", content=lines(row("1"), row("2")))
    assert over(mine, again)["result"]["inserted"] == 2


def test_an_export_is_fetched_and_goes_with_its_job(service, shapes, records, over, space, problem):
    shapes("a"), shapes("b")
    service().post("/v1/collections/a/records", json=records("1", "2", "3"))
    asked = {"where": {"_id": {"$ne": "2"}}, "vectors": True}
    problem(service().post("/v1/collections/a/export", json={"where": {"$near": 1}}), 422, "invalid_filter")
    job = over(service(), service().post("/v1/collections/a/export", json={**asked, "where": None}))
    assert (job["state"], job["result"]["records"]) == ("done", 3)
    file = service().get(f"/v1/jobs/{job['id']}/file")
    assert "a.jsonl" in file.headers["content-disposition"]
    back = over(service(), service().post("/v1/collections/b/import?format=jsonl", content=file.content))
    assert back["result"]["inserted"] == 3
    a, b = (space.store_of(name).get(["1"], with_vectors=True)[0].vectors["shape"] for name in "ab")
    assert a.tobytes() == b.tobytes()
    assert service().delete(f"/v1/jobs/{job['id']}").status_code == 204
    problem(service().get(f"/v1/jobs/{job['id']}/file"), 404, "entry_not_found")
    assert list(job_folder(space.path).iterdir()) == []


def test_a_backup_lands_in_the_folder_of_backups(service, shapes, records, over, space, problem):
    from lookalike.snapshots import read_manifest

    shapes()
    service().post("/v1/collections/c/records", json=records("1", "2"))
    job = over(service(), service().post("/v1/backup", json={"name": "friday.zip"}))
    assert (job["state"], job["result"]["records"], job["done"]) == ("done", {"c": 2}, 2)
    assert read_manifest(space.path / "backups" / "friday.zip")
    problem(service().post("/v1/backup", json={"name": "friday.zip"}), 409, "would_overwrite")
    for name in ("../x", "/x", ".x", "a/b", "a\nb", "a\n"):
        problem(service().post("/v1/backup", json={"name": name}), 422, "invalid_request")


def test_a_change_of_model_is_a_job(service, space, over, draw, problem):
    space.create("pictures").add([{"_id": "1", "_image": draw(1)}])
    problem(service().post("/v1/collections/pictures/redescribe", json={"model": "none"}), 404, "unknown_model")
    job = over(service(), service().post("/v1/collections/pictures/redescribe", json={"model": "lookalike-mini"}))
    assert job["state"] in ("done", "failed"), job
    assert job["error_code"] in ("", "invalid_argument"), "the same model again may be refused, with its reason"


def test_a_job_is_canceled_and_forgotten(service, shapes, space, background, problem):
    shapes()
    waiting = space.catalog.jobs.add("nobody-does-this", {}, who="service")
    assert service().delete(f"/v1/jobs/{waiting.id}").json()["state"] == "canceled"
    assert service().delete(f"/v1/jobs/{waiting.id}").status_code == 204
    problem(service().get(f"/v1/jobs/{waiting.id}"), 404, "entry_not_found")


def test_a_running_import_is_canceled_and_keeps_what_it_did(service, shapes, space, background, monkeypatch):
    import lookalike.work as work

    shapes()
    slow = work._until_stopped

    def slower(records, task):
        for record in slow(records, task):
            time.sleep(0.002)
            yield record

    monkeypatch.setattr(work, "_until_stopped", slower)
    body = lines(*(row(str(n)) for n in range(5000)))
    id_ = service().post("/v1/collections/c/import?format=jsonl", content=body).json()["id"]
    deadline = time.monotonic() + WAIT
    while len(space.get("c")) < 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    service().delete(f"/v1/jobs/{id_}")
    job = background.runner.wait(id_, WAIT)
    assert job.state == "canceled"
    assert 0 < job.result["inserted"] == job.done == len(space.get("c")) < 5000


def test_ones_own_jobs_are_found_behind_many_of_others(service, key, space):
    mine = service(key("write"))
    [me] = [one.id for one in space.catalog.keys.list()]
    own = [space.catalog.jobs.add("nobody-does-this", {}, who=me).id for _ in range(3)]
    for _ in range(110):
        space.catalog.jobs.add("nobody-does-this", {}, who="key_other")
    first = [job["id"] for job in mine.get("/v1/jobs?limit=2").json()]
    rest = [job["id"] for job in mine.get(f"/v1/jobs?limit=2&before={first[-1]}").json()]
    assert [*first, *rest] == own[::-1]
    assert len(service().get("/v1/jobs?limit=105").json()) == 105


def test_jobs_of_others_are_not_seen(service, key, shapes, space, problem):
    shapes()
    theirs = space.catalog.jobs.add("import", {}, collection="c", who="key_other")
    mine = service(key("write"))
    assert mine.get("/v1/jobs").json() == []
    problem(mine.get(f"/v1/jobs/{theirs.id}"), 404, "entry_not_found")
    problem(mine.delete(f"/v1/jobs/{theirs.id}"), 404, "entry_not_found")
    assert [job["id"] for job in service().get("/v1/jobs").json()] == [theirs.id]
    of_others = service(key("admin", collections=["other"]))
    assert of_others.get("/v1/jobs").json() == []
    problem(mine.get(f"/v1/jobs/{theirs.id}/file"), 404, "entry_not_found")
    assert service().get(f"/v1/jobs/{theirs.id}/file").status_code == 409


def test_feeds_over_http_are_urls_and_keep_their_secrets(service, key, shapes, space, problem):
    shapes("a"), shapes("b")
    body = {"url": "https://shop.example/all.jsonl?token=SECRET", "every": 3600, "remove": True}
    made = service().post("/v1/collections/a/feeds", json=body)
    assert made.status_code == 201
    assert made.json()["source"] == "https://shop.example/all.jsonl"
    id_ = made.json()["id"]
    assert space.catalog.feeds.find(id_).source.endswith("?token=SECRET")
    started = service().post(f"/v1/feeds/{id_}/run")
    assert (started.status_code, started.json()["kind"], started.json()["collection"]) == (202, "sync", "a")
    for wrong in ("/etc/passwd", "file:///etc/passwd", "https://shop.example/all.xml", ""):
        problem(service().post("/v1/collections/a/feeds", json={"url": wrong}), 422, "invalid_argument")
    problem(service().post("/v1/collections/a/feeds", json={**body, "every": 1}), 422, "invalid_argument")
    others = service(key("write", collections=["b"]))
    assert others.get("/v1/feeds").json() == []
    problem(others.post(f"/v1/feeds/{id_}/run"), 404, "entry_not_found")
    problem(others.delete(f"/v1/feeds/{id_}"), 404, "entry_not_found")
    problem(others.post("/v1/collections/a/feeds", json=body), 403, "not_permitted")
    assert service().delete(f"/v1/feeds/{id_}").status_code == 204
    assert service().get("/v1/feeds").json() == []
