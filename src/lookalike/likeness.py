"""How likely two pictures are one and the same, by their descriptions alone: what a collection can say of its records.

`compare` looks at the pictures; here only digests, perceptual hashes and vectors are known. So hashes convince alone
only when they nearly agree, and the copy vector convinces only together with a hash: drawings look alike to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.describers.calibration import Calibration
from lookalike.describers.hashes import ORIENTATIONS
from lookalike.kinds import SAME as JOINED
from lookalike.kinds import CollectionSettings
from lookalike.records import Verdict
from lookalike.signals import ALIKE
from lookalike.stores.base import Row

__all__ = ["SAME", "Codes", "Judge", "code_of", "is_plain", "nearest_bits", "turned_codes"]

Codes = NDArray[np.uint64]
"""pHashes as numbers, the most significant bit first."""

SAME: Final = 0.5
"""Probability from which two pictures are called the same one."""

TURNED_BITS: Final = 7
"""Bits of 64 up to which a hash is believed to be that of a picture turned or mirrored."""

_TURNED_AND_COPIED: Final = 12  # where the copy vector says the same; of turned copies as good as all are that near
_COPIED: Final = 0.9

_FEWEST_ONES: Final = 24  # half of a hash's bits are ones, unless its picture is too plain to have any pattern
_UNKNOWN: Final = 64
_ROWS = np.arange(64).reshape(8, 8) // 8 % 2 == 1
_COLUMNS = np.arange(64).reshape(8, 8) % 2 == 1


def code_of(payload: Mapping[str, Any]) -> int | None:
    """Return the pHash that a record's payload keeps, None where there is none."""
    text = payload.get("_phash")
    try:
        return int(text, 16) if isinstance(text, str) and len(text) == 16 else None
    except ValueError:
        return None


def is_plain(codes: ArrayLike) -> NDArray[np.bool_]:
    """Whether hashes are of pictures without a pattern; they say nothing then."""
    return np.asarray(np.bitwise_count(np.asarray(codes, np.uint64)) < _FEWEST_ONES)


def turned_codes(codes: Codes) -> Codes:
    """Return about the hashes that the pictures would have if held each way: (n,) to (n, 8), as in `ORIENTATIONS`.

    Mirroring flips the signs of the odd columns of a picture's DCT, transposing it transposes the DCT. Bits compare
    with a median near 0, so their turned form is off by those few coefficients between it and 0.
    """
    bits = np.unpackbits(codes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1).reshape(-1, 8, 8).astype(bool)
    made = []
    for held in (bits, _flipped(bits, _COLUMNS)):
        across = held.transpose(0, 2, 1)
        made += [
            held,
            _flipped(across, _COLUMNS),
            _flipped(_flipped(held, _COLUMNS), _ROWS),
            _flipped(across, _ROWS),
        ]
    packed = [np.packbits(turned.reshape(-1, 64), axis=1).view(">u8")[:, 0].astype(np.uint64) for turned in made]
    return np.stack(packed, axis=1)


def nearest_bits(
    turned: Codes, other: ArrayLike, most: ArrayLike = TURNED_BITS
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return how a picture is held nearest to others, and the bits of 64 that differ then.

    turned: (..., 8) as `turned_codes` or `hashes.orientations` give them; other: (...) of the same leading shape.
    A turn counts only if the hashes then nearly agree: in up to `most` bits, see `Judge.turned_bits`.
    """
    bits = np.bitwise_count(turned ^ np.asarray(other, np.uint64)[..., None]).astype(np.intp)
    how = bits.argmin(axis=-1)
    least = bits.min(axis=-1)
    believed = least <= np.asarray(most)
    return np.where(believed, how, 0), np.where(believed, least, bits[..., 0])


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges pairs.

    curves: vector name -> its probability curve, of the collection's vectors that have one. joined: what makes the
    log-odds of hash and copy vector together a probability, if somebody's own pairs say it better. threshold:
    probability from which a pair is called the same picture.
    """

    curves: Mapping[str, Calibration]
    joined: Calibration | None = None
    threshold: float = SAME

    @classmethod
    def of(cls, curves: Mapping[str, Calibration], settings: CollectionSettings) -> Judge:
        """Return the judge of a collection: the model's curves, and over them those of the collection's own."""
        own = {name: Calibration(**curve) for name, curve in settings.curves.items()}
        joined = own.pop(JOINED, None)
        return cls({**curves, **own}, joined, settings.threshold)

    def probabilities(self, bits: ArrayLike, copy: ArrayLike) -> NDArray[np.float64]:
        """Return P(same picture) of many pairs by the bits of 64 that differ and the cosine of the copy vectors.

        bits: 64 where the hashes say nothing. The figures come from 250 photographs with 8 edits each and 161 logos
        in two sizes: pairs of different pictures began at 10 bits, edits ended at about 14.
        """
        bits = np.asarray(bits, np.float64)
        agreed = self._copied(copy)
        by_hash = _rising(9.0 - bits, 1.2)
        by_both = _rising(14.0 - bits, 2.0) * agreed**20
        joined: NDArray[np.float64] = 1.0 - (1.0 - by_hash) * (1.0 - by_both) * (1.0 - 0.3 * agreed)
        if self.joined is not None:
            sure = np.clip(joined, 1e-6, 1 - 1e-6)
            joined = self.joined.probabilities(np.log(sure / (1 - sure)))
        return np.minimum(0.9999, joined)

    def turned_bits(self, copy: ArrayLike) -> NDArray[np.intp]:
        """Return the bits of 64 up to which a turned hash is believed: more where the cosine of copy vectors agrees.

        The hashes of turned pictures are made from those of the pictures, which is off by up to 12 bits; of 24,000
        pairs of different photographs two were nearer than 13 in any of eight ways.
        """
        return np.where(self._copied(copy) >= _COPIED, _TURNED_AND_COPIED, TURNED_BITS)

    def judge(self, a: Row, b: Row, held: tuple[int, int] | None = None) -> tuple[Verdict, float, dict[str, Any]]:
        """Return verdict, probability and evidence of two records; their rows with vectors.

        held: orientation of a and bits that differ then, if they are known better than from the stored hashes.
        """
        same = a.payload.get("_sha256") is not None and a.payload["_sha256"] == b.payload.get("_sha256")
        evidence: dict[str, Any] = {"same_bytes": same}
        cosines = {name: _cosine(a.vectors, b.vectors, name) for name in ("copy", "meaning")}
        how, bits = held or _held(a.payload, b.payload, int(self.turned_bits(cosines["copy"] or 0.0)))
        if bits < _UNKNOWN:
            evidence["hash"] = {"phash_bits_of_64": bits, "orientation": ORIENTATIONS[how]}
        said = {name: self._said(name, cosine) for name, cosine in cosines.items() if cosine is not None}
        evidence |= {
            name: {"cosine": round(cosines[name] or 0.0, 6), "probability": round(value, 6)}
            for name, value in said.items()
        }
        if same:
            return "identical", 1.0, evidence
        probability = round(float(self.probabilities(bits, cosines["copy"] or 0.0)), 6)
        return self._verdict(probability, said), probability, evidence

    def least_cosine(self) -> float:
        """Return the cosine of copy vectors from which a pair is worth looking at."""
        curve = self.curves.get("copy")
        return 0.6 if curve is None else max(-1.0, min(1.0, -curve.offset / curve.scale))

    def _verdict(self, probability: float, said: Mapping[str, float]) -> Verdict:
        if probability >= self.threshold:
            return "edited-copy"
        alike = said.get("meaning", 0.0)
        if alike >= SAME and said.get("copy", 0.0) >= SAME:
            return "near-duplicate"
        return "similar" if alike >= ALIKE else "unrelated"

    def _copied(self, cosines: ArrayLike) -> NDArray[np.float64]:
        curve = self.curves.get("copy")
        values = np.asarray(cosines, np.float64)
        return _rising(values - 0.8, 0.03) if curve is None else _rising(curve.scale * values + curve.offset, 1.0)

    def _said(self, name: str, cosine: float) -> float:
        curve = self.curves.get(name)
        return float(_rising(np.asarray(cosine - 0.8), 0.03)) if curve is None else curve.probability(cosine)


def _held(a: Mapping[str, Any], b: Mapping[str, Any], most: int) -> tuple[int, int]:
    codes = [code_of(a), code_of(b)]
    if codes[0] is None or codes[1] is None or is_plain([codes[0], codes[1]]).any():
        return 0, _UNKNOWN
    how, bits = nearest_bits(turned_codes(np.array([codes[0]], np.uint64)), np.array([codes[1]], np.uint64), most)
    return int(how[0]), int(bits[0])


def _flipped(bits: NDArray[np.bool_], where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(bits ^ where)


def _rising(value: ArrayLike, width: float) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(np.asarray(value, np.float64) / width, -60.0, 60.0))))


def _cosine(a: Mapping[str, NDArray[np.float32]], b: Mapping[str, NDArray[np.float32]], name: str) -> float | None:
    return float(np.clip(a[name] @ b[name], -1.0, 1.0)) if name in a and name in b else None
