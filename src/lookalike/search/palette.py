"""Palettes as users write them: hex colors with weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.errors import InvalidArgument

__all__ = ["MAX_COLORS", "Palette", "read_palette"]

MAX_COLORS = 32
"""Most colors of one palette."""

_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_FORMS = 'hex colors like "#ff8800", or {"hex": "#ff8800", "weight": 0.7}'


@dataclass(frozen=True, slots=True)
class Palette:
    """sRGB colors and how much of the picture each should cover, in any unit."""

    colors: tuple[tuple[int, int, int], ...]
    weights: tuple[float, ...]


def read_palette(place: str, given: Any) -> Palette:
    """Read a list of colors or a mapping of hex to weight; a color without weight has weight 1.

    A color is "#rrggbb" or "#rgb", with or without "#", a pair (hex, weight) or {"hex", "weight"}.
    Raises InvalidArgument, naming the place.
    """
    if isinstance(given, Mapping):
        given = list(given.items())
    if isinstance(given, str) or not isinstance(given, Sequence) or not 1 <= len(given) <= MAX_COLORS:
        raise InvalidArgument(place, given, f"a list of 1 to {MAX_COLORS} {_FORMS}")
    pairs = [_pair(place, one) for one in given]
    return Palette(tuple(color for color, _ in pairs), tuple(weight for _, weight in pairs))


def _pair(place: str, given: Any) -> tuple[tuple[int, int, int], float]:
    if isinstance(given, Mapping) and {"hex"} <= set(given) <= {"hex", "weight"}:
        given = given["hex"], given.get("weight", 1.0)
    if isinstance(given, str):
        given = given, 1.0
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InvalidArgument(place, given, _FORMS)
    text, weight = given
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not (math.isfinite(weight) and weight > 0):
        raise InvalidArgument(f"the weight of {text} in {place}", weight, "a number above 0")
    return _color(place, text), float(weight)


def _color(place: str, text: Any) -> tuple[int, int, int]:
    found = _HEX.match(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidArgument(place, text, _FORMS)
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue
