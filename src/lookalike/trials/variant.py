"""One of the two ways to search that a trial holds against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.errors import InvalidArgument

__all__ = ["Variant"]


@dataclass(frozen=True, slots=True)
class Variant:
    """How a variant searches; what is None is as the collection has it.

    weights: as in `CollectionSettings.weights`. collection: another collection, with the same ids, that answers.
    """

    weights: Mapping[str, float] | None = None
    collection: str | None = None

    @classmethod
    def of(cls, place: str, given: Mapping[str, Any]) -> Variant:
        """Read `weights`, or `by` for one description alone, and `collection`. Raises InvalidArgument.

        Whether the collection has such descriptions is not asked here.
        """
        strange = sorted(set(given) - {"by", "weights", "collection"}) if isinstance(given, Mapping) else [given]
        if strange:
            raise InvalidArgument(place, strange[0], 'like {"weights": {"meaning": 1}}, {"by": "color"} or {}')
        by, weights, collection = (given.get(name) for name in ("by", "weights", "collection"))
        if by is not None and weights is not None:
            raise InvalidArgument(f"{place}.by", by, "left out where weights are given")
        for name, value in (("by", by), ("collection", collection)):
            if value is not None and not (isinstance(value, str) and value):
                raise InvalidArgument(f"{place}.{name}", value, "a name")
        if weights is not None and not isinstance(weights, Mapping):
            raise InvalidArgument(f"{place}.weights", weights, 'an object like {"meaning": 0.7, "tags": 0.3}')
        return cls({by: 1.0} if by is not None else weights, collection)

    def as_json(self) -> dict[str, Any]:
        """Return what `of` takes; {} is the collection as it is."""
        given: dict[str, Any] = {}
        if self.weights is not None:
            given["weights"] = dict(self.weights)
        if self.collection is not None:
            given["collection"] = self.collection
        return given

    def __str__(self) -> str:
        parts = [f"{name} {weight:g}" for name, weight in (self.weights or {}).items()]
        told = [f"collection {self.collection}"] if self.collection else []
        return ", ".join(told + parts) or "as it is"
