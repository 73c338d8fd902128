"""Jobs: done once and to the end, stopped at once, gone on with where a dead process left them."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from lookalike.catalog import Catalog
from lookalike.errors import CatalogFailed, EntryNotFound, InvalidArgument
from lookalike.jobs import JobKind, JobRunner
from lookalike.records import Failure

WAIT = 30
"""Seconds that nothing here should take; a job that hangs fails its test."""


def count(_, task):
    """Do items 0 to n-1 with a checkpoint after each; every third one fails."""
    task.expect(task.spec["n"])
    for number in range(task.checkpoint or 0, task.spec["n"]):
        if number % 3 == 2:
            task.fail(f"item {number}", "odd", "it is a third one")
        task.result["last"] = number
        task.advance(1, number + 1)
    return {"summary": "counted"}


def until(task, step=0.01):
    """Advance until told to stop."""
    for number in range(1_000_000):
        task.fail(f"item {number}", "slow", "still at it")
        task.advance(1, number + 1)
        task.sleep(step)


KINDS = {"count": JobKind(count), "endless": JobKind(lambda _, task: until(task))}


@pytest.fixture
def runner(catalog):
    with JobRunner(catalog.jobs, None, KINDS) as runner:
        yield runner


def wait_until(condition):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_job_is_done_with_its_progress_its_result_and_its_failures(catalog, runner):
    seen = []
    job = runner.start("count", {"n": 8}, collection="shop", who="key_a")
    over = runner.wait(job.id, WAIT, seen.append)
    assert (over.state, over.done, over.total, over.failed) == ("done", 8, 8, 2)
    assert over.result == {"last": 7, "summary": "counted"}
    assert (over.collection, over.who, over.error) == ("shop", "key_a", "")
    assert over.created <= over.started <= over.finished
    assert catalog.jobs.failures(job.id).failures == [
        Failure("item 2", "odd", "it is a third one"),
        Failure("item 5", "odd", "it is a third one"),
    ]
    assert seen[-1] == over


def test_failures_come_in_pages(catalog, runner):
    job = runner.wait(runner.start("count", {"n": 30}).id, WAIT)
    first = catalog.jobs.failures(job.id, limit=4)
    rest = catalog.jobs.failures(job.id, after=first.next, limit=6)
    assert [failure.source for failure in first.failures] == ["item 2", "item 5", "item 8", "item 11"]
    assert len(rest.failures) == 6
    assert rest.next is None


def test_strange_names_of_items_are_listed_all_the_same(catalog):
    def fail(_, task):
        task.fail("a\x00b\udcff.jpg", "bad", "half a \ud800 pair")

    with JobRunner(catalog.jobs, None, {"fail": JobKind(fail)}) as runner:
        job = runner.wait(runner.start("fail", {}).id, WAIT)
    assert (job.state, job.failed) == ("done", 1)
    assert catalog.jobs.failures(job.id).failures[0].source == "a�b�.jpg"


def test_a_running_job_is_canceled_at_once_and_keeps_what_it_did(catalog, runner):
    job = runner.start("endless", {})
    wait_until(lambda: catalog.jobs.find(job.id).done > 3)
    runner.cancel(job.id)
    over = runner.wait(job.id, WAIT)
    assert over.state == "canceled"
    assert over.done == over.failed == len(catalog.jobs.failures(job.id, limit=10_000).failures)
    assert runner.cancel(job.id).state == "canceled"


def test_a_cancel_from_elsewhere_arrives(catalog, runner):
    job = runner.start("endless", {})
    wait_until(lambda: catalog.jobs.find(job.id).state == "running")
    assert catalog.jobs.cancel(job.id).canceling
    assert runner.wait(job.id, WAIT).state == "canceled"


def test_a_waiting_job_is_canceled_without_ever_running(catalog):
    job = catalog.jobs.add("count", {"n": 3})
    assert catalog.jobs.cancel(job.id).state == "canceled"
    with JobRunner(catalog.jobs, None, KINDS) as runner:
        runner.wait(runner.start("count", {"n": 1}).id, WAIT)
    assert catalog.jobs.find(job.id).done == 0


def test_what_a_job_needs_is_cleared_away_only_once_it_is_known_to_be_done(catalog):
    seen = []

    def fail(_, task):
        raise EntryNotFound("nothing", "x")

    tidy = lambda _, task: seen.append(catalog.jobs.find(task.id).state)  # noqa: E731
    kinds = {"count": JobKind(count, tidy=tidy), "fail": JobKind(fail, tidy=tidy)}
    with JobRunner(catalog.jobs, None, kinds) as runner:
        runner.wait(runner.start("fail", {}).id, 10)
        runner.wait(runner.start("count", {"n": 3}).id, 10)
    assert seen == ["done"]


def test_an_error_is_the_jobs_and_not_the_runners(catalog):
    def refuse(_, task):
        task.advance(1)
        raise InvalidArgument("path", task.spec["path"], "a file")

    def divide(_, task):
        return {"x": 1 / 0}

    kinds = {"refuse": JobKind(refuse), "divide": JobKind(divide), "odd": JobKind(lambda _, task: {"x": object()})}
    with JobRunner(catalog.jobs, None, kinds, workers=1) as runner:
        refused = runner.wait(runner.start("refuse", {"path": "x"}).id, WAIT)
        divided = runner.wait(runner.start("divide", {}).id, WAIT)
        odd = runner.wait(runner.start("odd", {}).id, WAIT)
    assert (refused.state, refused.error_code, refused.done) == ("failed", "invalid_argument", 1)
    assert "must be a file" in refused.error
    assert (divided.state, divided.error_code) == ("failed", "job_failed")
    assert "ZeroDivisionError" in divided.error
    assert "not JSON serializable" in odd.error


def test_no_more_jobs_run_at_once_than_there_are_workers(catalog):
    lock, at_once, most = threading.Lock(), [], []

    def crowd(_, task):
        with lock:
            at_once.append(task.id)
            most.append(len(at_once))
        task.sleep(0.05)
        with lock:
            at_once.remove(task.id)

    with JobRunner(catalog.jobs, None, {"crowd": JobKind(crowd)}, workers=2) as runner:
        started = [runner.start("crowd", {}) for _ in range(6)]
        assert all(runner.wait(job.id, WAIT).state == "done" for job in started)
    assert max(most) == 2


def test_two_runners_share_the_work_and_do_nothing_twice(catalog):
    done = []
    kinds = {"note": JobKind(lambda _, task: done.append(task.id))}
    with (
        JobRunner(catalog.jobs, None, kinds, alone=False) as one,
        JobRunner(catalog.jobs, None, kinds, alone=False) as two,
    ):
        started = [runner.start("note", {}).id for runner in (one, two) * 10]
        for job in started:
            one.wait(job, WAIT)
    assert sorted(done) == sorted(started)


def test_jobs_of_unknown_kinds_are_refused_or_left_to_others(catalog, runner):
    with pytest.raises(InvalidArgument, match="count, endless"):
        runner.start("dance", {})
    strange = catalog.jobs.add("dance", {})
    runner.wait(runner.start("count", {"n": 1}).id, WAIT)
    assert catalog.jobs.find(strange.id).state == "queued"


def test_closing_stops_a_job_and_the_next_runner_goes_on_with_it(catalog):
    reached = threading.Event()

    def slow(_, task):
        for number in range(task.checkpoint or 0, 40):
            task.fail(f"item {number}", "odd", "each one")
            task.advance(1, number + 1)
            if number == 10:
                reached.set()
                task.sleep(WAIT)

    with JobRunner(catalog.jobs, None, {"slow": JobKind(slow)}) as runner:
        job = runner.start("slow", {})
        assert reached.wait(WAIT)
    left = catalog.jobs.find(job.id)
    assert (left.state, left.done, left.checkpoint) == ("queued", 11, 11)
    with JobRunner(catalog.jobs, None, {"slow": JobKind(slow)}) as runner:
        over = runner.wait(job.id, WAIT)
    assert (over.state, over.done, over.failed) == ("done", 40, 40)
    assert [failure.source for failure in catalog.jobs.failures(job.id).failures] == [f"item {n}" for n in range(40)]


def test_a_job_without_checkpoints_begins_anew(catalog):
    job = catalog.jobs.add("plain", {})
    claimed = catalog.jobs.claim("dead:1", ["plain"])
    assert claimed.id == job.id

    def plain(_, task):
        for number in range(3):
            task.fail(f"{number}", "odd", "each one")
            task.advance(1)

    with JobRunner(catalog.jobs, None, {"plain": JobKind(plain)}) as runner:
        over = runner.wait(job.id, WAIT)
    assert (over.done, over.failed) == (3, 3)
    assert len(catalog.jobs.failures(job.id).failures) == 3


def test_what_can_not_be_gone_on_with_is_marked(catalog):
    job = catalog.jobs.add("once", {})
    catalog.jobs.claim("dead:1", ["once"])
    with JobRunner(catalog.jobs, None, {"once": JobKind(lambda _, task: None, resumable=False)}):
        pass
    marked = catalog.jobs.find(job.id)
    assert (marked.state, marked.error_code) == ("failed", "job_interrupted")


def test_a_job_that_kills_its_process_is_given_up_after_three(catalog):
    job = catalog.jobs.add("count", {"n": 1})
    for _ in range(3):
        assert catalog.jobs.claim("dead:1", ["count"]).id == job.id
        catalog.jobs.reclaim(["count"], ["count"], None)
    assert catalog.jobs.find(job.id).state == "failed"
    assert catalog.jobs.claim("me:2", ["count"]) is None


def test_only_the_jobs_of_silent_owners_are_taken_over(catalog):
    job = catalog.jobs.add("count", {"n": 1})
    catalog.jobs.claim("other:1", ["count"])
    assert catalog.jobs.reclaim(["count"], ["count"], silent=60) == 0
    assert catalog.jobs.reclaim(["count"], ["count"], silent=-1) == 1
    assert catalog.jobs.claim("me:2", ["count"]).id == job.id
    assert catalog.jobs.beat(job.id, "other:1", None) == "lost"
    assert not catalog.jobs.finish(job.id, "other:1", None, "done")
    assert catalog.jobs.beat(job.id, "me:2", None) == "go on"


def test_a_canceled_job_of_a_dead_process_is_over(catalog):
    job = catalog.jobs.add("count", {"n": 1})
    catalog.jobs.claim("dead:1", ["count"])
    catalog.jobs.cancel(job.id)
    with JobRunner(catalog.jobs, None, KINDS):
        assert catalog.jobs.find(job.id).state == "canceled"


def test_progress_outlasts_a_database_that_fails_for_a_while(catalog, monkeypatch):
    works, failures = catalog.jobs.finish, [0]

    def sometimes(*arguments, **named):
        failures[0] += 1
        if failures[0] < 3:
            raise CatalogFailed("here", "disk full")
        return works(*arguments, **named)

    monkeypatch.setattr(catalog.jobs, "finish", sometimes)
    with JobRunner(catalog.jobs, None, KINDS) as runner:
        over = runner.wait(runner.start("count", {"n": 6}).id, WAIT)
    assert (over.state, over.done, over.failed) == ("done", 6, 2)
    assert len(catalog.jobs.failures(over.id).failures) == 2


def test_jobs_are_listed_newest_first_and_removed_when_over(catalog):
    made = [catalog.jobs.add("count", {"n": n}, collection="ab"[n % 2]) for n in range(5)]
    catalog.jobs.cancel(made[4].id)
    assert [job.id for job in catalog.jobs.page(limit=2)] == [made[4].id, made[3].id]
    assert [job.id for job in catalog.jobs.page(before=made[3].id, collection="a")] == [made[2].id, made[0].id]
    assert made[4].id not in [job.id for job in catalog.jobs.page(live=True)]
    with pytest.raises(InvalidArgument, match="cancel it first"):
        catalog.jobs.remove(made[0].id)
    catalog.jobs.remove(made[4].id)
    with pytest.raises(EntryNotFound, match="job"):
        catalog.jobs.find(made[4].id)


CHILD = """
import json, sys, time
from pathlib import Path
from lookalike.catalog import Catalog
from lookalike.jobs import JobKind, JobRunner

def write(path, task):
    for number in range(task.checkpoint or 0, task.spec["n"]):
        with open(path, "a") as file:
            file.write(f"{number}\\n")
        if number % 5 == 0:
            task.fail(f"{number}", "fifth", "it is a fifth one")
        task.advance(1, number + 1)
        time.sleep(0.002)

folder, place = Path(sys.argv[1]), sys.argv[2]
with Catalog(place if "://" in place else Path(place)) as catalog:
    kinds = {"write": JobKind(write)}
    with JobRunner(catalog.jobs, folder / "written", kinds) as runner:
        print("ready", flush=True)
        print(json.dumps(runner.wait(sys.stdin.readline().strip(), 60).state), flush=True)
"""


@pytest.mark.slow
def test_nothing_is_lost_or_listed_twice_however_often_the_process_is_killed(tmp_path, place):
    """Killed with SIGKILL while it runs, six times; the seventh process finishes."""
    items = 3000
    with Catalog(place) as catalog:
        job = catalog.jobs.add("write", {"n": items})
    for turn in range(7):
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(place)]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline().strip() == "ready"
        if turn < 6:
            time.sleep(0.6 + 0.13 * turn)
            child.send_signal(signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(job.id + "\n")
            child.stdin.close()
        said = child.stdout.read()
        child.stdout.close()
        child.wait()
    assert json.loads(said) == "done"
    with Catalog(place) as catalog:
        over = catalog.jobs.find(job.id)
        listed = [failure.source for failure in catalog.jobs.failures(job.id, limit=10_000).failures]
    written = (tmp_path / "written").read_text().split()
    assert (over.done, over.failed) == (items, items // 5)
    assert listed == [str(number) for number in range(0, items, 5)]
    assert sorted(set(map(int, written))) == list(range(items))
    assert len(written) > items, "no process was killed in mid-work: the test shows nothing"
