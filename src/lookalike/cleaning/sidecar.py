"""What copies that go say of their picture, and their keeper doesn't, kept in an XMP sidecar of the keeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lookalike.cleaning.told import sidecars, told_by
from lookalike.cleaning.xmp import Told, joined, write_xmp
from lookalike.folders.findings import PictureFile

__all__ = ["merged_sidecar"]


def merged_sidecar(keeper: PictureFile, others: Sequence[PictureFile]) -> tuple[str, bytes] | None:
    """Return (path, bytes) of the keeper's sidecar with what others say: every keyword and file name; rating,
    description, place and date of capture where the keeper has none, of the first other that has one.

    None if they add nothing. All that an existing sidecar says stays. A new one is named a.jpg.xmp.
    Raises SidecarUnreadable if any of them has XMP that can't be read, OSError.
    """
    own = told_by(keeper)
    names = tuple(name for other in others if (name := Path(other.path).name) != Path(keeper.path).name)
    everything = joined([own, *(told_by(other) for other in others), Told(names=names)])
    if everything == own:
        return None
    path = next(iter(sidecars(keeper)), f"{keeper.path}.xmp")
    existing = Path(path).read_bytes() if Path(path).exists() else None
    return path, write_xmp(_lacking(everything, own), existing, path)


def _lacking(everything: Told, own: Told) -> Told:
    """Return all keywords and names, for a list in a sidecar hides the one in the picture; of the rest what is new."""
    place = own.latitude is None
    return replace(
        everything,
        rating=everything.rating if own.rating is None else None,
        description="" if own.description else everything.description,
        taken="" if own.taken else everything.taken,
        latitude=everything.latitude if place else None,
        longitude=everything.longitude if place else None,
        altitude=everything.altitude if place else None,
    )
