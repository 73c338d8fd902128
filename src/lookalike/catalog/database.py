"""The catalog's database: SQLite in a file or PostgreSQL by URL, with transactions that say clearly what failed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from lookalike.errors import CatalogFailed, InvalidArgument, MissingExtra
from lookalike.sqlite import write_ahead

__all__ = ["SCHEMA", "Database", "new_id", "now"]

SCHEMA: Final = "lookalike"
"""The PostgreSQL schema that holds the tables, so that a database may be shared with other programs."""

_PATIENCE: Final = 30
"""Seconds to wait for another writer of the SQLite file."""


class Database:
    """Connections to one database. Safe to call from several threads."""

    def __init__(self, place: str | Path) -> None:
        """place: a file, made if missing, or `postgresql://user:password@host/name`.

        Nothing is opened yet. Raises InvalidArgument for another URL, MissingExtra without the driver.
        """
        self.schema: str | None = None
        if isinstance(place, Path):
            self.place = str(place)
            url = sql.URL.create("sqlite", database=str(place))
            self._engine = sql.create_engine(url, connect_args={"timeout": _PATIENCE})
            sql.event.listen(self._engine, "do_connect", _make_private)
            sql.event.listen(self._engine, "connect", _set_up_sqlite)
            sql.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            url = _postgres_url(place)
            self.schema, self.place = SCHEMA, url.set(drivername="postgresql").render_as_string(hide_password=True)
            self._engine = _postgres_engine(url)
        self._writer = self._engine.execution_options(writing=True)

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """One consistent look at the database. Raises CatalogFailed."""
        with self._explained(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """One transaction: all or nothing, on disk when it ends well. Raises CatalogFailed, IntegrityError."""
        with self._explained(), self._writer.begin() as connection:
            yield connection

    def insert(self, table: sql.Table) -> Any:
        """Return an INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
        return sqlite.insert(table) if self.schema is None else postgresql.insert(table)

    def empty_log(self) -> None:
        """Leave nothing of what was overwritten in SQLite's log; PostgreSQL keeps its own. Raises CatalogFailed."""
        if self.schema is None:
            with self._explained(), self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Release every connection."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # the verb knows what it means
        except SQLAlchemyError as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise CatalogFailed(self.place, " ".join(str(reason).split())) from error


def now() -> str:
    """Return the time as the catalog writes it: ISO 8601, UTC, milliseconds, so that text sorts as time does."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id(prefix: str) -> str:
    """Return a name that no other entry has: the prefix and 12 characters."""
    return f"{prefix}_{secrets.token_hex(6)}"


def _postgres_url(text: str) -> sql.URL:
    try:
        url = sql.make_url(text)
    except ArgumentError:
        url = sql.URL.create("none")
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InvalidArgument("catalog", f"a {url.drivername} URL", "like postgresql://user:password@host/database")
    return url.set(drivername="postgresql+psycopg")


def _postgres_engine(url: sql.URL) -> sql.Engine:
    try:
        engine = sql.create_engine(url, pool_pre_ping=True, pool_size=10, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError:
        raise MissingExtra("A catalog in PostgreSQL", "postgres") from None
    return engine.execution_options(schema_translate_map={None: SCHEMA})


def _make_private(_: Any, __: Any, arguments: Sequence[Any], ___: Any) -> None:
    """Make the file, if it is missing, for its owner's eyes: SQLite's logs beside it get the same mode.

    A file that is there is not opened: closing it would let go of every lock that SQLite holds on it in this process.
    """
    with suppress(OSError):  # it is there; or why it can't be made is said by SQLite, which tries again
        os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _set_up_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_sqlite` does
    write_ahead(connection, _PATIENCE)
    connection.execute("PRAGMA secure_delete = ON")  # what was deleted is overwritten
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut


def _begin_sqlite(connection: sql.Connection) -> None:
    """Take the write lock at once where a transaction will write: upgrading a reader later can't wait for others."""
    writes = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
