"""Two descriptions of the same records, kept in step: a store for each, and one pass over every picture for both.

The vectors of the second go by their names with `BESIDE_MARK` behind them, so that whoever writes records needs to
know nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.calibration import Calibration
from lookalike.describers.ensemble import Ensemble
from lookalike.filters import Filter
from lookalike.images.image import Pixels
from lookalike.stores.base import Hit, Nearest, Row, check_nearest, check_rows
from lookalike.stores.watched import Passing, Watched, walk

__all__ = ["BESIDE_MARK", "Names", "PairedEnsemble", "Side", "Twin"]

BESIDE_MARK: Final = "+"
"""No vector's own name contains it."""

_SEEN: Final = ("_sha256", "_size", "_mtime")
"""Facts by which a picture counts as described already."""


@dataclass(slots=True)
class Side:
    """One of two stores. retired: it was given up, and is closed; nothing is written to it any more."""

    store: Watched
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """What the second store has. carried: vectors that are the same in both. made: those described anew.

    replaced: vectors of the first that are not carried. hashes: names of hashes, in the payload, described anew.
    """

    carried: frozenset[str]
    made: frozenset[str]
    replaced: frozenset[str]
    hashes: frozenset[str] = frozenset()

    def counterpart(self, row: Row, made: Mapping[str, NDArray[Any]]) -> Row:
        """Return the second store's row for one of the first. made: name -> vector, as far as they are known.

        Without them the row is kept for its metadata, and forgets what would have its picture taken for described.
        """
        vectors = {name: vector for name, vector in row.vectors.items() if name in self.carried}
        vectors |= {name: made[name] for name in self.made if name in made}
        hashes = {f"_{name}": made[name].tobytes().hex() for name in self.hashes if name in made}
        return Row(row.id, vectors, {**self.payload(row.payload, vectors), **hashes})

    def payload(self, payload: Mapping[str, Any], vectors: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the payload that goes with these vectors of the second store."""
        if self.made <= vectors.keys():
            return payload
        return {name: value for name, value in payload.items() if name not in _SEEN}

    def in_step(self, row: Row, other: Row | None) -> bool:
        """Whether the second store has what it should have for a row of the first."""
        if other is None or self._plain(other.payload) != self._plain(row.payload):
            return False
        if not self.made <= other.vectors.keys() and self.replaced & row.vectors.keys():
            return False
        mine = {name for name in row.vectors if name in self.carried}
        theirs = {name for name in other.vectors if name in self.carried}
        return mine == theirs and all(np.array_equal(row.vectors[name], other.vectors[name]) for name in mine)

    def facts(self, row: Row, other: Row) -> Mapping[str, Any]:
        """Return what only the second store knows of a picture that could not be described for the first."""
        if self._sees(row):
            return {}
        names = (*_SEEN, *(f"_{name}" for name in self.hashes))
        return {name: other.payload[name] for name in names if name in other.payload}

    def is_described(self, row: Row, other: Row | None) -> bool:
        """Whether the second store has the vectors of the very picture that the first has, or the first has none."""
        if other is None or not self.made <= other.vectors.keys():
            return False
        if not self._sees(row):
            return True
        if self.hashes:
            return False
        return other.payload.get("_sha256") == row.payload.get("_sha256") is not None

    def _sees(self, row: Row) -> bool:
        """Whether the first store knows the record's picture."""
        return "_sha256" in row.payload or bool(self.replaced & row.vectors.keys())

    def _plain(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in payload.items() if name.removeprefix("_") not in self.hashes}


class Twin(Passing):
    """Answers from the first store, but for marked vectors; writes to both, the first one first."""

    def __init__(self, first: Side, second: Side, names: Names) -> None:
        super().__init__(first.store)
        self._first, self._second, self._names = first, second, names
        self.dims = {**first.store.dims, **{name + BESIDE_MARK: second.store.dims[name] for name in names.made}}

    def upsert(self, rows: Sequence[Row]) -> None:
        check_rows(rows, self.dims)
        plain = [
            Row(row.id, {n: v for n, v in row.vectors.items() if n in self.inner.dims}, row.payload) for row in rows
        ]
        if self._first in self._kept:
            self._first.store.upsert(plain)
        if self._second in self._kept:
            self._second.store.upsert([self._names.counterpart(row, _marked(row)) for row in rows])

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        if self._first in self._kept:
            self._first.store.set_payload(payloads)
        if self._second in self._kept:
            there = [row for row in self._second.store.get(list(payloads), with_vectors=True) if row]
            changed = {row.id: self._names.payload(payloads[row.id], row.vectors) for row in there}
            self._second.store.set_payload(changed)

    def delete(self, ids: Sequence[str]) -> int:
        counts = [side.store.delete(ids) for side in self._kept]
        return counts[0]

    def delete_where(self, where: Filter | None) -> int:
        return self.delete([row.id for rows in walk(self.inner, where) for row in rows])

    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        """Return the first store's rows, with the vectors of both if wanted."""
        first: list[Row | None] = [None] * len(ids)
        if self._first in self._kept:
            first = self.inner.get(ids, with_vectors=with_vectors)
        if self._second.retired or not (with_vectors or self._first.retired):
            return first
        second = self._second.store.get(ids, with_vectors=with_vectors)
        return [self._merged(mine, other) for mine, other in zip(first, second, strict=True)]

    def nearest(self, query: Nearest) -> list[Hit]:
        """Ask the store that has the vector; by a marked one, the records as the second store has them."""
        check_nearest(query, self.dims)
        if query.name in self.inner.dims:
            return self.inner.nearest(query)
        return self._second.store.nearest(replace(query, name=query.name.removesuffix(BESIDE_MARK)))

    def optimize(self) -> bool:
        changed = [side.store.optimize() for side in self._kept]
        return any(changed)

    def purge(self) -> bool:
        purged = [side.store.purge() for side in self._kept]
        return all(purged)

    def flush(self) -> None:
        for side in self._kept:
            side.store.flush()

    def close(self) -> None:
        self._first.store.close()
        self._second.store.close()

    @property
    def _kept(self) -> list[Side]:
        """Those that are written to; of two given up the first, which says that it is closed."""
        return [side for side in (self._first, self._second) if not side.retired] or [self._first]

    def _merged(self, mine: Row | None, other: Row | None) -> Row | None:
        if mine is None and not self._first.retired:
            return None
        if other is None:
            return mine
        marked = {n + BESIDE_MARK: vector for n, vector in other.vectors.items() if n in self._names.made}
        base = mine or self._names.counterpart(other, {})
        return Row(base.id, {**base.vectors, **marked}, base.payload)


class PairedEnsemble(Ensemble):
    """Describes pictures as two ensembles do, in one go; only the second's `made` vectors count."""

    def __init__(self, first: Ensemble, second: Ensemble, made: frozenset[str]) -> None:
        self.__dict__.update(vars(first))  # whatever else is asked of it, it is the first
        self._first, self._second, self._made = first, second, made

    @property
    def dims(self) -> dict[str, int]:
        """Those of the first, and the marked ones of the second."""
        return {**self._first.dims, **{name + BESIDE_MARK: self._second.dims[name] for name in self._made}}

    @property
    def hashes(self) -> tuple[str, ...]:
        """Those of the first."""
        return self._first.hashes

    @property
    def signatures(self) -> dict[str, str]:
        """Those of the first."""
        return self._first.signatures

    @property
    def curves(self) -> dict[str, Calibration]:
        """Those of the first."""
        return self._first.curves

    @property
    def wants(self) -> int:
        """What the more demanding one wants."""
        return max(self._first.wants, self._second.wants)

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """Return the rows of the first, and the marked ones of the second."""
        beside = self._second.describe(pictures) if self._made else {}
        marked = {name + BESIDE_MARK: rows for name, rows in beside.items() if name in self._made}
        return {**self._first.describe(pictures), **marked}


def _marked(row: Row) -> dict[str, NDArray[np.float32]]:
    """Return the second's vectors of a row, by their own names."""
    found = {name: vector for name, vector in row.vectors.items() if name.endswith(BESIDE_MARK)}
    return {name.removesuffix(BESIDE_MARK): vector for name, vector in found.items()}
