"""Copies among matches: which records show one and the same picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lookalike.likeness import Judge, code_of, is_plain, nearest_bits, turned_codes
from lookalike.stores.base import Hit, Row, Store

__all__ = ["Copies"]

_DIGEST = "_sha256"
_BITS = 14  # of the 64 of pHash; no judgment calls pictures one whose hashes differ more


@dataclass(slots=True)
class Copies:
    """Pictures shown so far, best first, to hold the next ones against.

    Two records are copies if their files have the same bytes, or if the judge says so of their hashes, held each
    way, and copy vectors. Records without a hash, as with vectors of one's own, and pictures too plain for one are
    copies of none but the same bytes.
    """

    store: Store
    judge: Judge
    _ids: list[str] = field(default_factory=list)
    _codes: list[int] = field(default_factory=list)
    _digests: dict[str, str] = field(default_factory=dict)

    def original(self, hit: Hit) -> str | None:
        """Return the id of the best picture shown that this is a copy of; None, and it is shown now."""
        digest, code = hit.payload.get(_DIGEST), code_of(hit.payload)
        code = None if code is None or is_plain(code) else code
        found = self._digests.get(digest) if isinstance(digest, str) else None
        if found is None and code is not None and self._codes:
            found = self._same_picture(hit.id, code)
        if found is None:
            self._show(hit.id, digest, code)
        return found

    def _show(self, id_: str, digest: Any, code: int | None) -> None:
        if isinstance(digest, str):
            self._digests[digest] = id_
        if code is not None:
            self._ids.append(id_)
            self._codes.append(code)

    def _same_picture(self, id_: str, code: int) -> str | None:
        shown = np.array(self._codes, np.uint64)
        turned = turned_codes(np.array([code], np.uint64))
        _, bits = nearest_bits(np.broadcast_to(turned, (len(shown), turned.shape[1])), shown)
        near = [self._ids[at] for at in np.flatnonzero(bits <= _BITS)]
        rows = {row.id: row for row in self.store.get([id_, *near], with_vectors=True) if row} if near else {}
        if id_ not in rows:
            return None
        return next((one for one in near if one in rows and self._same(rows[id_], rows[one])), None)

    def _same(self, a: Row, b: Row) -> bool:
        return self.judge.judge(a, b)[1] >= self.judge.threshold
