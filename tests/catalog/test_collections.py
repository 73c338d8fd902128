"""The catalog: entries survive, names are unique, old formats are brought up to date, strangers' files refused."""

import sqlite3
import sys
import threading
from dataclasses import replace

import pytest

import lookalike
from lookalike.catalog import FORMAT, Catalog, CollectionInfo, open_catalog
from lookalike.errors import (
    CatalogFailed,
    CollectionExists,
    InvalidArgument,
    LookalikeError,
    MissingExtra,
    WorkspaceUnreadable,
)
from lookalike.kinds import settings_of

FORMAT_1 = """
CREATE TABLE about (format INTEGER NOT NULL);
CREATE TABLE collections (
    name VARCHAR NOT NULL, kind VARCHAR NOT NULL, product_id VARCHAR, model VARCHAR NOT NULL,
    signatures JSON NOT NULL, dims JSON NOT NULL, created VARCHAR NOT NULL, PRIMARY KEY (name)
);
INSERT INTO about VALUES (1);
INSERT INTO collections VALUES ('shop', 'products', 'sku', 'lookalike-mini', '{"meaning": "lookalike-mini/0@abc"}',
    '{"meaning": 256, "copy": 128, "color": 64}', '2026-01-02T03:04:05+00:00');
INSERT INTO collections VALUES ('proofs', 'matching', NULL, 'lookalike-mini', '{"copy": "lookalike-mini/0@abc"}',
    '{"meaning": 256, "copy": 128, "color": 64}', '2026-01-02T03:04:05+00:00');
"""
"""The tables as version 0.1 made them."""


def entry(name, **settings):
    chosen = settings_of("photos", settings)
    return CollectionInfo(name, "photos", "lookalike-mini", chosen, {"meaning": "m/0@a"}, {"meaning": 256}, "2026")


def test_an_entry_is_found_again_after_reopening(place):
    entered = entry("estates", product_id="estate_id", index=["category", "size.width"], weights={"copy": 2})
    with Catalog(place) as catalog:
        catalog.collections.add(entered)
    with Catalog(place) as again:
        found = again.collections.find("estates")
        assert found == entered
        assert found.product_id == "estate_id"
        assert again.collections.find("other") is None


def test_a_name_is_taken_once(catalog):
    catalog.collections.add(entry("a"))
    with pytest.raises(CollectionExists, match="'a'"):
        catalog.collections.add(entry("a"))
    assert [info.name for info in catalog.collections.list()] == ["a"]


def test_entries_are_listed_by_name_and_removed(catalog):
    for name in ("b", "B", "a"):
        catalog.collections.add(entry(name))
    assert [info.name for info in catalog.collections.list()] == ["B", "a", "b"]
    assert catalog.collections.remove("a")
    assert not catalog.collections.remove("a")


def test_an_entry_is_replaced_as_a_whole(catalog):
    catalog.collections.add(entry("a"))
    newer = replace(entry("a", ignore_case=True), model="other", signatures={"meaning": "other/1"}, dims={"meaning": 8})
    assert catalog.collections.replace(newer)
    found = catalog.collections.find("a")
    assert (found.model, found.signatures, found.dims) == ("other", {"meaning": "other/1"}, {"meaning": 8})
    assert found.settings.ignore_case
    assert not catalog.collections.replace(entry("b"))
    assert catalog.collections.find("b") is None


def test_writers_in_many_threads_lose_nothing(catalog):
    def write(number):
        for step in range(5):
            catalog.collections.add(entry(f"{number}-{step}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(catalog.collections.list()) == 30


def test_many_may_open_it_for_the_first_time_at_once(place):
    opened, failed = [], []

    def first():
        try:
            opened.append(Catalog(place))
        except LookalikeError as error:
            failed.append(error)

    threads = [threading.Thread(target=first) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for catalog in opened:
        catalog.close()
    assert not failed
    assert len(opened) == 4


def test_format_1_is_brought_up_to_date_once_and_searches_as_before(tmp_path):
    path = tmp_path / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(FORMAT_1)
    connection.close()
    for _ in range(2):
        with Catalog(path) as catalog:
            proofs, shop = catalog.collections.list()
    assert (shop.product_id, shop.settings.by, shop.kind) == ("sku", "meaning", "products")
    assert (proofs.product_id, proofs.settings.by) == (None, "copy")
    assert shop.settings.vectors == ("meaning", "copy", "color")
    assert shop.dims == {"meaning": 256, "copy": 128, "color": 64}
    assert shop.created == "2026-01-02T03:04:05+00:00"
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT format FROM about").fetchall() == [(FORMAT,)]
    connection.close()


def test_a_migration_that_is_cut_off_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(FORMAT_1)
        connection.execute("UPDATE collections SET dims = 'not JSON'")
    connection.close()
    with pytest.raises(ValueError, match="Expecting value"):
        Catalog(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT format FROM about").fetchall() == [(1,)]
        assert connection.execute("SELECT product_id FROM collections ORDER BY name").fetchall() == [(None,), ("sku",)]
    connection.close()


def test_a_workspace_of_the_first_version_opens_unchanged(tmp_path, pictures):
    with lookalike.open(tmp_path / "space") as space:
        space.create("a", product_id="sku").add([{"_id": "0", "_file": str(pictures / "0.jpg"), "sku": "x"}])
    path = tmp_path / "space" / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        row = connection.execute("SELECT name, kind, model, signatures, dims, created FROM collections").fetchone()
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            connection.execute(f"DROP TABLE {table}")
        connection.executescript(FORMAT_1.split("INSERT INTO collections")[0])
        connection.execute("INSERT INTO collections VALUES (?, ?, 'sku', ?, ?, ?, ?)", row)
    connection.close()
    with lookalike.open(tmp_path / "space") as space:
        collection = space.get("a")
        assert collection.is_current
        assert collection.info.product_id == "sku"
        found = collection.search(image=pictures / "0.jpg", k=1)
        assert [match.id for match in found] == ["0"]


def test_a_damaged_file_is_a_clear_error(tmp_path):
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceUnreadable, match="damaged"):
        Catalog(tmp_path / "catalog.sqlite")


def test_another_programs_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    with pytest.raises(WorkspaceUnreadable, match="another program"):
        Catalog(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    connection.close()


def test_a_newer_format_is_refused(tmp_path):
    Catalog(tmp_path / "catalog.sqlite").close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("UPDATE about SET format = 99")
    connection.close()
    with pytest.raises(WorkspaceUnreadable, match=r"99.*upgrade"):
        Catalog(tmp_path / "catalog.sqlite")


def test_a_url_of_something_else_is_refused():
    for url in ("mysql://root@localhost/x", "nonsense", "postgresql+asyncpg://x/y"):
        with pytest.raises(InvalidArgument, match="postgresql://"):
            Catalog(url)


def test_a_server_out_of_reach_is_named_without_its_password():
    pytest.importorskip("psycopg")
    with pytest.raises(WorkspaceUnreadable, match="can't be reached") as caught:
        Catalog("postgresql://someone:hush-hush@127.0.0.1:1/lookalike")
    assert "127.0.0.1" in str(caught.value)
    assert "hush-hush" not in str(caught.value)


def test_a_missing_driver_names_its_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"lookalike\[postgres\]"):
        Catalog("postgresql://localhost/lookalike")


def test_a_database_that_fails_later_is_a_clear_error(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
            connection.execute("DROP TABLE jobs")
        connection.close()
        with pytest.raises(CatalogFailed, match="no such table"):
            catalog.jobs.page()


def test_a_catalog_opens_beside_a_service_but_not_in_a_folder_of_other_things(tmp_path):
    with lookalike.open(tmp_path / "space") as space, open_catalog(tmp_path / "space") as beside:
        key, secret = beside.keys.create("late")
        assert space.catalog.keys.check(secret) == key
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    with pytest.raises(WorkspaceUnreadable, match="other things"):
        open_catalog(tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]


def test_a_workspace_keeps_its_catalog_in_postgres(tmp_path, emptied_postgres, pictures):
    with lookalike.open(tmp_path / "space", catalog=emptied_postgres) as space:
        space.create("a", product_id="sku").add([pictures / "0.jpg"])
    assert not (tmp_path / "space" / "catalog.sqlite").exists()
    with lookalike.open(tmp_path / "space", catalog=emptied_postgres) as space:
        assert len(space.get("a")) == 1
        space.drop("a")
        assert space.list() == []
