"""What was found of a pair of files, and what earlier scans found of the same two pictures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any, Final

from lookalike.describers.ensemble import Ensemble
from lookalike.folders.findings import FilePair, PictureFile
from lookalike.folders.remembered import Remembered
from lookalike.judgment import judgment
from lookalike.version import __version__

__all__ = ["VERSION", "Recollection", "Seen"]

VERSION: Final = 5
"""Of what is found of a pair; who changes what is found of the same two pictures raises it."""

_FOUND: Final = [one.name for one in fields(FilePair) if one.name not in ("a", "b")]


@dataclass(frozen=True, slots=True)
class Seen:
    """A pair as it was judged. differs: the two align, and yet what they share is not the same."""

    pair: FilePair
    differs: bool = False


class Recollection:
    """What was found of pairs of files by the same version with the same model, by what the files hold.

    A pair is asked for as it was put, the file of the first path first. Safe for several threads.
    """

    def __init__(self, place: str, ensemble: Ensemble) -> None:
        """place: the file it is kept in, see `Remembered`; ensemble: that looks at the pictures."""
        judged = judgment()
        weights = json.dumps([judged.signature, judged.offset, dict(judged.weights)], sort_keys=True)
        maker = f"{VERSION} {__version__} {ensemble.neural.signature} {weights}"
        self._kept = Remembered(place, hashlib.sha256(maker.encode()).hexdigest()[:16])

    def get(self, a: PictureFile, b: PictureFile) -> Seen | None:
        """Return what was found of two files."""
        kept = self._kept.get(a.sha256, b.sha256)
        return None if kept is None else _unpacked(a, b, kept)

    def put(self, a: PictureFile, b: PictureFile, seen: Seen) -> None:
        """Keep what was found of two files."""
        found = {name: getattr(seen.pair, name) for name in _FOUND} | {"differs": seen.differs}
        self._kept.put(a.sha256, b.sha256, found)

    def close(self) -> None:
        """Write what was put, and release the file."""
        self._kept.close()


def _unpacked(a: PictureFile, b: PictureFile, kept: dict[str, Any]) -> Seen | None:
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    try:
        return Seen(differs=rest.pop("differs"), pair=FilePair(a.path, b.path, **rest))
    except (KeyError, TypeError):  # written by somebody else
        return None
