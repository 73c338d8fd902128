"""From a question to what is looked for: a direction per description, and keywords, each with its share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.colors import palette_histogram
from lookalike.describers.ensemble import Ensemble
from lookalike.errors import InvalidArgument, RecordNotFound, ShapeMismatch, UnknownVector
from lookalike.images import decode, read_image
from lookalike.images.image import Pixels
from lookalike.kinds import CollectionSettings
from lookalike.search.keywords import keywords_of
from lookalike.search.palette import Palette
from lookalike.search.query import TAGS, Example, Query
from lookalike.settings import Settings
from lookalike.stores.base import Store, Vector

__all__ = ["Target", "TargetReader"]

_COLOR = "color"
_ASIDE = 0.5  # the weight, without `weights`, of a palette or keywords, by that of the heaviest other part
_SMALLEST = 4  # pixels of a box, each way; what is smaller was meant as fractions
_CANCELED = 1e-3  # a sum of unit vectors this short points nowhere


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is looked for.

    vectors: description name -> unit float32 row. keywords: each with its weight. shares: name of each of these
    parts, "tags" for the keywords -> its share of the score; they sum to 1. fields: where records have keywords.
    examples: ids of records that were examples, never found by their own question. unknown_words: what of a text
    was not understood.
    """

    vectors: Mapping[str, Vector]
    keywords: Mapping[str, float]
    shares: Mapping[str, float]
    fields: Mapping[str, float]
    examples: frozenset[str] = frozenset()
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """An example, described: name -> unit row, of the descriptions it has. shares: what a text says it is about."""

    example: Example
    rows: Mapping[str, NDArray[np.float32]]
    keywords: Mapping[str, float] = field(default_factory=dict)
    unknown_words: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class TargetReader:
    """Describes questions about one collection.

    chosen: what it compares unless told otherwise, and where its keywords are. check: raises ModelMismatch if these
    describers are not those of the collection.
    """

    name: str
    store: Store
    ensemble: Ensemble
    settings: Settings
    chosen: CollectionSettings
    check: Callable[[], None]

    def read(self, query: Query) -> Target:
        """Return what the question looks for.

        Each description's direction is the sum of the examples' unit vectors times their weights (Rocchio 1971),
        brought to unit length. A palette beside examples is the color part alone. Keywords are the question's own,
        or else those of the records it names, each with its largest weight. Without `by` and `weights` the
        collection's weights count, of the parts that the question has; for a text alone, what the text is about.
        Raises RecordNotFound, UnknownVector, InvalidArgument, ShapeMismatch, ImageError, ModelError.
        """
        read = [self._read(example, self._main(query)) for example in query.examples]
        keywords = self._keywords(query, read)
        weights = self._weights(query, read, keywords)
        vectors = {}
        for name in weights:
            if name == _COLOR and query.palette is not None:
                vectors[name] = palette_row(query.palette)
            elif name != TAGS:
                vectors[name] = self._direction(name, read)
        total = sum(weights.values())
        return Target(
            vectors=vectors,
            keywords=keywords if TAGS in weights else {},
            shares={name: weight / total for name, weight in weights.items()},
            fields=self.chosen.fields,
            examples=frozenset(str(one.example.value) for one in read if one.example.kind == "id"),
            unknown_words=tuple(dict.fromkeys(word for one in read for word in one.unknown_words)),
        )

    def _main(self, query: Query) -> str:
        """Return the description that a bare vector is of."""
        named = [name for name in query.weights or () if name != TAGS]
        return query.by or (named[0] if len(named) == 1 else self.chosen.by)

    def _weights(self, query: Query, read: Sequence[_Read], keywords: Mapping[str, float]) -> dict[str, float]:
        """Return the weight of each part."""
        for name in {query.by, *(query.weights or ())} - {TAGS, None}:
            if name not in self.store.dims:
                raise UnknownVector(str(name), [*self.store.dims, TAGS])
        if query.weights is not None:
            return self._stated(query.weights, query, keywords)
        if query.by is not None:
            found = {query.by: 1.0} if read else {}
        elif len(read) == 1 and read[0].shares.keys() & self.store.dims.keys():
            found = {name: share for name, share in read[0].shares.items() if name in self.store.dims}
        else:
            found = self._usual(query, read, keywords)
        beside = _ASIDE * max(found.values(), default=1.0)
        if query.palette is not None:
            found.setdefault(_COLOR, beside)
        if query.tags:
            found.setdefault(TAGS, beside)
        return found

    def _usual(self, query: Query, read: Sequence[_Read], keywords: Mapping[str, float]) -> dict[str, float]:
        """Return the collection's weights of the parts that the question has."""
        has = {name for one in read for name in one.rows}
        parts = has | ({_COLOR} if query.palette else set()) | ({TAGS} if keywords else set())
        found = {name: weight for name, weight in self.chosen.weights.items() if weight > 0 and name in parts}
        if read and not found.keys() & has:
            found[_COLOR if has == {_COLOR} else self.chosen.by] = 1.0
        return found

    def _stated(self, weights: Mapping[str, float], query: Query, keywords: Mapping[str, float]) -> dict[str, float]:
        """Return the weights above 0. Keywords drop out where the records named have none."""
        found = {name: float(weight) for name, weight in weights.items() if weight > 0}
        if TAGS in found and not keywords:
            if query.tags is not None or not any(example.kind == "id" for example in query.examples):
                raise InvalidArgument("weights.tags", found[TAGS], "left out, or tags given")
            del found[TAGS]
        if not found:
            raise InvalidArgument("weights", dict(weights), "above 0 for a part that the records named have")
        return found

    def _keywords(self, query: Query, read: Sequence[_Read]) -> dict[str, float]:
        if query.tags is not None:
            return dict.fromkeys(query.tags, 1.0)
        found: dict[str, float] = {}
        for one in read:
            for word, weight in one.keywords.items():
                if one.example.weight > 0:
                    found[word] = max(found.get(word, 0.0), weight)
        return found

    def _direction(self, name: str, read: Sequence[_Read]) -> Vector:
        rows = [one.example.weight * one.rows[name].astype(np.float64) for one in read if name in one.rows]
        if not rows:
            known = dict.fromkeys(name for one in read for name in one.rows)
            raise InvalidArgument("the description compared", name, f"one that an example has: {', '.join(known)}")
        total = np.sum(rows, axis=0)
        length = float(np.linalg.norm(total))
        if length < _CANCELED * max(abs(one.example.weight) for one in read):
            raise InvalidArgument("like", "nothing", "examples and weights that do not cancel one another")
        return np.asarray(total / length, np.float32)

    def _read(self, example: Example, by: str) -> _Read:
        match example.kind:
            case "image":
                return _Read(example, self._image_rows(example))
            case "id":
                return self._record(example)
            case "vector":
                return _Read(example, self._given_rows(example, by))
            case "colors":
                return _Read(example, {_COLOR: palette_row(example.value)})
            case _:
                return self._text(example)

    def _image_rows(self, example: Example) -> dict[str, NDArray[np.float32]]:
        self.check()
        # Every pixel of a small part counts, so nothing is scaled while decoding a picture with a box.
        pixels = self._pixels(example, self.ensemble.wants if example.box is None else None)
        if example.box is not None:
            pixels = _cut(pixels, example)
        rows = self.ensemble.describe([pixels])
        return {name: rows[name][0] for name in self.store.dims if name in rows}

    def _pixels(self, example: Example, wants: int | None) -> Pixels:
        limits = self.settings.limits
        if not isinstance(example.value, bytes):
            return read_image(example.value, limits=limits, wants=wants).pixels
        limits.check_bytes(example.place, len(example.value))
        return decode(example.value, name=example.place, limits=limits, wants=wants).pixels

    def _record(self, example: Example) -> _Read:
        row = self.store.get([str(example.value)], with_vectors=True)[0]
        if row is None:
            raise RecordNotFound(self.name, str(example.value))
        return _Read(example, row.vectors, keywords_of(row.payload, self.chosen.fields))

    def _given_rows(self, example: Example, by: str) -> dict[str, NDArray[np.float32]]:
        named = example.value if isinstance(example.value, Mapping) else {by: example.value}
        for name in named:
            if name not in self.store.dims:
                raise UnknownVector(str(name), list(self.store.dims))
        rows = {name: _unit(example.place, row) for name, row in named.items()}
        for name, row in rows.items():
            if row.shape != (self.store.dims[name],):
                raise ShapeMismatch(f"{example.place} ({name})", expected=(self.store.dims[name],), got=row.shape)
        return rows

    def _text(self, example: Example) -> _Read:
        self.check()
        reading = self.ensemble.describe_text(example.value)
        return _Read(example, reading.rows, unknown_words=tuple(reading.unknown), shares=reading.shares)


def palette_row(palette: Palette) -> NDArray[np.float32]:
    """Return a palette as the color description of a picture that has its colors in its shares."""
    return palette_histogram(palette.colors, palette.weights)


def _unit(place: str, vector: Any) -> NDArray[np.float32]:
    try:
        row = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidArgument(place, "not usable", "a flat list of numbers") from None
    length = float(np.linalg.norm(row)) if row.ndim == 1 else 0.0
    if not np.isfinite(length) or length == 0.0:
        raise InvalidArgument(place, "not usable", "a flat list of finite numbers, not all zero")
    return (row / length).astype(np.float32)


def _cut(pixels: Pixels, example: Example) -> Pixels:
    """Return the part of a picture in a box: fractions if no side is above 1, else pixels; cut at whole pixels."""
    assert example.box is not None
    height, width = pixels.shape[:2]
    left, top, right, bottom = example.box
    if max(example.box) <= 1.0:
        left, right, top, bottom = left * width, right * width, top * height, bottom * height
    part = pixels[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
    if right > width or bottom > height or min(part.shape[:2]) < min(_SMALLEST, height, width):
        place = "box" if example.place == example.kind else f"{example.place}.box"
        inside = f"inside the picture, which is {width} x {height} pixels, and {_SMALLEST} of them or more each way"
        raise InvalidArgument(place, list(example.box), inside)
    return np.ascontiguousarray(part)
