"""A tagger as a folder: its card, its numbers, and the report of its training. Nothing in it can run.

tagger.json    what it says, the digest of the numbers, and its own
numbers.npz    weights, offsets, thresholds
report.json    figures on held-out pictures; for people, never read here
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.describers.modelfolder import card_digest, check_place
from lookalike.errors import InvalidArgument, TaggerUnusable, WouldOverwrite
from lookalike.placing import placed, write_json
from lookalike.taggers.tagger import TASKS, VECTOR, Tagger

__all__ = ["CARD", "TAGGERS", "check_target", "read_tagger", "tagger_folder", "write_tagger"]

CARD = "tagger.json"
"""The file that makes a folder a tagger."""

TAGGERS = "taggers"
"""Folder of a workspace where taggers are that are meant by their names."""

FORMAT = 2
"""Version of what is written here; a newer one is refused. 2 are taggers that read several vectors, others are 1."""

_NUMBERS, _REPORT = "numbers.npz", "report.json"
_ARRAYS = ("weights", "offsets", "thresholds")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_AGAIN = "Train it again, or take the folder from where it was made."


def tagger_folder(name: str, workspace: Path) -> Path:
    """Return the folder that a name means: one below the workspace's `taggers`, or any, by a path with a slash."""
    return workspace / TAGGERS / name if _NAME.match(name) else Path(name).expanduser().absolute()


def read_tagger(folder: Path) -> Tagger:
    """Return the tagger in a folder, from memory if it was read before and did not change. Raises TaggerUnusable."""
    try:
        stamps = tuple((folder / name).stat().st_mtime_ns for name in (CARD, _NUMBERS))
    except OSError as error:
        raise TaggerUnusable(str(folder), f"{CARD} and {_NUMBERS} are not there ({error.strerror})", _AGAIN) from None
    return _read(folder, stamps)


def check_target(out: Path, force: bool) -> None:
    """Raise WouldOverwrite or InvalidArgument if a tagger can't be written there."""
    check_place(out)
    if not out.exists():
        return
    if not (out / CARD).is_file():
        raise InvalidArgument("--out", str(out), "a folder that is not there yet, or one that holds a tagger")
    if not force:
        raise WouldOverwrite(f"The tagger {out}")


def write_tagger(out: Path, tagger: Tagger, report: Mapping[str, Any]) -> Tagger:
    """Write the folder aside, read it back, and rename it into place; one that was there is replaced.

    The same tagger gives the same bytes. Raises FolderUnwritable where the disk refuses.
    """
    with placed(out) as aside:
        sink = io.BytesIO()
        np.savez(sink, **{name: getattr(tagger, name) for name in _ARRAYS})
        (aside / _NUMBERS).write_bytes(sink.getvalue())
        facts = _facts(tagger, hashlib.sha256(sink.getvalue()).hexdigest())
        write_json(aside / _REPORT, report)
        write_json(aside / CARD, facts | {"digest": card_digest(facts)})
        read_tagger(aside)
    return read_tagger(out)


def _facts(tagger: Tagger, digest: str) -> dict[str, Any]:
    facts = {
        "format": FORMAT if tagger.beside else 1,
        "name": tagger.name,
        "task": tagger.task,
        "field": tagger.field,
        "labels": list(tagger.labels),
        "reads": {"vector": VECTOR, "signature": tagger.signature, "width": len(tagger.weights)}
        | ({"beside": dict(tagger.beside)} if tagger.beside else {}),
        "numbers": {"name": _NUMBERS, "sha256": digest},
        "trained": tagger.trained,
    }
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


@lru_cache(maxsize=64)
def _read(folder: Path, stamps: tuple[int, ...]) -> Tagger:
    """Read a folder whose files are as old as `stamps` say."""
    try:
        facts = json.loads((folder / CARD).read_text("utf-8"))
        numbers = (folder / _NUMBERS).read_bytes()
        if facts["format"] not in range(1, FORMAT + 1):
            raise ValueError(f"format {facts['format']}, this version reads {FORMAT}")
        if facts["digest"] != card_digest(facts):
            raise ValueError("the card was altered after it was written")
        if facts["numbers"]["sha256"] != hashlib.sha256(numbers).hexdigest():
            raise ValueError(f"{_NUMBERS} was altered after it was written")
        if facts["task"] not in TASKS or facts["reads"]["vector"] != VECTOR:
            raise ValueError("it does what this version can't")
        with np.load(io.BytesIO(numbers), allow_pickle=False) as arrays:
            weights, offsets, thresholds = (arrays[name] for name in _ARRAYS)
        if weights.shape != (facts["reads"]["width"], len(facts["labels"])):
            raise ValueError("its numbers don't fit its labels")
        about = {name: facts[name] for name in ("name", "task", "field", "labels", "digest", "trained")}
        signature = facts["reads"]["signature"]
        about["beside"] = facts["reads"].get("beside", {})
        return Tagger(weights=weights, offsets=offsets, thresholds=thresholds, signature=signature, **about)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TaggerUnusable(str(folder), str(error) or repr(error), _AGAIN) from None
