"""Jobs, models, keys, usage and health: what is shown, to whom, and what can be done there."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import lookalike
from lookalike.catalog import PLANS, Grant
from lookalike.catalog.jobs import Progress
from lookalike.describers import cards
from lookalike.pages import models as models_page
from lookalike.records import Failure
from lookalike.work import Background

WAIT = 60
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace whose jobs nobody does."""
    with lookalike.open(tmp_path_factory.mktemp("home") / "workspace") as space:
        space.create("shop")
        space.create("other")
        yield space


@pytest.fixture(scope="module")
def address(home, serving):
    with serving(home) as address:
        yield address


@pytest.fixture
def jobs(home):
    """The jobs of the catalog; at the end there is none."""
    yield home.catalog.jobs
    for job in home.catalog.jobs.page():
        home.catalog.jobs.cancel(job.id)
        home.catalog.jobs.finish(job.id, "tests", None, "canceled")
        home.catalog.jobs.remove(job.id)


def running(jobs, failures=(), kind="import", who=""):
    """A job that is under way, with so many failures."""
    job = jobs.add(kind, {}, collection="shop", who=who)
    claimed = jobs.claim("tests", [kind])
    assert claimed.id == job.id
    jobs.beat(job.id, "tests", Progress(3000, 4000, len(failures), {"inserted": 2000}, None, failures))
    return job


def test_a_job_shows_how_far_it_is_and_pages_what_failed(jobs, visitor, links):
    job = running(jobs, [Failure(f"line {n} {HOSTILE}", "invalid_record", f"reason {n}") for n in range(120)])
    page = visitor.get(f"/jobs/{job.id}")
    assert "3,000 of 4,000 records" in page.text
    assert "120 failed" in page.text
    assert HOSTILE not in page.text
    assert page.text.count("reason ") == 50
    more = visitor.get(links(page, "after=")[0])
    assert "reason 50<" in more.text
    assert "3,000 of 4,000 records" in visitor.get("/jobs").text


def test_a_job_is_canceled_and_forgotten(jobs, visitor):
    job = running(jobs)
    assert visitor.post(f"/jobs/{job.id}/forget").status_code == 422
    assert visitor.post(f"/jobs/{job.id}/cancel").headers["location"] == f"/jobs/{job.id}"
    assert jobs.find(job.id).canceling
    jobs.finish(job.id, "tests", None, "canceled")
    assert "canceled" in visitor.get(f"/jobs/{job.id}").text
    assert visitor.post(f"/jobs/{job.id}/forget").headers["location"] == "/jobs"
    assert visitor.get(f"/jobs/{job.id}").status_code == 404


def test_others_jobs_are_not_seen_and_not_canceled(jobs, home, address, keyed):
    theirs = running(jobs, who="somebody")
    with keyed(home.catalog, address, Grant("write", ["shop"])) as writer:
        own = jobs.add("export", {"format": "jsonl"}, collection="shop", who=writer.key.id)
        page = writer.get("/jobs").text
        assert own.id in page
        assert theirs.id not in page
        assert writer.get(f"/jobs/{theirs.id}").status_code == 404
        assert writer.post(f"/jobs/{theirs.id}/cancel").status_code == 404
    assert not jobs.find(theirs.id).canceling


def test_a_form_of_another_site_cancels_nothing(jobs, visitor):
    job = running(jobs)
    assert visitor.post(f"/jobs/{job.id}/cancel", headers={"X-CSRF-Token": "wrong"}).status_code == 401
    assert not jobs.find(job.id).canceling


def test_jobs_are_paged(jobs, visitor, links):
    ids = [jobs.add("import", {}, collection="shop").id for _ in range(35)]
    page = visitor.get("/jobs?collection=shop")
    assert ids[-1] in page.text
    assert ids[0] not in page.text
    assert ids[0] in visitor.get(links(page, "before=")[0]).text


def test_the_page_of_a_job_follows_it_to_its_end(jobs, visit):
    job = running(jobs)
    page = visit()
    page.goto(f"/jobs/{job.id}")
    jobs.beat(job.id, "tests", Progress(3500, 4000, 0, {}, None, ()))
    page.get_by_text("3,500 of 4,000 records").wait_for()
    jobs.finish(job.id, "tests", Progress(4000, 4000, 1, {}, None, (Failure("x", "c", "it is odd"),)), "done")
    page.get_by_text("it is odd").wait_for()
    assert page.get_by_role("button", name="Cancel").count() == 0


def test_models_say_what_they_are_and_where_they_would_come_from(visitor, monkeypatch, tmp_path):
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path))
    page = visitor.get("/models").text
    for name in cards.names():
        assert f">{name}</h2>" in page
    assert (
        "Downloads 88.5 MB from <code>https://huggingface.co/Xenova/dinov2-small</code>. License: Apache-2.0." in page
    )
    assert "apple-amlr (research only)" in page
    assert "Fetch sscd-disc-mixup" not in page  # the hub doesn't have it
    assert "Fetch lookalike-mini" not in page


def test_a_model_is_fetched_by_a_job(home, jobs, visitor, monkeypatch, tmp_path):
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path))
    monkeypatch.setenv("LOOKALIKE_HUB", "http://127.0.0.1:9")
    monkeypatch.setattr("lookalike.describers.hub._PAUSE", 0)
    for _ in range(2):  # pressed twice it is fetched once
        answer = visitor.post("/models/fetch", data={"model": "dinov2-small"})
        assert answer.headers["location"] == "/models#dinov2-small"
    (job,) = jobs.page()
    assert (job.kind, job.spec) == ("fetch", {"model": "dinov2-small"})
    assert f'data-job="{job.id}"' in visitor.get("/models").text
    with Background(home, ["fetch"], scheduled=False) as background:
        over = background.runner.wait(job.id, WAIT)
    assert (over.state, over.error_code) == ("failed", "fetch_failed")
    assert "127.0.0.1:9" in visitor.get("/models").text


@pytest.mark.parametrize("name", ["nothing", "lookalike-mini", "sscd-disc-mixup", ""])
def test_what_the_hub_does_not_have_is_not_fetched(jobs, visitor, name):
    assert visitor.post("/models/fetch", data={"model": name}).status_code in (404, 422)
    assert jobs.page() == []


def test_the_bundled_model_shows_what_was_measured():
    told = dict(models_page._measured(cards.facts("lookalike-mini")["figures"]))
    stated = json.loads(Path(cards.BUNDLED, "lookalike-mini.json").read_text("utf-8"))["figures"]["export"]
    assert told["Recall@1"].startswith(f"{list(stated['recall@1 by kind'].values())[-1]:.1%}")
    assert list(models_page._measured({})) == []


def test_a_key_is_made_used_and_revoked(home, visitor, address):
    until = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    form = {"name": HOSTILE, "scope": "write", "of": "only", "collections": "shop", "expires": until, "plan": "custom"}
    page = visitor.post("/keys", data={**form, "records": "500", "requests_per_second": "2,5"})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert HOSTILE not in page.text
    secret = re.search(r"<code>(la_[\w-]+)</code>", page.text)[1]
    key = home.catalog.keys.check(secret)
    assert (key.grant.scope, list(key.grant.collections)) == ("write", ["shop"])
    assert (key.grant.plan.records, key.grant.plan.requests_per_second) == (500, 2.5)
    assert key.grant.expires.date().isoformat() == until
    assert secret not in visitor.get("/keys").text
    assert "opens nothing" in visitor.get(f"/keys/{key.id}/revoke").text
    assert home.catalog.keys.find(key.id).state == "good"
    assert visitor.post(f"/keys/{key.id}/revoke").headers["location"] == "/keys"
    assert home.catalog.keys.find(key.id).state == "revoked"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"scope": "root"}, "scope"),
        ({"of": "only"}, "collections"),
        ({"of": "only", "collections": "nothing"}, "collections"),
        ({"expires": "2001-01-01"}, "expires"),
        ({"expires": "soon"}, "expires"),
        ({"plan": "gold"}, "plan"),
        ({"plan": "custom", "records": "-1"}, "records"),
        ({"plan": "custom", "records": "many"}, "records"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_a_key_that_can_not_be_meant_is_not_made(home, visitor, form, said):
    before = len(home.catalog.keys.list())
    answer = visitor.post("/keys", data=form)
    assert answer.status_code == 422
    assert said in re.search(r'role="alert">(.*?)</p>', answer.text)[1]
    assert len(home.catalog.keys.list()) == before


def test_usage_is_ones_own(home, address, visitor, keyed):
    with keyed(home.catalog, address, Grant("read", None, None, PLANS["public"])) as reader:
        home.catalog.usage.count(reader.key.id, requests=1234, records=7)
        assert "1,234" in reader.get("/usage").text
        assert "10,000 records" in reader.get("/usage").text
        other = home.catalog.keys.create("other", Grant())[0]
        assert reader.get(f"/usage?of={other.id}").status_code == 403
        assert "1,234" in visitor.get(f"/usage?of={reader.key.id}").text


@pytest.mark.parametrize("scope", ["read", "write"])
def test_only_an_admin_sees_keys_and_health_and_fetches(home, address, keyed, jobs, scope):
    with keyed(home.catalog, address, Grant(scope)) as reader:
        page = reader.get("/models").text
        for path in ("/keys", "/health", "/health/metrics"):
            assert reader.get(path).status_code == 403
            assert f'href="{path}"' not in page
        assert "/models/fetch" not in page
        for path in ("/keys", f"/keys/{reader.key.id}/revoke", "/models/fetch"):
            assert reader.post(path, data={"model": "dinov2-small"}).status_code == 403
    assert jobs.page() == []


def test_health_names_what_there_is(home, visitor, jobs):
    running(jobs)
    page = visitor.get("/health").text
    assert "Ready" in page
    assert str(home.path) in page
    assert "1 of 2 at once" in page
    assert "Parquet files" in page
    assert "lookalike_jobs" in visitor.get("/health/metrics").text


@pytest.mark.parametrize(
    "look", [pytest.param(("light", 1280), marks=pytest.mark.slow), ("dark", 390)], ids=["light", "dark phone"]
)
def test_these_pages_have_no_barriers_and_fit(jobs, visit, barriers, look):
    scheme, width = look
    job = running(jobs, [Failure("a long name " * 12, "c", "r" * 300)])
    page = visit({"width": width, "height": 844}, color_scheme=scheme)
    for path in ("/jobs", f"/jobs/{job.id}", "/models", "/keys", "/usage", "/health"):
        page.goto(path)
        assert barriers(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
