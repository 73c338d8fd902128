"""Kinds of collection and their settings: what each decides, what may be set, and what may change later."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from lookalike.errors import InvalidArgument, SettingFixed
from lookalike.filters import parse

__all__ = ["FIXED", "KINDS", "SAME", "VECTORS", "CollectionSettings", "Kind", "KindCard", "changed", "settings_of"]

Kind = Literal["photos", "products", "matching", "colors", "custom"]

VECTORS: Final = ("meaning", "copy", "color")
"""The vectors that describers make of a picture."""

FIXED: Final = ("describers", "entities")
"""Settings that records are described by; they are chosen when a collection is made."""

SAME: Final = "same"
"""Name of the curve of what hashes and copy vectors say together: that two records show the same picture."""

_MOST_INDEXED: Final = 64
_MOST_TAGS: Final = 20
_MOST_TAGGERS: Final = 16
_STEP: Final = {"tagger", "field", "when", "least"}
_READ: Final = "meaning"
_WIDEST: Final = 65_536
_TAGGER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_ENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """How a collection describes, compares and filters its records.

    product_id: field that names a record's product, or None. index: fields that filters should find fast.
    describers: which of `VECTORS` are kept of every picture; its perceptual hash always is.
    entities: name -> floats of vectors that the user brings (`custom` only).
    weights: vector name, or "tags", -> its share of a score when a search doesn't say what to compare.
    fields: metadata field -> weight of its words as tags or text. ignore_case: plain equality of strings in filters
    takes no notice of case. auto_tags: how many labels a new picture gets as tags, if its record has none; 0 for none.
    taggers: what fills metadata of new pictures, in order: names or folders of trained taggers, or objects of `tagger`
    and perhaps `field`, `when` (a filter: only of such records) and `least` (probability).
    threshold: probability from which two records count as the same picture. curves: probability curves fitted on pairs
    of one's own, in place of the model's: vector -> {"scale", "offset"} over its cosine, `SAME` -> over log-odds; and
    "top" where it ends below 1.
    """

    product_id: str | None = None
    index: Sequence[str] = ()
    describers: Sequence[str] = VECTORS
    entities: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=lambda: {"meaning": 1.0})
    fields: Mapping[str, float] = field(default_factory=lambda: {"tags": 1.0})
    ignore_case: bool = False
    auto_tags: int = 0
    taggers: Sequence[str | Mapping[str, Any]] = ()
    threshold: float = 0.5
    curves: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of all vectors of a record."""
        return (*self.describers, *self.entities)

    @property
    def by(self) -> str:
        """The one vector to compare where one must do: the heaviest, of equals the first."""
        return max(self.vectors, key=lambda name: self.weights.get(name, 0.0))

    def as_json(self) -> dict[str, Any]:
        """Return JSON values that `from_json` takes."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CollectionSettings:
        """Return settings that were stored; what was not thought of then has its default."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**plain)


@dataclass(frozen=True, slots=True)
class KindCard:
    """What a kind of collection is for. choose: one sentence that says when to take it; settings: its defaults."""

    title: str
    choose: str
    settings: CollectionSettings


KINDS: Final[Mapping[Kind, KindCard]] = {
    "photos": KindCard(
        "Photos",
        "Choose it for photographs and stock pictures: finds what shows the same kind of thing.",
        CollectionSettings(),
    ),
    "products": KindCard(
        "Products",
        "Choose it for a shop: several pictures make one product, and color and tags count beside what is shown.",
        CollectionSettings(product_id="product_id", weights={"meaning": 0.7, "color": 0.2, "tags": 0.1}),
    ),
    "matching": KindCard(
        "Matching",
        "Choose it to find the same picture again, however it was cropped, resized, recompressed or overlaid.",
        CollectionSettings(describers=("copy",), weights={"copy": 1.0}),
    ),
    "colors": KindCard(
        "Colors",
        "Choose it to find pictures by their dominant colors, whatever they show.",
        CollectionSettings(describers=("color",), weights={"color": 1.0}),
    ),
    "custom": KindCard(
        "Custom",
        "Choose it for vectors of your own (videos, 3-D models, sounds), or to say yourself what is described.",
        CollectionSettings(),
    ),
}


def settings_of(kind: str, given: Mapping[str, Any]) -> CollectionSettings:
    """Return the kind's settings with what is given over them. Raises InvalidArgument for what makes no sense.

    With entities and no describers given, pictures are not described, and the entities weigh alike.
    """
    if kind not in get_args(Kind):
        raise InvalidArgument("kind", kind, f"one of {', '.join(get_args(Kind))}")
    base = KINDS[cast(Kind, kind)].settings
    entities = _entities(given.get("entities") or {}, kind)
    kept = _describers(given.get("describers", () if entities else base.describers))
    vectors = (*kept, *entities)
    if not vectors:
        raise InvalidArgument("describers", list(kept), f"one or more of {', '.join(VECTORS)}")
    weights = base.weights if base.weights.keys() <= {*vectors, "tags"} else dict.fromkeys(vectors, 1.0)
    base = replace(base, describers=kept, entities=entities, weights=weights)
    return _with(base, {name: value for name, value in given.items() if name not in FIXED})


def changed(collection: str, settings: CollectionSettings, changes: Mapping[str, Any]) -> CollectionSettings:
    """Return the settings with the changes made.

    Raises SettingFixed for a change of what records are described by, InvalidArgument for what makes no sense.
    """
    now = settings.as_json()
    for name in FIXED:
        if name in changes and _plain(changes[name]) != now[name]:
            raise SettingFixed(collection, name, changes[name])
    return _with(settings, {name: value for name, value in changes.items() if name not in FIXED})


def _with(settings: CollectionSettings, given: Mapping[str, Any]) -> CollectionSettings:
    known = [entry.name for entry in fields(CollectionSettings)]
    for name in given:
        if name not in known:
            raise InvalidArgument("the setting", name, f"one of {', '.join(known)}")
    checked: dict[str, Any] = {name: _CHECKS[name](value, settings) for name, value in given.items()}
    return replace(settings, **checked)


def _plain(value: Any) -> Any:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return value
    return list(value)


def _product_id(value: Any, _: CollectionSettings) -> str | None:
    return None if value is None else _path("product_id", value)


def _index(value: Any, _: CollectionSettings) -> tuple[str, ...]:
    paths = tuple(dict.fromkeys(_path("index", path) for path in _listed("index", value)))
    if len(paths) > _MOST_INDEXED:
        raise InvalidArgument("index", f"{len(paths)} fields", f"at most {_MOST_INDEXED} fields")
    return paths


def _weights(value: Any, settings: CollectionSettings) -> dict[str, float]:
    weights = _numbers("weights", value)
    allowed = (*settings.vectors, "tags")
    for name in weights:
        if name not in allowed:
            raise InvalidArgument("weights", name, f"for one of {', '.join(allowed)}")
    if not any(weights.get(name) for name in settings.vectors):
        raise InvalidArgument("weights", weights, f"above 0 for at least one of {', '.join(settings.vectors)}")
    return weights


def _fields(value: Any, _: CollectionSettings) -> dict[str, float]:
    return {_path("fields", name): weight for name, weight in _numbers("fields", value).items()}


def _ignore_case(value: Any, _: CollectionSettings) -> bool:
    if not isinstance(value, bool):
        raise InvalidArgument("ignore_case", value, "true or false")
    return value


def _auto_tags(value: Any, _: CollectionSettings) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_TAGS:
        raise InvalidArgument("auto_tags", value, f"a whole number from 0 to {_MOST_TAGS}")
    return value


def _taggers(value: Any, settings: CollectionSettings) -> tuple[str | dict[str, Any], ...]:
    if value and _READ not in settings.describers:
        raise InvalidArgument("taggers", value, f"left out, where pictures are not described by {_READ!r}")
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) > _MOST_TAGGERS:
        raise InvalidArgument("taggers", value, f"a list of at most {_MOST_TAGGERS} taggers")
    return tuple(_tagger(one) for one in value)


def _tagger(one: Any) -> str | dict[str, Any]:
    if isinstance(one, str) and one:
        return _settled(one)
    if not isinstance(one, Mapping) or not one.keys() <= _STEP or not isinstance(one.get("tagger"), str):
        raise InvalidArgument("taggers", one, 'a name, or like {"tagger": "room", "when": {"place": "indoor"}}')
    parse(one.get("when"))
    name, least = one.get("field", "x"), one.get("least", 0.0)
    if not isinstance(name, str) or not name or name.startswith(("_", "$")) or "." in name:
        raise InvalidArgument("taggers.field", name, "the name of a metadata field")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise InvalidArgument("taggers.least", least, "a probability from 0 to 1")
    return {**one, "tagger": _settled(one["tagger"])}


def _settled(tagger: str) -> str:
    """Return a name as it is, and a path so that it means the same folder from everywhere."""
    return tagger if _TAGGER.match(tagger) else str(Path(tagger).expanduser().absolute())


def _threshold(value: Any, _: CollectionSettings) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise InvalidArgument("threshold", value, "a probability above 0 and at most 1")
    return float(value)


def _curves(value: Any, settings: CollectionSettings) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping):
        raise InvalidArgument("curves", value, 'names with their curves, like {"same": {"scale": 1.1, "offset": -0.4}}')
    allowed = (*settings.vectors, SAME)
    for name, curve in value.items():
        if name not in allowed:
            raise InvalidArgument("curves", name, f"for one of {', '.join(allowed)}")
        known = isinstance(curve, Mapping) and {"scale", "offset"} <= curve.keys() <= {"scale", "offset", "top"}
        real = known and all(isinstance(one, int | float) and math.isfinite(one) for one in curve.values())
        if not real or not curve["scale"] > 0 or not 0 < curve.get("top", 1.0) <= 1:
            wanted = "a finite scale above 0, a finite offset, and perhaps a top above 0 and at most 1"
            raise InvalidArgument(f"curves.{name}", curve, wanted)
    return {name: {part: float(number) for part, number in curve.items()} for name, curve in value.items()}


_CHECKS = {
    "product_id": _product_id,
    "index": _index,
    "weights": _weights,
    "fields": _fields,
    "ignore_case": _ignore_case,
    "auto_tags": _auto_tags,
    "taggers": _taggers,
    "threshold": _threshold,
    "curves": _curves,
}


def _describers(value: Any) -> tuple[str, ...]:
    names = _listed("describers", value)
    for name in names:
        if name not in VECTORS:
            raise InvalidArgument("describers", name, f"some of {', '.join(VECTORS)}")
    return tuple(dict.fromkeys(names))


def _entities(value: Any, kind: str) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise InvalidArgument("entities", value, 'names with their number of floats, like {"shape": 512}')
    if value and kind != "custom":
        raise InvalidArgument("entities", dict(value), "left out, or the kind custom")
    for name, width in value.items():
        if not isinstance(name, str) or not _ENTITY.match(name) or name in (*VECTORS, "tags"):
            raise InvalidArgument("entities", name, "1 to 64 letters, digits, '_' or '-', and no describer's name")
        if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= _WIDEST:
            raise InvalidArgument(f"entities.{name}", width, f"a number of floats from 1 to {_WIDEST:,}")
    return dict(value)


def _path(setting: str, value: Any) -> str:
    good = isinstance(value, str) and 0 < len(value) <= 200 and all(value.split(".")) and "$" not in value
    if not good:
        raise InvalidArgument(setting, value, 'the name of a metadata field, like "category" or "size.width"')
    return str(value)


def _listed(setting: str, value: Any) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise InvalidArgument(setting, value, "a list of names")
    return value


def _numbers(setting: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise InvalidArgument(setting, value, 'names with their weights, like {"meaning": 0.7}')
    for name, weight in value.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight < 0:
            raise InvalidArgument(f"{setting}.{name}", weight, "a finite number of at least 0")
    return {str(name): float(weight) for name, weight in value.items()}
