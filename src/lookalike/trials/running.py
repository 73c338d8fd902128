"""The trials of a workspace: begun, searched in, reported on, and ended."""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Final, Protocol

from lookalike.catalog import EVENTS, CollectionInfo, Event, Impression, Shown, Trial, TrialTable
from lookalike.errors import InvalidArgument, TrialOver
from lookalike.kinds import changed
from lookalike.records import Match, Matches, Record
from lookalike.search import Query
from lookalike.stores.base import Store
from lookalike.stores.shelf import Shelf
from lookalike.stores.watched import Watched
from lookalike.trials.assignment import SIDES, Drafted, Side, digest, draft, side_of
from lookalike.trials.promotion import Progress, take_over
from lookalike.trials.report import Report, report_of
from lookalike.trials.variant import Variant

__all__ = ["MAX_SHOWN", "Trials", "check_trial", "promoted_variant"]

MAX_SHOWN: Final = 1000
"""Most matches of one answer in a trial."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_LONGEST: Final = 500
_COMPARED: Final = 1000  # records whose ids must be in both collections when a trial begins


class Searched(Protocol):
    """The verbs of a collection that trials use."""

    info: CollectionInfo

    @property
    def writing(self) -> Lock: ...

    def count(self) -> int: ...

    def get(self, ids: Sequence[str]) -> list[Record | None]: ...

    def sample(self, size: int, *, seed: int | None) -> list[Record]: ...

    def search_weighing(self, query: Query, weights: Mapping[str, float] | None) -> Matches: ...


class Space(Protocol):
    """The verbs of a workspace that trials use."""

    shelf: Shelf

    def get(self, name: str) -> Searched: ...

    def configure(self, name: str, **changes: Any) -> object: ...

    def store_of(self, name: str) -> Watched: ...

    def new_store(self, info: CollectionInfo) -> tuple[str, Store]: ...

    def enter(self, infos: Sequence[CollectionInfo]) -> None: ...


class Trials:
    """Two ways to search one collection, tried on its visitors. Safe to call from several threads."""

    def __init__(self, table: TrialTable, space: Space) -> None:
        self._table, self._space = table, space

    def start(self, trial: Trial) -> Trial:
        """Begin a trial: from now on, searches that name it take part. Returns it with its id.

        a, b: as in `Variant.of`; {} is the collection as it is. Another collection must have the same ids.
        Raises CollectionNotFound, TrialExists, InvalidArgument.
        """
        check_trial(trial)
        own = self._space.get(trial.collection)
        sides = [Variant.of("a", trial.a), Variant.of("b", trial.b)]
        for place, variant in zip(SIDES, sides, strict=True):
            answering = self._answering(trial.collection, variant)
            if variant.weights is not None:
                changed(answering.info.name, answering.info.settings, {"weights": variant.weights})
            if variant.collection == trial.collection:
                raise InvalidArgument(f"{place}.collection", variant.collection, "left out, or another one")
            if variant.collection is not None:
                _check_ids(place, own, answering)
        if sides[0] == sides[1]:
            raise InvalidArgument("b", trial.b, "another one than a")
        return self._table.add(replace(trial, a=sides[0].as_json(), b=sides[1].as_json()))

    def find(self, collection: str, name: str) -> Trial:
        """Return a trial. Raises CollectionNotFound, EntryNotFound."""
        self._space.get(collection)
        return self._table.find(collection, name)

    def list(self, collection: str) -> list[Trial]:
        """Return the trials of a collection, newest first. Raises CollectionNotFound."""
        self._space.get(collection)
        return self._table.list(collection)

    def search(self, collection: str, query: Query, name: str, visitor: str | None) -> Matches:
        """Answer as the visitor's variant does, with `variant` and `impression`; or drafted from both.

        visitor: any text that is the same for the same person; only a digest of it is kept. In a trial that is over,
        everybody is answered by the collection as it is, without an impression.
        Raises EntryNotFound, InvalidArgument for what the trial decides, and as a search does.
        """
        if not isinstance(visitor, str) or not 0 < len(visitor) <= _LONGEST:
            raise InvalidArgument("visitor", visitor, f"a text of 1 to {_LONGEST} characters, the same for one person")
        trial = self._table.find(collection, name)
        _check_query(trial, query)
        if trial.state != "running":
            return self._space.get(collection).search_weighing(query, None)
        if trial.method == "split":
            side = side_of(trial.id, visitor, trial.share)
            found = self._ask(trial, side, query)
            return self._kept(trial, visitor, side, found, [side] * len(found))
        lists = {side: self._ask(trial, side, query).items for side in SIDES}
        keys = {side: [_key(match) for match in matches] for side, matches in lists.items()}
        seed = digest("draft", trial.id, visitor, json.dumps(keys))
        drafted = draft(keys["a"], keys["b"], query.k or MAX_SHOWN, seed)
        items = [lists[one.side][one.place] for one in drafted]
        return self._kept(trial, visitor, "both", Matches(items), [_letter(one) for one in drafted])

    def log(self, collection: str, impression: str, record: str, event: Event = "click") -> bool:
        """Keep that a visitor clicked, marked or took a record that an answer showed.

        Returns whether it counts: the same again does not, nor what comes after the trial's end.
        Raises EntryNotFound for an unknown impression, InvalidArgument for a record that it did not show.
        """
        if event not in EVENTS:
            raise InvalidArgument("event", event, f"one of {', '.join(EVENTS)}")
        trial, shown = self._table.impression(collection, impression)
        named = _name(impression, record)
        if named not in shown.shown:
            raise InvalidArgument("record", record, "one that the answer of this impression showed")
        return trial.state == "running" and self._table.log(shown, named, event)

    def report(self, collection: str, name: str) -> Report:
        """Return the figures so far and what they say. Raises CollectionNotFound, EntryNotFound."""
        return report_of(self._table, self.find(collection, name))

    def promote(
        self, collection: str, name: str, variant: str, *, who: str = "", progress: Progress = lambda count: None
    ) -> Trial:
        """End a trial and make a variant's settings the collection's; its figures stay.

        Of another collection, the collection takes the model, the settings and the vectors, and keeps its metadata;
        progress: called with the number of records copied since the last call.
        Raises TrialOver, EntryNotFound, InvalidArgument if the ids of the two are no longer the same; what `progress`
        raises, and then nothing has changed.
        """
        trial = self.find(collection, name)
        chosen = promoted_variant(trial, variant)

        def copied(count: int) -> None:
            progress(count)
            promoted_variant(self._table.find(collection, name), variant)  # it may be dropped meanwhile

        if chosen.collection is not None:
            take_over(self._space, collection, chosen.collection, copied)
        if chosen.weights is not None:
            self._space.configure(collection, weights=chosen.weights)
        return self._table.end(trial, "promoted", promoted=variant, who=who)

    def drop(self, collection: str, name: str, *, who: str = "") -> Trial:
        """End a trial and leave the collection as it is; the figures stay. Raises TrialOver, EntryNotFound."""
        return self._table.end(self.find(collection, name), "dropped", who=who)

    def forget(self, collection: str, name: str, *, who: str = "") -> Trial:
        """Delete a trial with all that was logged, running or not. Raises EntryNotFound."""
        return self._table.forget(collection, name, who=who)

    def _answering(self, collection: str, variant: Variant) -> Searched:
        return self._space.get(variant.collection or collection)

    def _ask(self, trial: Trial, side: Side, query: Query) -> Matches:
        variant = Variant.of(side, trial.a if side == "a" else trial.b)
        return self._answering(trial.collection, variant).search_weighing(query, variant.weights)

    def _kept(self, trial: Trial, visitor: str, variant: Shown, found: Matches, teams: Sequence[str]) -> Matches:
        """Keep what is shown, with the members of groups, and return it with its impression."""
        id_ = f"imp_{secrets.token_hex(12)}"
        shown: dict[str, str] = {}
        for match, team in zip(found, teams, strict=True):
            members = match.group.members if match.group else ()
            for one in (match, *members):
                shown.setdefault(_name(id_, one.id), team)
        who = digest("visitor", trial.id, visitor).hex()
        self._table.show(Impression(id_, trial.id, who, variant, list(shown), "".join(shown.values())))
        return replace(found, impression=id_, variant=variant)


def promoted_variant(trial: Trial, variant: str) -> Variant:
    """Return the variant of a trial that runs. Raises InvalidArgument for another letter, TrialOver."""
    if variant not in SIDES:
        raise InvalidArgument("variant", variant, "a or b")
    if trial.state != "running":
        raise TrialOver(trial.name, trial.state)
    return Variant.of(variant, trial.a if variant == "a" else trial.b)


def check_trial(trial: Trial) -> None:
    """Raise InvalidArgument for what no trial can be called, be shared by or look for."""
    if not _NAME.match(trial.name):
        raise InvalidArgument("name", trial.name, "1 to 64 letters, digits, '.', '_' or '-'")
    if trial.method not in ("split", "interleave"):
        raise InvalidArgument("method", trial.method, "split or interleave")
    if trial.goal not in EVENTS:
        raise InvalidArgument("goal", trial.goal, f"one of {', '.join(EVENTS)}")
    for name, value, most in (("share", trial.share, 0.99), ("effect", trial.effect, 0.4)):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not 0.01 <= value <= most:
            raise InvalidArgument(name, value, f"a number from 0.01 to {most}")
    if trial.method == "interleave" and trial.share != 0.5:
        raise InvalidArgument("share", trial.share, "left out where answers are interleaved: everybody sees both")


def _check_ids(place: str, one: Searched, other: Searched) -> None:
    """Raise InvalidArgument unless two collections have as many records, and of many the same ids."""
    counts = one.count(), other.count()
    there = other.get([record.id for record in one.sample(_COMPARED, seed=0)]) if counts[0] else []
    if counts[0] != counts[1] or None in there:
        told = f"of the same ids: {counts[0]:,} records there, {counts[1]:,} here, {there.count(None)} of them missing"
        raise InvalidArgument(f"{place}.collection", other.info.name, told)


def _check_query(trial: Trial, query: Query) -> None:
    for name in ("by", "weights"):
        if getattr(query, name) is not None:
            raise InvalidArgument(name, getattr(query, name), "left out in a trial, whose variants say it")
    if query.k is None or query.k > MAX_SHOWN:
        raise InvalidArgument("k", query.k, f"a whole number between 1 and {MAX_SHOWN:,} in a trial")
    if trial.method == "interleave" and (query.after is not None or query.distinct):
        strange = "after" if query.after is not None else "distinct"
        raise InvalidArgument(strange, getattr(query, strange), "left out where answers are interleaved")


def _key(match: Match) -> str:
    """Name what must not be shown twice: the record, or its group."""
    if match.group is None or match.group.value is None:
        return f"id {match.id}"
    return f"group {json.dumps(match.group.value)}"


def _letter(one: Drafted) -> str:
    return one.side if one.counts else "-"


def _name(impression: str, record: str) -> str:
    return digest("shown", impression, record).hex()[:16]
