"""Usage: every count arrives, however many threads count and whenever the database fails."""

import threading
from datetime import UTC, datetime

import pytest

from lookalike.catalog import Catalog, Usage
from lookalike.errors import CatalogFailed

TODAY = datetime.now(UTC).date().isoformat()


def test_counts_add_up_and_last(place):
    with Catalog(place) as catalog:
        catalog.usage.count("key_a", bytes=2**40)
        catalog.usage.count("key_a", records=3, bytes=1)
        catalog.usage.flush()
        catalog.usage.count("key_a", requests=0, refused=1)
        catalog.usage.count("key_b")
    with Catalog(place) as catalog:
        assert catalog.usage.of("key_a") == [Usage("key_a", TODAY, 2, 1, 3, 2**40 + 1)]
        assert catalog.usage.of("key_a", since="9999-01-01") == []
        assert catalog.usage.totals() == [Usage("key_a", TODAY, 2, 1, 3, 2**40 + 1), Usage("key_b", TODAY, 1)]


def test_what_is_not_written_yet_is_seen(catalog):
    catalog.usage.count("key_a")
    assert catalog.usage.of("key_a")[0].requests == 1


def test_no_count_is_lost_between_threads(catalog):
    def count():
        for number in range(500):
            catalog.usage.count("key_a", records=2)
            if number % 100 == 0:
                catalog.usage.flush()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        catalog.usage.flush()
    for thread in threads:
        thread.join()
    assert catalog.usage.of("key_a") == [Usage("key_a", TODAY, 2000, 0, 4000, 0)]


def test_counts_outlast_a_database_that_fails(catalog, monkeypatch):
    catalog.usage.count("key_a")
    works = catalog.usage._write
    monkeypatch.setattr(catalog.usage, "_write", lambda taken: (_ for _ in ()).throw(CatalogFailed("x", "disk full")))
    with pytest.raises(CatalogFailed):
        catalog.usage.flush()
    catalog.usage.count("key_a")
    monkeypatch.setattr(catalog.usage, "_write", works)
    assert catalog.usage.of("key_a")[0].requests == 2


def test_counting_notes_when_a_key_was_used(catalog):
    key, _ = catalog.keys.create("a")
    unused, _ = catalog.keys.create("b")
    catalog.usage.count(key.id)
    catalog.usage.flush()
    assert catalog.keys.find(key.id).last_used >= key.created
    assert catalog.keys.find(unused.id).last_used is None
