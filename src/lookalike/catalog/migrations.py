"""The catalog's format: made new, brought up to date, or refused."""

from __future__ import annotations

import json
import re
from typing import Final

import sqlalchemy as sql

from lookalike.catalog.database import SCHEMA, Database
from lookalike.catalog.tables import about, tables
from lookalike.errors import CatalogFailed, WorkspaceUnreadable

__all__ = ["FORMAT", "bring_up_to_date"]

FORMAT: Final = 4
"""Version of the catalog's tables, stored in it. An older one is migrated when it is opened, a newer one refused."""

_DAMAGED: Final = re.compile("malformed|not a database")  # as SQLite says it; all else may pass

_LOCK: Final = 0x6C6F6F6B  # any number that other programs of the database are unlikely to lock


def bring_up_to_date(database: Database, *, may_begin: bool = True) -> None:
    """Make the tables, or migrate them; all in one transaction, once, however many processes begin together.

    may_begin: whether an empty database is all right. Raises WorkspaceUnreadable if not, for a newer format, a
    damaged file, a server out of reach or a strange database.
    """
    try:
        with database.writing() as connection:
            if database.schema is not None:
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_LOCK)))
                connection.execute(sql.schema.CreateSchema(SCHEMA, if_not_exists=True))
            found = _format_of(connection, database)
            if found > FORMAT:
                reason = f"its catalog has format {found}, this version reads up to {FORMAT}; upgrade Lookalike"
                raise WorkspaceUnreadable(database.place, reason)
            if found == 0 and not may_begin:
                reason = (
                    "its catalog is missing or empty, but there are collections; bring back the catalog they are in"
                )
                raise WorkspaceUnreadable(database.place, reason)
            if found == 1:
                _from_1(connection)
            if found < FORMAT:
                tables.create_all(connection)  # format 3 only added the feeds, 4 the trials
                connection.execute(about.delete())
                connection.execute(about.insert().values(format=FORMAT))
    except CatalogFailed as error:
        if _DAMAGED.search(error.reason):
            reason = f"its catalog is damaged ({error.reason})"
        elif database.schema:
            reason = f"its catalog can't be reached or used ({error.reason})"
        else:
            reason = f"its catalog can't be used ({error.reason}); look whether the disk is full or can't be written"
        raise WorkspaceUnreadable(database.place, reason) from None


def _format_of(connection: sql.Connection, database: Database) -> int:
    """Return the format, 0 for an empty database."""
    names = sql.inspect(connection).get_table_names(schema=database.schema)
    if "about" in names:
        return connection.scalar(sql.select(about.c.format)) or 1  # format 1 could be cut off before it was noted
    if names:
        raise WorkspaceUnreadable(database.place, "its catalog is another program's database")
    return 0


def _from_1(connection: sql.Connection) -> None:
    """Collections get settings, those that their kinds had by then; only SQLite ever had format 1."""
    rows = connection.exec_driver_sql("SELECT name, kind, product_id, dims FROM collections").all()
    connection.exec_driver_sql("ALTER TABLE collections ADD COLUMN settings JSON NOT NULL DEFAULT '{}'")
    for name, kind, product_id, dims in rows:
        by = {"matching": "copy", "colors": "color"}.get(kind, "meaning")
        settings = {"product_id": product_id, "describers": list(json.loads(dims)), "weights": {by: 1.0}}
        connection.exec_driver_sql("UPDATE collections SET settings = ? WHERE name = ?", (json.dumps(settings), name))
    connection.exec_driver_sql("ALTER TABLE collections DROP COLUMN product_id")
    connection.exec_driver_sql("ALTER TABLE collections ADD COLUMN store VARCHAR NOT NULL DEFAULT ''")
    connection.exec_driver_sql("ALTER TABLE collections ADD COLUMN beside JSON")
