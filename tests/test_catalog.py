"""The catalog: entries survive, names are unique, strangers' files are refused."""

import sqlite3

import pytest

from lookalike.catalog import Catalog
from lookalike.errors import CollectionExists, InvalidArgument, WorkspaceUnreadable

SETTINGS = {
    "kind": "photos",
    "product_id": None,
    "model": "lookalike-mini",
    "signatures": {"meaning": "lookalike-mini/0@abc"},
    "dims": {"meaning": 256},
}


@pytest.fixture
def catalog(tmp_path):
    catalog = Catalog(tmp_path / "catalog.sqlite")
    yield catalog
    catalog.close()


def test_an_entry_is_found_again_after_reopening(tmp_path, catalog):
    entered = catalog.add("estates", SETTINGS)
    catalog.close()
    again = Catalog(tmp_path / "catalog.sqlite")
    assert again.find("estates") == entered
    assert again.find("other") is None
    again.close()


def test_a_name_is_taken_once(catalog):
    catalog.add("a", SETTINGS)
    with pytest.raises(CollectionExists, match="'a'"):
        catalog.add("a", SETTINGS)
    assert [info.name for info in catalog.list()] == ["a"]


def test_an_unknown_kind_is_refused(catalog):
    with pytest.raises(InvalidArgument, match="photos"):
        catalog.add("a", {**SETTINGS, "kind": "videos"})


def test_entries_are_listed_by_name_and_removed(catalog):
    for name in ("b", "a"):
        catalog.add(name, SETTINGS)
    assert [info.name for info in catalog.list()] == ["a", "b"]
    assert catalog.remove("a")
    assert not catalog.remove("a")


def test_a_damaged_file_is_a_clear_error(tmp_path):
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceUnreadable, match="damaged"):
        Catalog(tmp_path / "catalog.sqlite")


def test_a_newer_format_is_refused(tmp_path, catalog):
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("UPDATE about SET format = 99")
    connection.close()
    with pytest.raises(WorkspaceUnreadable, match="99"):
        Catalog(tmp_path / "catalog.sqlite")
