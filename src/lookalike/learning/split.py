"""Which identities are learned from and which are kept to be asked about: no identity is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lookalike.errors import InvalidArgument
from lookalike.evaluation.described import Described
from lookalike.learning.dataset import shortened

__all__ = ["FEWEST", "both", "cleaned", "split_identities", "taken"]

FEWEST = 4
"""Identities with two pictures that are needed: two to learn from, two to be asked about."""


def cleaned(pictures: Described) -> tuple[Described, list[str]]:
    """Return the pictures without those that say nothing, and sentences about what was left out.

    Of pictures with the same bytes in one class the first is kept; those that stand in two classes are all left out.
    """
    classes: dict[str, set[str]] = {}
    for digest, label in zip(pictures.digests, pictures.labels, strict=True):
        classes.setdefault(digest, set()).add(label)
    seen: set[str] = set()
    keep, twice, against = [], [], []
    for place, digest in enumerate(pictures.digests):
        if len(classes[digest]) > 1:
            against.append(pictures.names[place])
        elif digest in seen:
            twice.append(pictures.names[place])
        else:
            seen.add(digest)
            keep.append(place)
    notes = []
    if pictures.unreadable:
        reasons = (f"{name} ({reason})" for name, reason in pictures.unreadable.items())
        notes.append(f"{len(pictures.unreadable):,} pictures can't be read: {shortened(reasons)}.")
    if against:
        notes.append(f"{len(against):,} files are in two classes, byte for byte; left out: {shortened(against)}.")
    if twice:
        notes.append(f"{len(twice):,} files are there before, byte for byte; left out: {shortened(twice)}.")
    return taken(pictures, keep), notes


def split_identities(identities: Sequence[str], share: float, seed: int, chosen: Sequence[str] = ()) -> frozenset[str]:
    """Return the identities that are held out, drawn evenly; the same for the same seed and identities.

    share: of those with two pictures or more, of which two at least are held out and two are not; as large a share of
    those with one picture, which can be found though not asked with. chosen: just these of them, in place of a share.
    Raises InvalidArgument for too few, and for a choice that leaves fewer than two on a side.
    """
    if not 0 < share < 1:
        raise InvalidArgument("held_out", share, "above 0 and below 1")
    counts = Counter(identities)
    able = sorted(name for name, count in counts.items() if count > 1)
    if len(able) < FEWEST:
        found = f"{len(counts):,} classes, {len(able):,} of them with two pictures or more"
        raise InvalidArgument("what is to be learned from", found, f"{FEWEST} such classes, better 20 or more")
    if chosen:
        held = set(chosen) & counts.keys()
        if not 2 <= len(held & set(able)) <= len(able) - 2:
            raise InvalidArgument(
                "held", shortened(chosen), "two classes with two pictures at least, and not all but one"
            )
        return frozenset(held)
    random = np.random.default_rng([seed, 3])
    alone = sorted(counts.keys() - set(able))
    number = min(max(2, round(share * len(able))), len(able) - 2)
    drawn = [able[place] for place in random.permutation(len(able))[:number]]
    drawn += [alone[place] for place in random.permutation(len(alone))[: round(share * len(alone))]]
    return frozenset(drawn)


def taken(pictures: Described, places: Sequence[int]) -> Described:
    """Return some of the pictures, in the order given."""
    chosen = np.asarray(places, np.intp)
    return replace(
        pictures,
        names=[pictures.names[place] for place in places],
        labels=[pictures.labels[place] for place in places],
        digests=[pictures.digests[place] for place in places],
        rows={line: rows[chosen] for line, rows in pictures.rows.items()},
    )


def both(one: Described, other: Described) -> Described:
    """Return the pictures of both, those of the first first."""
    return replace(
        one,
        names=[*one.names, *other.names],
        labels=[*one.labels, *other.labels],
        digests=[*one.digests, *other.digests],
        rows={line: np.concatenate([rows, other.rows[line]]) for line, rows in one.rows.items()},
    )
