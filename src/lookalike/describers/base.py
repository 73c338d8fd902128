"""What a describer is: pictures in, one row of numbers per picture out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from lookalike.images.image import Pixels

__all__ = ["Describer", "Metric", "VectorSpec"]

Metric = Literal["cosine", "hamming"]


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """One kind of description.

    width: numbers per picture: floats under "cosine" (rows of unit length), bytes under "hamming"
    (packed bits, most significant first).
    """

    name: str
    width: int
    metric: Metric


class Describer(Protocol):
    """Makes descriptions. The same pixels give the same rows, alone or in a batch."""

    @property
    def signature(self) -> str:
        """Name and version, stored with every collection; another whenever the same pixels give other rows."""

    @property
    def vectors(self) -> tuple[VectorSpec, ...]:
        """What `describe` returns, by name."""

    @property
    def wants(self) -> int:
        """Pictures whose shorter side has at least this many pixels lose nothing here by a scaled decode."""

    def describe(self, pictures: Sequence[Pixels]) -> Mapping[str, NDArray[Any]]:
        """Return name -> (len(pictures), width), float32 unit rows or uint8 packed bits, in input order."""
