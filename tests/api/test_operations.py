"""Running the service: health, figures, logs without secrets, the audit log, and settings that are shown masked."""

import io
import json
import logging
import os
import re

import pytest

from lookalike.api.journal import write_logs
from lookalike.counting import Counts, model_queue
from lookalike.settings import Settings


@pytest.fixture(params=["text", "json"])
def form(request):
    """The form of the log."""
    return request.param


@pytest.fixture
def logs(form):
    """Return logs(): all that was logged, as it would stand on stderr."""
    loggers = [logging.getLogger(name) for name in ("lookalike", "uvicorn", "uvicorn.error")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    loggers[-1].setLevel(logging.NOTSET)  # a server of an earlier test may have silenced it
    stream = io.StringIO()
    write_logs(form, stream)
    yield stream.getvalue
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_no_log_has_a_secret_or_a_query_string(service, app, key, shapes, records, space, logs):
    shapes()
    secret, password = key("write"), "correct horse battery"
    service(secret).post("/v1/collections/c/records", json=records("1"))
    service(secret).get("/v1/collections/c/records?after=PRIVATE&limit=x")
    service("la_WRONGSECRET").get("/v1/collections?token=PRIVATE")
    service().post("/v1/users", json={"name": "ann", "password": password})
    made = service().post("/v1/keys", json={"name": "k"}).json()["secret"]
    service(None).post("/signin", data={"name": "ann", "password": password})
    service(None).get(f"/?key={secret}")
    service(None).get(f"/signin?next=/compare?PRIVATE&key={secret}")

    @app.get("/v1/broken")
    def broken():
        raise RuntimeError(f"https://x.example/?token=PRIVATE {secret}")

    assert service(secret).get("/v1/broken?q=PRIVATE").status_code == 500
    logging.getLogger("uvicorn.error").warning("the server speaks")
    said = logs()
    assert "the server speaks" in said
    assert "RuntimeError" in said
    assert "test_operations.py" in said, "where it broke is logged"
    assert said.count("/v1/collections") >= 3
    for private in (secret, made, password, "PRIVATE", "WRONGSECRET", "?"):
        assert private not in said, f"{private} is in the log"
    for private in (secret, made, password, "PRIVATE"):
        assert private not in repr(space.catalog.audit.page())


def test_a_line_of_json_for_each_request(service, key, space, form, logs):
    answer = service(key()).get("/v1/collections", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"
    last = logs().splitlines()[-1]
    [row] = space.catalog.keys.list()
    if form == "json":
        entry = json.loads(last)
        wanted = {"request_id": "mine-1", "method": "GET", "route": "/v1/collections", "status": 200, "who": row.id}
        assert wanted.items() <= entry.items()
        assert entry["ms"] >= 0
    else:
        assert re.search(rf"200 GET '/v1/collections' [\d.]+ ms {row.id} mine-1$", last)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", "a\tb"])
def test_a_strange_request_id_is_replaced(service, given):
    headers = [(b"x-request-id", given.encode("latin-1"))]
    answer = service().get("/v1/collections", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_lines_can_not_be_forged(service, logs):
    service().get("/v1/collections/a%0a12:00:00%20200%20GET")
    assert len([line for line in logs().splitlines() if "12:00:00 200" in line]) == 1


def test_what_breaks_is_a_problem_with_its_request_id(service, app, problem):
    @app.get("/v1/broken")
    def broken():
        raise ValueError("internal")

    answer = service().get("/v1/broken", headers={"X-Request-Id": "abc"})
    body = problem(answer, 500, "internal_error")
    assert body["request_id"] == answer.headers["X-Request-Id"] == "abc"
    assert "internal" not in body["detail"]


def test_not_ready_while_it_ends(service, app):
    assert service(None).get("/readyz").json() == {"status": "ready"}
    app.state.readiness.stopping = True
    answer = service(None).get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "stopping")
    assert service(None).get("/healthz").status_code == 200
    assert service().get("/v1/collections").status_code == 200, "what comes until then is answered"


def test_not_ready_if_nothing_can_be_written(service, space, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    answer = service(None).get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the workspace can't be written")


def test_not_ready_without_a_catalog(service, space, monkeypatch):
    from lookalike.errors import CatalogFailed

    def away():
        raise CatalogFailed("there", "gone")

    monkeypatch.setattr(space, "list", away)
    assert service(None).get("/readyz").json()["reason"] == "the catalog can't be read"


def test_figures_for_prometheus(service, shapes, records, space):
    shapes()
    admin = service()
    admin.post("/v1/collections/c/records", json=records("1", "2"))
    admin.get("/v1/collections/none")
    space.catalog.jobs.add("import", {})
    text = admin.get("/metrics").text
    route = 'method="POST",route="/v1/collections/{name}/records",status="200"'
    assert f"lookalike_request_seconds_count{{{route}}} 1.0" in text
    assert 'route="/v1/collections/{name}",status="404"' in text
    assert 'lookalike_records{collection="c"} 2.0' in text
    assert 'lookalike_jobs{state="queued"} 1.0' in text
    assert float(re.search(r"^lookalike_workspace_bytes (\S+)$", text, re.MULTILINE)[1]) > 4096
    assert "lookalike_model_batch_size_bucket" in text
    assert "# TYPE lookalike_fetches_total counter" in text
    assert "lookalike_model_queue 0.0" in text


@pytest.mark.skipif(not hasattr(os.stat_result, "st_blocks"), reason="blocks are counted on POSIX")
def test_holes_in_files_take_no_room(service, space):
    with (space.path / "sparse").open("wb") as file:
        file.truncate(10 * 2**30)
    said = re.search(r"^lookalike_workspace_bytes (\S+)$", service().get("/metrics").text, re.MULTILINE)[1]
    assert 0 < float(said) < 2**30


def test_pictures_that_wait_for_the_model_are_a_figure(service):
    model_queue.change(3)
    try:
        assert "lookalike_model_queue 3.0" in service().get("/metrics").text
    finally:
        model_queue.change(-3)


def test_figures_need_a_key_and_paths_make_no_series(service, key, problem):
    problem(service(None).get("/metrics"), 401, "access_denied")
    for number in range(5):
        service().get(f"/v1/nothing-{number}")
        service().request("STRANGE", "/v1/collections")
    text = service(key()).get("/metrics").text
    assert "nothing-" not in text
    assert "STRANGE" not in text


def test_counts_are_kept():
    counts = Counts()
    for what in ("a", "b", "a"):
        counts.add(what)
    assert counts.now() == {"a": 2, "b": 1}


def test_writes_are_in_the_audit_log_with_who_and_how_many(service, key, shapes, records, space):
    shapes()
    [(secret, id_)] = [(key("write"), space.catalog.keys.list()[0].id)]
    mine = service(secret)
    mine.post("/v1/collections/c/records", json=records("1", "2", "3"))
    mine.patch("/v1/collections/c/records", json={"records": [{"_id": "1", "n": 1}]})
    mine.get("/v1/collections/c/records?after=1")
    mine.post("/v1/collections/c/search", json={"vector": [1, 2, 3]})
    mine.delete("/v1/collections/c/records/none")
    mine.delete("/v1/collections/c/records/1")
    mine.post("/v1/collections/c/records/delete", json={"ids": ["2", "3", "4"]})
    service().delete("/v1/collections/c")
    entries = service().get("/v1/audit").json()["entries"]
    assert [(one["action"], one["who"], one["target"], one["count"]) for one in entries[:-1]] == [
        ("collection.drop", "service", "c", None),
        ("records.delete", id_, "c", 2),
        ("records.delete", id_, "c", 1),
        ("records.update", id_, "c", 1),
        ("records.add", id_, "c", 3),
    ]
    assert entries[-1]["action"] == "key.create"


def test_the_audit_log_comes_in_pages(service, shapes):
    shapes()
    for _ in range(5):
        service().patch("/v1/collections/c", json={"ignore_case": True})
    first = service().get("/v1/audit?limit=3").json()
    rest = service().get(f"/v1/audit?limit=3&before={first['next']}").json()
    assert [len(first["entries"]), len(rest["entries"]), rest["next"]] == [3, 2, None]
    assert service().get("/v1/audit?who=nobody").json()["entries"] == []


def test_settings_say_where_they_are_from_and_no_secrets(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('port = 9000\nkey = "la_from_the_file_000"\nsignup = true\n')
    environment = {
        "LOOKALIKE_CONFIG": str(config),
        "LOOKALIKE_CATALOG": "postgresql://u:hunter2@h/d",
        "LOOKALIKE_LOG_FORMAT": "json",
    }
    shown = {name: (value, source) for name, value, source in Settings.load(environment).shown(environment)}
    assert shown["port"] == ("9000", str(config))
    assert shown["log_format"] == ("json", "LOOKALIKE_LOG_FORMAT")
    assert shown["signup"] == ("True", str(config))
    assert shown["host"] == ("localhost", "default")
    assert shown["cluster_key"] == ("", "default")
    assert shown["key"] == ("(set, not shown)", str(config))
    assert "hunter2" not in repr(shown)
    assert "hunter2" not in repr(Settings.load(environment))
