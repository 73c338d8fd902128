"""Feeds: kept, run when they are due, never twice at once."""

import sqlite3

import pytest

from lookalike.catalog import Catalog, Feed
from lookalike.errors import EntryNotFound, InvalidArgument


def test_a_feed_is_kept_listed_and_removed(catalog):
    made = catalog.feeds.add(Feed("shop", "https://x.example/all.jsonl?token=t", every=60, remove=True, who="key_a"))
    assert catalog.feeds.list() == [made] == [catalog.feeds.find(made.id)]
    assert (made.remove, made.existing, made.every, made.last_job) == (True, "merge", 60, "")
    assert catalog.feeds.remove(made.id, who="key_b") == made
    assert [(entry.action, entry.who) for entry in catalog.audit.page().entries] == [
        ("feed.remove", "key_b"),
        ("feed.add", "key_a"),
    ]
    assert "token" not in repr(catalog.audit.page())
    with pytest.raises(EntryNotFound, match="feed"):
        catalog.feeds.find(made.id)


def test_a_due_feed_is_started_once(catalog):
    by_hand = catalog.feeds.add(Feed("shop", "/by-hand.jsonl"))
    due = catalog.feeds.add(Feed("shop", "/due.jsonl", every=3600, who="ann"))
    [job] = catalog.feeds.start_due("sync")
    assert catalog.feeds.start_due("sync") == []
    queued = catalog.jobs.find(job)
    assert (queued.kind, queued.collection, queued.spec, queued.who) == ("sync", "shop", {"feed": due.id}, "ann")
    after = catalog.feeds.find(due.id)
    assert (after.last_job, round((after.due - due.due) / 3600)) == (job, 1)
    assert (by_hand.due, by_hand.next_run) == (None, None)


def test_a_run_under_way_is_not_started_again(catalog):
    feed = catalog.feeds.add(Feed("shop", "/a.jsonl"))
    job = catalog.feeds.start(feed.id, "sync", who="ann")
    assert catalog.feeds.start(feed.id, "sync", who="bob") == job
    catalog.jobs.cancel(job)
    assert catalog.feeds.start(feed.id, "sync") != job
    with pytest.raises(EntryNotFound):
        catalog.feeds.start("feed_none", "sync")


def test_runs_have_to_be_some_seconds_apart(catalog):
    with pytest.raises(InvalidArgument, match="10 seconds"):
        catalog.feeds.add(Feed("shop", "/a.jsonl", every=9))


def test_a_catalog_of_format_2_gets_feeds(tmp_path):
    place = tmp_path / "catalog.sqlite"
    with Catalog(place) as catalog:
        catalog.users.add("ann", "correct horse")
    with sqlite3.connect(place) as connection:
        connection.executescript("DROP TABLE feeds; UPDATE about SET format = 2;")
    connection.close()
    with Catalog(place) as catalog:
        assert catalog.feeds.list() == []
        assert [user.name for user in catalog.users.list()] == ["ann"]


def test_another_password_is_another_mark(catalog):
    catalog.users.add("ann", "correct horse")
    before = catalog.users.find("ann").mark
    assert catalog.users.sign_in("ann", "correct horse").mark == before
    catalog.users.set_password("ann", "battery staple")
    assert catalog.users.find("ann").mark not in ("", before)
