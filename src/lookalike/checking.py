"""Is this picture here already? By digest, hash however it is held, and copy vector; of the doubtful, by the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike import filters
from lookalike.comparison import compare
from lookalike.describers.ensemble import Ensemble
from lookalike.describers.hashes import held_as, orientations
from lookalike.errors import ImageError, InvalidArgument
from lookalike.filters import Filter
from lookalike.images import read_image
from lookalike.images.image import Image
from lookalike.likeness import Judge, code_of, is_plain, nearest_bits
from lookalike.records import Resemblance
from lookalike.search import record_of
from lookalike.settings import Settings
from lookalike.stores.base import Nearest, Row, Store

__all__ = ["MOST_FOUND", "Checker"]

MOST_FOUND: Final = 100
"""Most records one check returns."""

_VERIFIED: Final = 5  # pictures opened for one check at most
_DOUBTFUL: Final = (0.02, 0.98)
_SHOWN: Final = ("identical", "edited-copy", "near-duplicate")


@dataclass(frozen=True, slots=True)
class Checker:
    """Answers for one collection, whose describers are `ensemble`."""

    store: Store
    ensemble: Ensemble
    settings: Settings
    judge: Judge

    def check(self, image: Any, *, k: int = 10, where: Filter | None = None, verify: bool = True) -> list[Resemblance]:
        """Return the at most k records that show the same picture or another shot of it, most probable first.

        verify: open the files of up to 5 doubtful records, where they are on this machine, and compare the pixels.
        Raises ImageError, InvalidArgument for k outside 1 to 100.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_FOUND:
            raise InvalidArgument("k", k, f"a whole number between 1 and {MOST_FOUND}")
        picture = read_image(image, limits=self.settings.limits)
        held = [held_as(picture.pixels, how) for how in range(8)]
        codes = orientations("phash", [picture.pixels])[0].view(">u8")[:, 0].astype(np.uint64)
        rows = self.ensemble.describe(held)
        found = []
        for row in self._candidates(picture, codes, rows, where, k):
            how, bits = _held(codes, row)
            vectors = {name: values[how] for name, values in rows.items() if name in row.vectors}
            asked = Row("", vectors, {"_sha256": picture.sha256})
            verdict, probability, evidence = self.judge.judge(asked, row, (how, bits))
            found.append(Resemblance(row.id, verdict, probability, evidence, record_of(row.id, row.payload)))
        found = _ordered(found)
        if verify:
            found = _ordered(self._verified(picture, found))
        return [one for one in found if one.verdict in _SHOWN][:k]

    def _candidates(
        self, picture: Image, codes: NDArray[np.uint64], rows: Mapping[str, NDArray[Any]], where: Filter | None, k: int
    ) -> list[Row]:
        """Return the rows worth judging, each once: same bytes, the same hash however held, near by the copy vector."""
        same = filters.equals("_sha256", picture.sha256)
        conditions: list[Filter] = [same]
        if not is_plain(codes).any():
            conditions.append(filters.one_of("_phash", [f"{int(code):016x}" for code in codes]))
        ids: dict[str, None] = {}
        for condition in conditions:
            both = condition if where is None else filters.And((condition, where))
            ids.update(dict.fromkeys(row.id for row in self.store.scroll(where=both, limit=k).rows))
        if "copy" in self.store.dims:
            least = self.judge.least_cosine()
            for vector in rows["copy"]:
                query = Nearest("copy", vector, k, where, least)
                ids.update(dict.fromkeys(hit.id for hit in self.store.nearest(query)))
        return [row for row in self.store.get(list(ids), with_vectors=True) if row]

    def _verified(self, picture: Image, found: list[Resemblance]) -> list[Resemblance]:
        """Compare the pixels of the most probable doubtful ones whose files can be opened."""
        opened = 0
        done = []
        for one in found:
            low, high = _DOUBTFUL
            file = one.record.fields.get("_file")
            if opened < _VERIFIED and isinstance(file, str) and low <= one.probability <= high:
                opened += 1
                one = self._compared(picture, file, one)
            done.append(one)
        return done

    def _compared(self, picture: Image, file: str, one: Resemblance) -> Resemblance:
        try:
            other = read_image(Path(file), limits=self.settings.limits)
        except ImageError:
            return one  # moved or gone since: what was described stays all there is to go by
        if other.sha256 != one.record.fields.get("_sha256"):
            return one
        said = compare(picture.pixels, other.pixels, settings=self.settings)
        evidence = {name: value for name, value in said.evidence.items() if name != "pictures"}
        doubted = said.verdict == "edited-copy" and said.probability < self.judge.threshold
        verdict = "similar" if doubted else said.verdict
        return Resemblance(one.id, verdict, said.probability, {**evidence, "compared": True}, one.record)


def _held(codes: NDArray[np.uint64], row: Row) -> tuple[int, int]:
    code = code_of(row.payload)
    if code is None or is_plain([int(codes[0]), code]).any():
        return 0, 64
    how, bits = nearest_bits(codes[None], np.array([code], np.uint64))
    return int(how[0]), int(bits[0])


def _ordered(found: list[Resemblance]) -> list[Resemblance]:
    return sorted(found, key=lambda one: (-one.probability, one.id))
