"""Collections in step with feeds: added, changed, removed where that is wanted, and never by mistake."""

import http.server
import json
import threading
from dataclasses import replace

import pytest

import lookalike
from lookalike.catalog import Feed
from lookalike.errors import InvalidArgument
from lookalike.syncing import check_feed
from lookalike.work import Background

WAIT = 30


@pytest.fixture
def space(tmp_path):
    settings = replace(lookalike.Settings(), fetch_networks="127.0.0.0/8")
    with lookalike.open(tmp_path / "space", settings) as space:
        space.create("c", kind="custom", entities={"shape": 3})
        yield space


@pytest.fixture
def run(space):
    """Return run(feed) -> the job of one run."""
    with Background(space, ["sync"], scheduled=False) as background:
        yield lambda feed: background.runner.wait(space.catalog.feeds.start(feed.id, "sync", who="ann"), WAIT)


@pytest.fixture
def feed(space, tmp_path):
    """Return feed(*records, **rules): a feed whose file has these records; `feed.write(*records)` changes it."""
    path = tmp_path / "feed.jsonl"

    def write(*records):
        path.write_text("".join(record if isinstance(record, str) else json.dumps(record) + "\n" for record in records))

    def make(*records, **rules):
        write(*records)
        return space.catalog.feeds.add(Feed("c", str(path), **rules))

    make.write = write
    return make


def row(id_, **more):
    return {"_id": id_, "_vector": [1, 2, len(id_)], **more}


def counts(job):
    assert job.state == "done", job.error
    return [job.result[name] for name in ("added", "changed", "unchanged", "removed", "failed")]


def test_a_collection_follows_its_feed(space, feed, run):
    shop = feed(row("a", n=1), row("b", n=1), row("c", n=1), remove=True)
    space.get("c").add([row("mine")])
    assert counts(run(shop)) == [3, 0, 0, 0, 0]
    assert counts(run(shop)) == [0, 0, 3, 0, 0]
    feed.write(row("a", n=1), row("b", n=2), row("d", n=1))
    assert counts(run(shop)) == [1, 1, 1, 1, 0]
    assert sorted(record.id for record in space.get("c").records()) == ["a", "b", "d", "mine"]
    assert space.get("c").get(["b"])[0].fields["n"] == 2
    entry = space.catalog.audit.page().entries[0]
    assert (entry.action, entry.who, entry.target, entry.count) == ("feed.sync", "ann", "c", 3)


def test_nothing_is_removed_unless_that_is_wanted(space, feed, run):
    shop = feed(row("a"), row("b"))
    run(shop)
    feed.write(row("a"))
    assert counts(run(shop)) == [0, 0, 1, 0, 0]
    assert len(space.get("c")) == 2


@pytest.mark.parametrize(("broken", "why"), [((), "empty"), ((row("a"), "{half a li\n"), "can't be read")])
def test_a_feed_that_looks_broken_removes_nothing(space, feed, run, broken, why):
    shop = feed(row("a"), row("b"), remove=True)
    run(shop)
    feed.write(*broken)
    job = run(shop)
    assert job.result["removed"] == 0
    assert why in job.result["kept"]
    assert len(space.get("c")) == 2


def test_a_feed_that_is_gone_fails_with_a_reason_and_removes_nothing(space, feed, run, tmp_path):
    shop = feed(row("a"), remove=True)
    run(shop)
    (tmp_path / "feed.jsonl").unlink()
    job = run(shop)
    assert (job.state, job.error_code) == ("failed", "import_unreadable")
    assert len(space.get("c")) == 1


def test_a_record_that_can_not_be_taken_is_listed_and_stays(space, feed, run):
    shop = feed(row("a"), row("b"), remove=True)
    run(shop)
    feed.write(row("a"), {"_id": "b", "_vector": [1]})
    job = run(shop)
    assert counts(job) == [0, 0, 1, 0, 1]
    assert "(b)" in space.catalog.jobs.failures(job.id).failures[0].source
    assert len(space.get("c")) == 2


def test_two_feeds_leave_one_another_alone(space, feed, run, tmp_path):
    shop = feed(row("a"), remove=True)
    run(shop)
    (tmp_path / "other.jsonl").write_text(json.dumps(row("x")))
    other = space.catalog.feeds.add(Feed("c", str(tmp_path / "other.jsonl"), remove=True))
    assert counts(run(other)) == [1, 0, 0, 0, 0]
    assert sorted(record.id for record in space.get("c").records()) == ["a", "x"]


@pytest.fixture
def web():
    """A server on this machine: `web.files` are what it serves, `web.asked` what it was asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            web.asked.append(self.path)
            body = web.files.get(self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.files, web.asked = {}, []
    web.address = f"http://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield web
    web.shutdown()
    web.server_close()
    thread.join()


def test_a_feed_by_url_fetches_known_pictures_once(space, run, web, draw, save, tmp_path):
    space.create("pictures")
    web.files["/1.png"] = save(draw(1), tmp_path / "1.png").read_bytes()
    web.files["/feed.csv"] = f"_id,_url,n\n1,{web.address}/1.png,1\n2,{web.address}/gone.png,1\n".encode()
    shop = space.catalog.feeds.add(Feed("pictures", f"{web.address}/feed.csv?key=k", remove=True))
    assert counts(run(shop)) == [1, 0, 0, 0, 1]
    web.files["/feed.csv"] = web.files["/feed.csv"].replace(b".png,1", b".png,2")
    assert counts(run(shop)) == [0, 1, 0, 0, 1]
    assert web.asked.count("/1.png") == 1
    assert space.get("pictures").get(["1"])[0].fields["n"] == 2
    assert web.asked.count("/feed.csv?key=k") == 2


def test_a_feed_from_elsewhere_names_no_files_of_this_machine(space, run, web, pictures):
    space.create("pictures")
    web.files["/feed.jsonl"] = json.dumps({"_id": "1", "_file": str(pictures / "0.jpg")}).encode()
    job = run(space.catalog.feeds.add(Feed("pictures", f"{web.address}/feed.jsonl")))
    assert counts(job) == [0, 0, 0, 0, 1]
    assert "_file" in space.catalog.jobs.failures(job.id).failures[0].reason


def test_a_url_that_may_not_be_asked_fails_the_run(tmp_path, web):
    with lookalike.open(tmp_path / "closed", lookalike.Settings()) as space, Background(space, ["sync"]) as background:
        space.create("c", kind="custom", entities={"shape": 3})
        shop = space.catalog.feeds.add(Feed("c", f"{web.address}/feed.jsonl?token=SECRET"))
        job = background.runner.wait(space.catalog.feeds.start(shop.id, "sync"), WAIT)
    assert (job.state, job.error_code) == ("failed", "url_refused")
    assert "SECRET" not in job.error
    assert web.asked == []


def test_a_folder_is_watched(space, run, pictures):
    space.create("pictures")
    folder = space.catalog.feeds.add(Feed("pictures", str(pictures), remove=True))
    assert counts(run(folder)) == [6, 0, 0, 0, 0]
    (pictures / "0.jpg").unlink()
    assert counts(run(folder)) == [0, 0, 5, 1, 0]
    assert "more/5.png" in [record.id for record in space.get("pictures").records()]


def test_feeds_run_by_themselves_when_they_are_due(space, feed):
    shop = feed(row("a"), every=3600)
    with Background(space, ["sync"]) as background:
        for _ in range(WAIT * 10):
            if space.catalog.feeds.find(shop.id).last_job:
                break
            threading.Event().wait(0.1)
        job = background.runner.wait(space.catalog.feeds.find(shop.id).last_job, WAIT)
    assert counts(job) == [1, 0, 0, 0, 0]


def test_a_dropped_collection_takes_its_feeds_along(space, feed):
    feed(row("a"))
    space.drop("c")
    assert space.catalog.feeds.list() == []


def test_a_feed_whose_format_nobody_knows_is_refused(tmp_path):
    check_feed(Feed("c", str(tmp_path)))
    check_feed(Feed("c", "https://x.example/all.csv?page=1"))
    check_feed(Feed("c", "https://x.example/export", form="csv"))
    with pytest.raises(InvalidArgument, match="jsonl"):
        check_feed(Feed("c", "https://x.example/export"))
