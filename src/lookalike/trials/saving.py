"""Trials as part of a backup: each with the answers that were shown in it and what came of them, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lookalike.catalog import Logged, Trial, TrialTable
from lookalike.errors import InvalidArgument
from lookalike.trials.running import check_trial
from lookalike.trials.variant import Variant

__all__ = ["pack_trials", "parts_of_trials", "read_trials", "unpack_trials"]

Part = Mapping[str, str]
"""A file of a backup: `file` and `sha256`."""

_STATES = ("running", "promoted", "dropped")
_TYPES: Mapping[Logged, Mapping[str, type]] = {
    "events": {"impression": str, "place": int, "kind": str, "visitor": str, "side": str, "created": str},
    "impressions": {"id": str, "visitor": str, "variant": str, "shown": str, "teams": str, "created": str},
}


def pack_trials(
    table: TrialTable, collections: Sequence[str], folder: str, put: Callable[[str, bytes], Part]
) -> list[dict[str, Any]]:
    """Keep the trials of these collections below a folder of a backup; return what its manifest says of them.

    put: keeps a file of the backup. Raises OSError, CatalogFailed.
    """
    told: list[dict[str, Any]] = []
    for trial in (trial for name in collections for trial in table.list(name)):
        kept: dict[str, Any] = {"trial": asdict(trial), "events": [], "impressions": []}
        for kind, rows in table.logged(trial):
            lines = "".join(f"{json.dumps(dict(row))}\n" for row in rows).encode()
            kept[kind].append(put(f"{folder}/{len(told)}/{kind}-{len(kept[kind]) + 1:05}.jsonl", lines))
        told.append(kept)
    return told


def parts_of_trials(told: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Return the files of a backup that hold trials."""
    return [part for one in told for kind in _TYPES for part in one.get(kind, [])]


def read_trials(told: Sequence[Mapping[str, Any]], read: Callable[[Part], bytes]) -> None:
    """Raise ValueError unless everything in the trials of a backup can be taken."""
    for one in told:
        _trial(one)
        for _ in _logged(one, read):
            pass


def unpack_trials(table: TrialTable, told: Sequence[Mapping[str, Any]], read: Callable[[Part], bytes]) -> None:
    """Put the trials of a backup into a workspace that has their collections; see `TrialTable.bring`.

    Raises ValueError, CatalogFailed.
    """
    for one in told:
        table.bring(_trial(one), _logged(one, read))


def _trial(one: Mapping[str, Any]) -> Trial:
    try:
        trial = Trial(**one["trial"])
        check_trial(trial)
        facts = (trial.collection, trial.id, trial.state, trial.promoted, trial.created, trial.who)
        if not all(isinstance(fact, str) for fact in facts) or trial.state not in _STATES:
            raise TypeError(f"its facts are {facts}")
        for side, variant in (("a", trial.a), ("b", trial.b)):
            Variant.of(side, variant)
    except (TypeError, InvalidArgument) as error:
        raise ValueError(f"it has a trial that is none ({error})") from None
    return trial


def _logged(one: Mapping[str, Any], read: Callable[[Part], bytes]) -> Iterator[tuple[Logged, list[dict[str, Any]]]]:
    for kind, types in _TYPES.items():
        for part in one[kind]:
            rows = [json.loads(line) for line in read(part).splitlines()]
            for row in rows:
                if not isinstance(row, dict) or {name: type(value) for name, value in row.items()} != types:
                    raise ValueError(f"{part['file']} has a line that is none of {kind}")
            yield kind, rows
