"""Which collections there are, and how each is set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from lookalike.catalog.database import Database
from lookalike.catalog.tables import collections, decisions, feeds
from lookalike.catalog.trials import remove_trials
from lookalike.errors import CollectionExists
from lookalike.kinds import CollectionSettings, Kind

__all__ = ["CollectionInfo", "Collections"]


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """How a collection is set up.

    kind: what it is for. model: name of its neural describer. settings: what its owner chose.
    signatures: description name -> signature of its describer; vectors that the user brings have none.
    dims: vector name -> floats. created: ISO 8601, UTC. store: where its rows are kept; "" is under its name.
    beside: while its model is changed, the other description of its records (see `redescribe.Beside`).
    """

    name: str
    kind: Kind
    model: str
    settings: CollectionSettings
    signatures: Mapping[str, str]
    dims: Mapping[str, int]
    created: str
    store: str = ""
    beside: Mapping[str, Any] | None = None

    @property
    def place(self) -> str:
        """The key of its store."""
        return self.store or self.name

    def as_json(self) -> dict[str, Any]:
        """Return the entry as JSON values, by the names of its fields."""
        return _values(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CollectionInfo:
        """Return what `as_json` was called on."""
        return _info(values)

    @property
    def product_id(self) -> str | None:
        """The field that names a record's product, or None."""
        return self.settings.product_id


class Collections:
    """The entries of collections, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, info: CollectionInfo) -> None:
        """Enter a collection. Raises CollectionExists."""
        try:
            with self._database.writing() as connection:
                connection.execute(collections.insert().values(_values(info)))
        except IntegrityError:
            raise CollectionExists(info.name) from None

    def replace(self, info: CollectionInfo) -> bool:
        """Write an existing entry anew (other settings, another model); returns whether there was one."""
        with self._database.writing() as connection:
            done = connection.execute(collections.update().where(collections.c.name == info.name).values(_values(info)))
        return bool(done.rowcount)

    def put(self, infos: Sequence[CollectionInfo]) -> None:
        """Enter collections, or write their entries anew: all of them or none."""
        with self._database.writing() as connection:
            names = [info.name for info in infos]
            connection.execute(collections.delete().where(collections.c.name.in_(names)))
            for info in infos:
                connection.execute(collections.insert().values(_values(info)))

    def find(self, name: str) -> CollectionInfo | None:
        """Return the collection's entry, or None."""
        with self._database.reading() as connection:
            row = connection.execute(collections.select().where(collections.c.name == name)).one_or_none()
        return _info(row._mapping) if row else None

    def list(self) -> list[CollectionInfo]:
        """Return all entries, ascending by name."""
        with self._database.reading() as connection:
            rows = connection.execute(collections.select()).all()
        return sorted((_info(row._mapping) for row in rows), key=lambda info: info.name)  # collations differ

    def remove(self, name: str) -> bool:
        """Strike an entry, its feeds, its trials and the decisions about its records; returns whether there was one."""
        with self._database.writing() as connection:
            connection.execute(decisions.delete().where(decisions.c.scope == name))
            connection.execute(feeds.delete().where(feeds.c.collection == name))
            remove_trials(connection, name)
            done = connection.execute(collections.delete().where(collections.c.name == name))
        return bool(done.rowcount)


def _values(info: CollectionInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "model": info.model,
        "settings": info.settings.as_json(),
        "signatures": dict(info.signatures),
        "dims": dict(info.dims),
        "created": info.created,
        "store": info.store,
        "beside": None if info.beside is None else dict(info.beside),
    }


def _info(row: Mapping[Any, Any]) -> CollectionInfo:
    return CollectionInfo(**{**row, "settings": CollectionSettings.from_json(row["settings"])})
