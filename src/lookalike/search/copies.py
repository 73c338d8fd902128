"""Copies among matches: which records show one and the same picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lookalike.describers.calibration import Calibration
from lookalike.stores.base import Hit, Store

__all__ = ["Copies"]

_HASH = "_phash"
_DIGEST = "_sha256"
_VECTOR = "copy"
_BITS = 10  # of the 64 of pHash, up to which two pictures may be one
_SAME = 0.5  # probability by the copy vector from which they are
_UNCALIBRATED = 0.8  # the cosine that must do for a model without a curve


@dataclass(slots=True)
class Copies:
    """Pictures shown so far, best first, to hold the next ones against.

    Two records are copies if their files have the same bytes, or if their hashes differ in at most 10 bits and
    the copy vector agrees: neither alone convinces. Records without a hash, as with vectors of one's own, are
    copies of none. curve: of the collection's copy vector, if it has one.
    """

    store: Store
    curve: Calibration | None
    _ids: list[str] = field(default_factory=list)
    _hashes: list[int] = field(default_factory=list)
    _digests: dict[str, str] = field(default_factory=dict)

    def original(self, hit: Hit) -> str | None:
        """Return the id of the best picture shown that this is a copy of; None, and it is shown now."""
        digest, code = hit.payload.get(_DIGEST), _code(hit.payload)
        found = self._digests.get(digest) if isinstance(digest, str) else None
        if found is None and code is not None:
            found = self._same_picture(hit.id, code)
        if found is None:
            self._show(hit.id, digest, code)
        return found

    def _show(self, id_: str, digest: Any, code: int | None) -> None:
        if isinstance(digest, str):
            self._digests[digest] = id_
        if code is not None:
            self._ids.append(id_)
            self._hashes.append(code)

    def _same_picture(self, id_: str, code: int) -> str | None:
        if _VECTOR not in self.store.dims:
            return None
        bits = np.bitwise_count(np.array(self._hashes, np.uint64) ^ np.uint64(code))
        near = [self._ids[at] for at in np.flatnonzero(bits <= _BITS)]
        if not near:
            return None
        rows = {row.id: row.vectors for row in self.store.get([id_, *near], with_vectors=True) if row}
        own = rows.get(id_, {}).get(_VECTOR)
        for other in near:
            vector = rows.get(other, {}).get(_VECTOR)
            if own is not None and vector is not None and self._agree(float(own @ vector)):
                return other
        return None

    def _agree(self, cosine: float) -> bool:
        return cosine >= _UNCALIBRATED if self.curve is None else self.curve.probability(cosine) >= _SAME


def _code(payload: Mapping[str, Any]) -> int | None:
    text = payload.get(_HASH)
    try:
        return int(text, 16) if isinstance(text, str) and len(text) == 16 else None
    except ValueError:
        return None
