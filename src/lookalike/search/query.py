"""The question: one frozen value for Python, the command line and the service, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from lookalike.errors import InvalidArgument
from lookalike.search.palette import Palette, read_palette

__all__ = ["MAX_EXAMPLES", "MAX_K", "MAX_RANKED", "TAGS", "Example", "Query", "check_whole"]

MAX_K = 10_000
"""Most matches in one answer; its `next` leads on."""

MAX_RANKED = 1_000
"""Most records that one call of `rank` puts in order."""

MAX_EXAMPLES = 64
"""Most examples in `like`."""

TAGS = "tags"
"""The field of a record's keywords, and the name of their part in `weights`."""

_KINDS = ("image", "id", "vector", "text", "colors")


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Something to look for, or with a negative weight to stay away from. kind: which of _KINDS `value` is.

    place: what messages call it. box: of a picture, the part that counts.
    """

    place: str
    kind: str
    value: Any
    weight: float = 1.0
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is looked for, how it is compared, and which of the nearest are wanted.

    *What.* At most one of image (anything `read_image` takes), id (a record), vector (numbers for `by`, or a mapping
    of description names to numbers) and text; box = [left, top, right, bottom] takes a part of the image, in
    fractions of its sides or in pixels. like: examples {"image" | "id" | "vector" | "text" | "colors": ...,
    "weight": number, "box": ...}, summed by weight (default 1; below 0: unlike it). colors: a palette, hex texts or
    {"hex", "weight"}. tags: keywords. At least one of all these.

    *How.* by: the description compared, by default the collection's; or weights: description name or "tags" ->
    share, for several at once.

    *Which.* where: MongoDB-like filter. k: matches wanted; None for all that reach min_score, 10,000 at a time.
    min_score: matches exactly at it are kept. exact: no approximation. group_by: the best match per value of a
    field (group=True: of the collection's product id), with group_size records of each; records without the field
    stand alone. distinct: of copies of one picture only the best. after: the `next` of an earlier answer.

    Raises InvalidArgument for what can't be meant.
    """

    image: Any = None
    box: Sequence[float] | None = None
    id: str | None = None
    vector: Any = None
    text: str | None = None
    colors: Sequence[Any] | Mapping[str, float] | None = None
    tags: Sequence[str] | None = None
    like: Sequence[Mapping[str, Any]] = ()
    by: str | None = None
    weights: Mapping[str, float] | None = None
    where: Mapping[str, Any] | None = None
    k: int | None = 10
    min_score: float | None = None
    exact: bool = False
    group: bool = False
    group_by: str | None = None
    group_size: int = 1
    distinct: bool = False
    after: str | None = None

    def __post_init__(self) -> None:
        self._check_source()
        self._check_comparison()
        self._check_selection()

    @classmethod
    def of(cls, question: Mapping[str, Any]) -> Query:
        """Make a query of named values. Raises InvalidArgument for names that it has not, and as making one does."""
        known = [field.name for field in fields(cls)]
        for name in question:
            if name not in known:
                raise InvalidArgument("search", name, f"given one or more of {', '.join(known)}")
        return cls(**question)

    @property
    def examples(self) -> tuple[Example, ...]:
        """The pictures, records, vectors and texts to be like or unlike; a palette of its own is not among them."""
        single = [
            Example(kind, kind, value, box=_box("box", self.box))
            for kind in ("image", "id", "vector", "text")
            if (value := getattr(self, kind)) is not None
        ]
        return (*single, *(_example(f"like[{i}]", one) for i, one in enumerate(self.like)))

    @property
    def palette(self) -> Palette | None:
        """The colors asked for, read."""
        return None if self.colors is None else read_palette("colors", self.colors)

    @property
    def grouped(self) -> bool:
        """Whether matches are grouped."""
        return self.group or self.group_by is not None

    def _check_source(self) -> None:
        given = [kind for kind in ("image", "id", "vector", "text") if getattr(self, kind) is not None]
        if len(given) > 1:
            raise InvalidArgument("search", " and ".join(given), "given one of image, id, vector, text; like sums them")
        if self.box is not None and self.image is None:
            raise InvalidArgument("box", list(self.box), "given with an image, or within an example of like")
        if len(self.like) > MAX_EXAMPLES:
            raise InvalidArgument("like", f"{len(self.like)} examples", f"at most {MAX_EXAMPLES}")
        _check_text("text", self.text)
        if self.tags is not None and (isinstance(self.tags, str) or not all(isinstance(t, str) for t in self.tags)):
            raise InvalidArgument("tags", self.tags, "a list of keywords")
        if not self.examples and self.palette is None and not self.tags:
            raise InvalidArgument("search", "empty", "given one of image, id, vector, text, like, colors and tags")

    def _check_comparison(self) -> None:
        if self.weights is None:
            return
        if self.by is not None:
            raise InvalidArgument("by", self.by, "left out where weights are given")
        if not isinstance(self.weights, Mapping) or not self.weights:
            raise InvalidArgument("weights", self.weights, 'an object like {"meaning": 0.7, "tags": 0.3}')
        for name, weight in self.weights.items():
            _check_number(f"weights.{name}", weight)
            if weight < 0:
                raise InvalidArgument(f"weights.{name}", weight, "0 or more; for what is not wanted use like")
        if not any(self.weights.values()):
            raise InvalidArgument("weights", dict(self.weights), "above 0 for at least one")

    def _check_selection(self) -> None:
        check_whole("group_size", self.group_size, 1, 100)
        if self.k is not None:
            check_whole("k", self.k, 1, MAX_K)
        elif self.min_score is None:
            raise InvalidArgument("k", None, "given, unless min_score says how near is near enough")
        if self.min_score is not None:
            _check_number("min_score", self.min_score)
            if not 0.0 <= self.min_score <= 1.0:
                raise InvalidArgument("min_score", self.min_score, "between 0 and 1")
        if self.group_size > 1 and not self.grouped:
            raise InvalidArgument("group_size", self.group_size, "1 where nothing is grouped; give group_by or group")
        if self.group and self.group_by is not None:
            raise InvalidArgument("group_by", self.group_by, "left out where group is given")


def _example(place: str, given: Mapping[str, Any]) -> Example:
    if not isinstance(given, Mapping):
        raise InvalidArgument(place, given, 'an object like {"id": "1_1", "weight": -0.5}')
    kinds = [kind for kind in _KINDS if given.get(kind) is not None]
    strange = set(given) - {*_KINDS, "weight", "box"}
    if len(kinds) != 1 or strange:
        raise InvalidArgument(place, sorted(given), f"one of {', '.join(_KINDS)}, with a weight and a box if wanted")
    (kind,) = kinds
    weight = given.get("weight", 1.0)
    _check_number(f"{place}.weight", weight)
    if weight == 0:
        raise InvalidArgument(f"{place}.weight", weight, "above 0 for more like it, below 0 for less")
    if given.get("box") is not None and kind != "image":
        raise InvalidArgument(f"{place}.box", given["box"], "given with an image")
    if kind == "text":
        _check_text(f"{place}.text", given["text"])
    value = read_palette(f"{place}.colors", given["colors"]) if kind == "colors" else given[kind]
    return Example(place, kind, value, float(weight), _box(f"{place}.box", given.get("box")))


def _box(place: str, box: Any) -> tuple[float, float, float, float] | None:
    """Read a box, without knowing the picture yet."""
    if box is None:
        return None
    if isinstance(box, str) or not isinstance(box, Sequence) or len(box) != 4:
        raise InvalidArgument(place, box, "[left, top, right, bottom], in pixels or in fractions of the picture")
    for side in box:
        _check_number(place, side)
    left, top, right, bottom = (float(side) for side in box)
    if min(left, top) < 0 or left >= right or top >= bottom:
        raise InvalidArgument(place, list(box), "inside the picture, with left < right and top < bottom")
    return left, top, right, bottom


def _check_text(place: str, text: Any) -> None:
    if text is not None and (not isinstance(text, str) or not text.strip() or len(text) > 1000):
        raise InvalidArgument(place, text, "words, at most 1,000 characters")


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Raise InvalidArgument unless a value is a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidArgument(name, value, f"a whole number between {low:,} and {high:,}")


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidArgument(name, value, "a finite number")
