"""The catalog: which collections a workspace has, and how each is set up. The only file that imports SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import sqlalchemy as sql
from sqlalchemy.exc import DatabaseError, IntegrityError

from lookalike.errors import CollectionExists, InvalidArgument, WorkspaceUnreadable

__all__ = ["FORMAT", "Catalog", "CollectionInfo", "Kind"]

FORMAT = 1
"""Version of the catalog's own tables, stored in it and checked when it is opened."""

Kind = Literal["photos", "products", "matching", "colors", "custom"]

_tables = sql.MetaData()
_about = sql.Table("about", _tables, sql.Column("format", sql.Integer, nullable=False))
_collections = sql.Table(
    "collections",
    _tables,
    sql.Column("name", sql.String, primary_key=True),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("product_id", sql.String),
    sql.Column("model", sql.String, nullable=False),
    sql.Column("signatures", sql.JSON, nullable=False),
    sql.Column("dims", sql.JSON, nullable=False),
    sql.Column("created", sql.String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """How a collection is set up.

    kind: what it is for. product_id: the field that names a record's product, or None.
    model: name of its neural describer. signatures: description name -> signature of its describer.
    dims: vector name -> floats. created: ISO 8601, UTC.
    """

    name: str
    kind: Kind
    product_id: str | None
    model: str
    signatures: Mapping[str, str]
    dims: Mapping[str, int]
    created: str


class Catalog:
    """SQLite beside the collections. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises WorkspaceUnreadable if the file is no catalog or one of another format."""
        self._engine = sql.create_engine(f"sqlite:///{path}")
        sql.event.listen(self._engine, "connect", _set_up_connection)
        try:
            _tables.create_all(self._engine)
            with self._engine.begin() as connection:
                found = connection.scalar(sql.select(_about.c.format))
                if found is None:
                    connection.execute(_about.insert().values(format=FORMAT))
        except DatabaseError as error:
            raise WorkspaceUnreadable(str(path), f"its catalog is damaged ({error.orig})") from None
        if found not in (None, FORMAT):
            raise WorkspaceUnreadable(str(path), f"its catalog has format {found}, this version reads {FORMAT}")

    def add(self, name: str, settings: Mapping[str, Any]) -> CollectionInfo:
        """Enter a collection. Raises CollectionExists, InvalidArgument for an unknown kind."""
        if settings["kind"] not in get_args(Kind):
            raise InvalidArgument("kind", settings["kind"], f"one of {', '.join(get_args(Kind))}")
        created = datetime.now(UTC).isoformat(timespec="seconds")
        info = CollectionInfo(name=name, created=created, **settings)
        values = {column: dict(value) if isinstance(value, Mapping) else value for column, value in settings.items()}
        try:
            with self._engine.begin() as connection:
                connection.execute(_collections.insert().values(name=name, created=created, **values))
        except IntegrityError:
            raise CollectionExists(name) from None
        return info

    def find(self, name: str) -> CollectionInfo | None:
        """Return the collection's entry, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(_collections.select().where(_collections.c.name == name)).one_or_none()
        return CollectionInfo(**row._mapping) if row else None

    def list(self) -> list[CollectionInfo]:
        """Return all entries, ascending by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(_collections.select().order_by(_collections.c.name)).all()
        return [CollectionInfo(**row._mapping) for row in rows]

    def remove(self, name: str) -> bool:
        """Strike an entry; returns whether there was one."""
        with self._engine.begin() as connection:
            done = connection.execute(_collections.delete().where(_collections.c.name == name))
        return bool(done.rowcount)

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()


def _set_up_connection(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged collection survives a power cut
    cursor.close()
