"""The taggers of a collection as rows of a form: which one stands where, and which there are to choose from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from lookalike.catalog import CollectionInfo
from lookalike.errors import InvalidArgument, ModelError
from lookalike.taggers import read_tagger, tagger_folder
from lookalike.taggers.folder import CARD, TAGGERS
from lookalike.taggers.tagger import VECTOR
from lookalike.workspace import Workspace

__all__ = ["Chain", "chain_of", "chosen_taggers"]

Step = str | Mapping[str, Any]

_FIELD: Final = "tagger."
_SPARE: Final = 2  # empty rows below those in use
_MOST: Final = 16
_GONE: Final = "not here any more, or altered"


@dataclass(frozen=True, slots=True)
class Chain:
    """rows: (name in the form, the tagger chosen or "", what else the step says); options: (tagger, what it gives)."""

    rows: Sequence[tuple[str, str, str]]
    options: Sequence[tuple[str, str]]


def chain_of(space: Workspace, info: CollectionInfo, given: Mapping[str, str]) -> Chain | None:
    """Return the rows as the form has them, or else as they are set; None where pictures have no vectors to read."""
    if VECTOR not in info.settings.describers:
        return None
    steps = info.settings.taggers
    said = _said(given)
    chosen = [_tagger(step) for step in steps] if said is None else said
    more = dict(_told(steps, chosen))
    rows = [
        (f"{_FIELD}{place}", name, more.get(place, "")) for place, name in enumerate([*chosen, *[""] * _SPARE][:_MOST])
    ]
    there = dict(_there(space, info))
    used = {name: "" if _readable(space, name) else _GONE for name in map(_tagger, steps) if name not in there}
    return Chain(rows, [*there.items(), *used.items()])


def chosen_taggers(space: Workspace, info: CollectionInfo, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the change of the setting `taggers` that a form says; none where it has no such rows, or the same ones.

    A tagger that stays keeps its field, its filter and its least probability. Raises InvalidArgument for one that is
    not there or reads vectors of another model.
    """
    names = _said(given)
    if names is None:
        return {}
    steps, left = [], list(info.settings.taggers)
    allowed = [*dict(_there(space, info)), *map(_tagger, left)]
    for name in filter(None, names):
        if name not in allowed:
            wanted = f"one of {', '.join(dict.fromkeys(allowed))}" if allowed else "left out: no tagger is here yet"
            raise InvalidArgument("taggers", name, wanted)
        kept = next((step for step in left if _tagger(step) == name), name)
        if kept in left:
            left.remove(kept)
        steps.append(kept)
    return {} if steps == list(info.settings.taggers) else {"taggers": steps}


def _said(given: Mapping[str, str]) -> list[str] | None:
    """Return the taggers in a form, in the order of their rows; None if it has no such rows."""
    rows = [(field.removeprefix(_FIELD), text) for field, text in given.items() if field.startswith(_FIELD)]
    return [text for _, text in sorted(rows, key=lambda row: (len(row[0]), row[0]))] if rows else None


def _there(space: Workspace, info: CollectionInfo) -> Iterator[tuple[str, str]]:
    """Yield the workspace's taggers that read this collection's vectors, with what they give, ascending by name."""
    for card in sorted((space.path / TAGGERS).glob(f"[!.]*/{CARD}")):
        with suppress(ModelError):  # one that was altered, or learned from another model, can't be chosen
            tagger = read_tagger(card.parent)
            tagger.check(info.signatures)
            labels = f"{len(tagger.labels):,} {'tags' if tagger.task == 'tag' else 'labels'}"
            yield card.parent.name, f"{tagger.field}, {labels}"


def _readable(space: Workspace, name: str) -> bool:
    try:
        read_tagger(tagger_folder(name, space.path))
    except ModelError:
        return False
    return True


def _tagger(step: Step) -> str:
    return step if isinstance(step, str) else str(step["tagger"])


def _told(steps: Sequence[Step], chosen: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the place of a chosen tagger and what its step says beside its name."""
    left = list(steps)
    for place, name in enumerate(chosen):
        step = next((one for one in left if _tagger(one) == name), None)
        if step is None:
            continue
        left.remove(step)
        if isinstance(step, str):
            continue
        told = [f"fills {step['field']}"] if "field" in step else []
        told += [f"only where {json.dumps(step['when'], ensure_ascii=False)}"] if step.get("when") else []
        told += [f"from {step['least']:g} on"] if step.get("least") else []
        yield place, ", ".join(told)
