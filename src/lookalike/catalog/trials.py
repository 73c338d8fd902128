"""Trials of collections: what is held against what, who was shown what, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, cast

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError

from lookalike.catalog.audit import enter
from lookalike.catalog.database import Database, new_id, now
from lookalike.catalog.tables import impressions, trial_events, trials
from lookalike.errors import EntryNotFound, InvalidArgument, TrialExists, TrialOver

__all__ = [
    "EVENTS",
    "Event",
    "Impression",
    "Logged",
    "Method",
    "Shown",
    "Tallies",
    "Tally",
    "Trial",
    "TrialTable",
    "remove_trials",
]

Method = Literal["split", "interleave"]
Event = Literal["click", "mark", "conversion"]
Shown = Literal["a", "b", "both"]
Ending = Literal["promoted", "dropped"]
Logged = Literal["events", "impressions"]

EVENTS: Final = ("click", "mark", "conversion")
_DIGITS: Final = 16  # of the digest of each record shown
_AT_ONCE: Final = 20_000  # rows
_LOGGED: Final[Mapping[Logged, sql.Table]] = {"events": trial_events, "impressions": impressions}
_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Trial:
    """Two variants of searching a collection. a, b: as in `trials.Variant.of`.

    share: of visitors who get b, where split. effect: the least difference worth finding: of the rates (0.05 is five
    points), or where interleaved of the share that prefers one from a half. goal: the event that counts.
    state: "running", "promoted" or "dropped". promoted: the variant that the collection goes by since, or "".
    """

    collection: str
    name: str
    method: Method = "split"
    a: Mapping[str, Any] = field(default_factory=dict)
    b: Mapping[str, Any] = field(default_factory=dict)
    share: float = 0.5
    effect: float = 0.05
    goal: Event = "click"
    who: str = ""
    id: str = ""
    state: str = "running"
    promoted: str = ""
    created: str = ""
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Impression:
    """One answer that was given in a trial. visitor: a digest, never the key itself. variant: "a", "b" or "both".

    shown: hexadecimal digests of the records' ids, so that no id is kept. teams: a letter for each of them: whose pick
    it is, "a" or "b", or "-" for what is not in the contest.
    """

    id: str
    trial: str
    visitor: str
    variant: Shown
    shown: Sequence[str]
    teams: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one variant: answers, visitors, visitors who did at least once what counts, and events by kind."""

    impressions: int = 0
    visitors: int = 0
    reached: int = 0
    events: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tallies:
    """Of both variants. prefer_a, prefer_b: visitors who did what counts more often on picks of the one."""

    a: Tally
    b: Tally
    prefer_a: int
    prefer_b: int


class TrialTable:
    """The trials of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, trial: Trial) -> Trial:
        """Begin a trial and return it with its id. Raises TrialExists."""
        given = ("collection", "name", "method", "share", "effect", "goal", "who")
        values = {name: getattr(trial, name) for name in given}
        values |= {"id": new_id("trial"), "a": dict(trial.a), "b": dict(trial.b), "state": "running", "created": now()}
        try:
            with self._database.writing() as connection:
                connection.execute(trials.insert().values(**values, promoted="", ended=None))
                details = {"trial": trial.name, "a": values["a"], "b": values["b"]}
                enter(connection, "trial.start", who=trial.who, target=trial.collection, details=details)
        except IntegrityError:
            raise TrialExists(trial.collection, trial.name) from None
        return self.find(trial.collection, trial.name)

    def find(self, collection: str, name: str) -> Trial:
        """Return a trial of a collection. Raises EntryNotFound."""
        with self._database.reading() as connection:
            return _found(connection, collection, name)

    def list(self, collection: str) -> list[Trial]:
        """Return the trials of a collection, newest first."""
        chosen = trials.select().where(trials.c.collection == collection)
        with self._database.reading() as connection:
            rows = connection.execute(chosen.order_by(trials.c.created.desc(), trials.c.id))
            return [_trial(row) for row in rows]

    def end(self, trial: Trial, state: Ending, *, promoted: str = "", who: str = "") -> Trial:
        """End a trial; its figures stay. Raises TrialOver, EntryNotFound."""
        with self._database.writing() as connection:
            values = {"state": state, "promoted": promoted, "ended": now()}
            running = trials.update().where(trials.c.id == trial.id, trials.c.state == "running")
            if not connection.execute(running.values(**values)).rowcount:
                raise TrialOver(trial.name, _found(connection, trial.collection, trial.name).state)
            details = {"trial": trial.name, **({"variant": promoted} if promoted else {})}
            action = "trial.promote" if promoted else "trial.drop"
            enter(connection, action, who=who, target=trial.collection, details=details)
            return _found(connection, trial.collection, trial.name)

    def forget(self, collection: str, name: str, *, who: str = "") -> Trial:
        """Delete a trial with all that was logged, and return it. Raises EntryNotFound."""
        with self._database.writing() as connection:
            trial = _found(connection, collection, name)
            _delete(connection, [trial.id])
            enter(connection, "trial.forget", who=who, target=collection, details={"trial": name})
        return trial

    def show(self, impression: Impression) -> None:
        """Keep what was shown to whom."""
        values = {name: getattr(impression, name) for name in ("id", "trial", "visitor", "variant", "teams")}
        with self._database.writing() as connection:
            shown = "".join(one[:_DIGITS] for one in impression.shown)
            connection.execute(impressions.insert().values(**values, shown=shown, created=now()))

    def impression(self, collection: str, id: str) -> tuple[Trial, Impression]:  # noqa: A002 - the word users know
        """Return an impression and its trial. Raises EntryNotFound."""
        chosen = sql.select(impressions, trials.c.name.label("of")).join(trials, trials.c.id == impressions.c.trial)
        with self._database.reading() as connection:
            found = chosen.where(impressions.c.id == id, trials.c.collection == collection)
            row = connection.execute(found).one_or_none()
            if row is None:
                raise EntryNotFound("impression", id)
            shown = [row.shown[at : at + _DIGITS] for at in range(0, len(row.shown), _DIGITS)]
            trial = _found(connection, collection, row.of)
        return trial, Impression(row.id, row.trial, row.visitor, row.variant, shown, row.teams)

    def log(self, impression: Impression, shown: str, event: Event) -> bool:
        """Keep an event on a record of an impression, named by its digest; False if it is kept already.

        Raises InvalidArgument if the impression didn't show it.
        """
        try:
            place = list(impression.shown).index(shown[:_DIGITS])
        except ValueError:
            raise InvalidArgument("record", "another", "one that the impression's answer showed") from None
        side = impression.teams[place]
        values = {"trial": impression.trial, "visitor": impression.visitor, "side": side, "created": now()}
        entry = self._database.insert(trial_events).values(impression=impression.id, place=place, kind=event, **values)
        with self._database.writing() as connection:
            kept = entry.on_conflict_do_nothing().returning(trial_events.c.place)  # row counts of inserts differ
            return connection.execute(kept).first() is not None

    def logged(self, trial: Trial) -> Iterator[tuple[Logged, Sequence[Mapping[str, Any]]]]:
        """Yield all that was kept of a trial, some rows at a time: what happened, then the answers it happened on."""
        with self._database.reading() as connection:
            for kind, table in _LOGGED.items():  # in this order, what is shown meanwhile leaves no event without answer
                columns = [column for column in table.c if column.name != "trial"]
                chosen = sql.select(*columns).where(table.c.trial == trial.id).order_by(*table.primary_key.columns)
                for rows in connection.execute(chosen).mappings().partitions(_AT_ONCE):
                    yield kind, [dict(row) for row in rows]

    def bring(self, trial: Trial, logged: Iterable[tuple[Logged, Sequence[Mapping[str, Any]]]]) -> Trial:
        """Put a trial back as it was, with its id, so that visitors stay on their side; return it as it is now.

        The same trial, if it is here, gets that state, and what happened is added to what is known to have happened.
        Where another one has its name, it gets a name with a digest of its id. All of it or nothing.
        """
        with self._database.writing() as connection:
            state = {name: getattr(trial, name) for name in ("state", "promoted", "ended")}
            if not connection.execute(trials.update().where(trials.c.id == trial.id).values(state)).rowcount:
                values = {one.name: getattr(trial, one.name) for one in fields(Trial)}
                named = trials.c.collection == trial.collection, trials.c.name == trial.name
                if connection.execute(trials.select().where(*named)).first() is not None:
                    tail = f"-{hashlib.sha256(trial.id.encode()).hexdigest()[:8]}"
                    values["name"] = trial.name[: _NAME - len(tail)] + tail
                connection.execute(trials.insert().values(values))
            for kind, rows in logged:
                if rows:
                    entries = [{**row, "trial": trial.id} for row in rows]
                    connection.execute(self._database.insert(_LOGGED[kind]).on_conflict_do_nothing(), entries)
            return _trial(connection.execute(trials.select().where(trials.c.id == trial.id)).one())

    def tallies(self, trial: Trial) -> Tallies:
        """Return the figures so far."""
        with self._database.reading() as connection:
            shown = _shown(connection, trial)
            events = _events(connection, trial)
            reached = _reached(connection, trial)
            prefer_a, prefer_b = _preferences(connection, trial)
        a, b = (
            Tally(*shown.get(side if trial.method == "split" else "both", (0, 0)), reached.get(side, 0), events[side])
            for side in ("a", "b")
        )
        return Tallies(a, b, prefer_a, prefer_b)


def remove_trials(connection: sql.Connection, collection: str) -> None:
    """Delete all trials of a collection, within a transaction."""
    _delete(connection, sql.select(trials.c.id).where(trials.c.collection == collection))


def _delete(connection: sql.Connection, chosen: Any) -> None:
    for column in (trial_events.c.trial, impressions.c.trial, trials.c.id):
        connection.execute(column.table.delete().where(column.in_(chosen)))


def _found(connection: sql.Connection, collection: str, name: str) -> Trial:
    chosen = trials.select().where(trials.c.collection == collection, trials.c.name == name)
    row = connection.execute(chosen).one_or_none()
    if row is None:
        raise EntryNotFound("trial", name)
    return _trial(row)


def _trial(row: Any) -> Trial:
    return Trial(**{one.name: getattr(row, one.name) for one in fields(Trial)})


def _shown(connection: sql.Connection, trial: Trial) -> dict[str, tuple[int, int]]:
    """Return variant -> answers and visitors."""
    people = sql.func.count(sql.distinct(impressions.c.visitor))
    chosen = sql.select(impressions.c.variant, sql.func.count(), people).where(impressions.c.trial == trial.id)
    return {row[0]: (row[1], row[2]) for row in connection.execute(chosen.group_by(impressions.c.variant))}


def _events(connection: sql.Connection, trial: Trial) -> dict[str, dict[str, int]]:
    """Return side -> kind -> how many."""
    found: dict[str, dict[str, int]] = {side: dict.fromkeys(EVENTS, 0) for side in ("a", "b")}
    of, kind = trial_events.c.side, trial_events.c.kind
    chosen = sql.select(of, kind, sql.func.count()).where(trial_events.c.trial == trial.id).group_by(of, kind)
    for side, event, count in connection.execute(chosen):
        if side in found:
            found[side][event] = count
    return found


def _reached(connection: sql.Connection, trial: Trial) -> dict[str, int]:
    """Return side -> visitors who did at least once what counts."""
    people = sql.func.count(sql.distinct(trial_events.c.visitor))
    chosen = sql.select(trial_events.c.side, people).where(*_counting(trial)).group_by(trial_events.c.side)
    return {row[0]: row[1] for row in connection.execute(chosen)}


def _preferences(connection: sql.Connection, trial: Trial) -> tuple[int, int]:
    """Return how many visitors did what counts more often on picks of a, and of b."""
    of = trial_events.c.side
    lead = sql.func.sum(sql.case((of == "a", 1), (of == "b", -1), else_=0)).label("lead")
    each = sql.select(lead).where(*_counting(trial)).group_by(trial_events.c.visitor).subquery()
    for_a, for_b = (sql.func.sum(sql.case((ahead, 1), else_=0)) for ahead in (each.c.lead > 0, each.c.lead < 0))
    row = connection.execute(sql.select(for_a, for_b)).one()
    return cast(int, row[0] or 0), cast(int, row[1] or 0)


def _counting(trial: Trial) -> tuple[Any, ...]:
    return trial_events.c.trial == trial.id, trial_events.c.kind == trial.goal
