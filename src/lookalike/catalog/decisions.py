"""What people decided about pictures: these are the same, or not, these are known and set aside. It lasts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from lookalike.catalog.database import Database, now
from lookalike.catalog.tables import decisions
from lookalike.errors import EntryNotFound, InvalidArgument

__all__ = ["Decision", "Decisions", "Mark", "Verdict"]

Verdict = Literal["different", "set-aside", "same"]
"""different: no two of the members are duplicates. set-aside: known pictures that never count as duplicates. same: all
show the same picture; `lookalike calibrate` learns from it, and nothing is left apart by it."""

Mark = Literal["same", "different"]
"""What is said of records by a mark."""

_FEWEST: Final = {"different": 2, "set-aside": 1, "same": 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    members: ascending; ids of records, or SHA-256 digests of pictures' bytes. collection: the one whose records
    are meant, or None for pictures in folders, which only digests name for good. who: key, user or "".
    """

    id: int
    verdict: Verdict
    members: Sequence[str]
    collection: str | None
    who: str
    note: str
    created: str


class Decisions:
    """The decisions of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, verdict: Verdict, members: Iterable[str], *, collection: str | None = None, who: str = "", note: str = ""
    ) -> Decision:
        """Keep a decision; the same one made again is the first one. Raises InvalidArgument for too few members."""
        if verdict not in get_args(Verdict):
            raise InvalidArgument("verdict", verdict, f"one of {', '.join(get_args(Verdict))}")
        chosen = sorted(set(members))
        if len(chosen) < _FEWEST[verdict] or not all(isinstance(member, str) and member for member in chosen):
            raise InvalidArgument("members", chosen, f"at least {_FEWEST[verdict]} different ids or digests")
        values = {"scope": collection or "", "verdict": verdict, "members": chosen, "digest": _digest(chosen)}
        with self._database.writing() as connection:
            entry = self._database.insert(decisions).values(**values, who=who, note=note, created=now())
            connection.execute(entry.on_conflict_do_nothing())
            same = [decisions.c[name] == values[name] for name in ("scope", "verdict", "digest")]
            return _decision(connection.execute(decisions.select().where(*same)).one()._mapping)

    def mark(
        self, verdict: Mark, members: Iterable[str], *, collection: str, who: str = "", note: str = ""
    ) -> Decision:
        """Keep that records are the same picture or not; what was said before of just these goes. Raises as `add`."""
        said = frozenset(members)
        self.unmark(said, collection=collection)
        return self.add(verdict, said, collection=collection, who=who, note=note)

    def unmark(self, members: Iterable[str], *, collection: str) -> None:
        """Forget whether just these records are the same picture or not."""
        chosen = decisions.c.digest == _digest(sorted(set(members)))
        about = decisions.delete().where(chosen, decisions.c.scope == collection)
        with self._database.writing() as connection:
            connection.execute(about.where(decisions.c.verdict.in_(get_args(Mark))))

    def list(self, collection: str | None = None, *, verdict: Verdict | None = None) -> list[Decision]:
        """Return the decisions about a collection, or about folders (None), oldest first."""
        chosen = decisions.select().where(decisions.c.scope == (collection or "")).order_by(decisions.c.id)
        if verdict is not None:
            chosen = chosen.where(decisions.c.verdict == verdict)
        with self._database.reading() as connection:
            return [_decision(row._mapping) for row in connection.execute(chosen)]

    def withdraw(self, id: int) -> Decision:  # noqa: A002 - the word users know
        """Forget a decision and return it. Raises EntryNotFound."""
        with self._database.writing() as connection:
            row = connection.execute(decisions.select().where(decisions.c.id == id)).one_or_none()
            if row is None:
                raise EntryNotFound("decision", str(id))
            connection.execute(decisions.delete().where(decisions.c.id == id))
        return _decision(row._mapping)


def _digest(members: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()


def _decision(row: Mapping[Any, Any]) -> Decision:
    rest = {name: value for name, value in row.items() if name not in ("scope", "digest")}
    return Decision(**rest, collection=row["scope"] or None)
