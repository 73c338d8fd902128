"""A map as a picture, and the colors of its dots, which people with any color vision can tell apart."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.atlas.fields import GONE, LEGEND, Coloring, Value

__all__ = ["DARK", "LIGHT", "Look", "draw_picture"]

_SCALE: Final = 1000
_FINER: Final = 2  # drawn so many times larger, then averaged
_MARGIN: Final = 0.03


@dataclass(frozen=True, slots=True)
class Look:
    """Colors as #rrggbb. values: one for each of a legend; ramp: stops from low to high; other: further values.

    The values are near to Okabe and Ito's (2008) and an indigo, moved until each two, and each and the grays and the
    ground, are ten steps apart (CIEDE2000) to people with any color vision, by the simulation of Machado, Oliveira and
    Fernandes (2009). The ramp is that of viridis without the end that the ground would swallow.
    """

    ground: str
    values: Sequence[str]
    ramp: Sequence[str]
    other: str
    none: str


LIGHT: Final = Look(
    "#ffffff",
    ("#0071b0", "#e69f00", "#209d73", "#d780c3", "#d25f04", "#47b7f6", "#33217c", "#b7af6f"),
    ("#440154", "#3b528b", "#21918c", "#4cb85c", "#e0d000"),
    "#8d9097",
    "#c9cbd0",
)
DARK: Final = Look(
    "#1b1d21",
    ("#5289b5", "#f0a41b", "#1ab886", "#e597c4", "#e9632a", "#75cbfb", "#8c6bfc", "#f4e83d"),
    ("#7a4fc0", "#4f74c0", "#27a39d", "#5ec962", "#fde725"),
    "#7d828b",
    "#474b53",
)


def draw_picture(
    grid: NDArray[np.uint16], coloring: Coloring | None, look: Look, order: Sequence[Value] = (), side: int = 1000
) -> bytes:
    """Return a square PNG of a map. grid: (n, 2), see `Chart.grid`. order: the values that have the legend's colors."""
    wide = side * _FINER
    codes = np.zeros(len(grid), np.int16) if coloring is None else coloring.codes
    ground = _rgb([look.ground])[0]
    canvas = np.empty((wide, wide, 3), np.uint8)
    canvas[:] = ground
    inner = wide * (1 - 2 * _MARGIN)
    x = np.rint(grid[:, 0] / 65_535 * inner + wide * _MARGIN).astype(int)
    y = np.rint((1 - grid[:, 1] / 65_535) * inner + wide * _MARGIN).astype(int)
    colors = _colors(codes, coloring, look, order)
    shown = codes != GONE
    radius = int(np.clip(40 * (1000 / max(len(grid), 1)) ** 0.4 * side / 1000 / 4, 1.5, 10) * _FINER)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy <= radius * radius:
                canvas[np.clip(y[shown] + dy, 0, wide - 1), np.clip(x[shown] + dx, 0, wide - 1)] = colors[shown]
    small = canvas.reshape(side, _FINER, side, _FINER, 3).mean(axis=(1, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).quantize(128, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _colors(
    codes: NDArray[np.int16], coloring: Coloring | None, look: Look, order: Sequence[Value]
) -> NDArray[np.uint8]:
    """Return the (n, 3) colors of dots."""
    if coloring is None:
        return np.tile(_rgb(look.values[:1]), (len(codes), 1))
    if coloring.kind == "numbers":
        ends = np.linspace(0, _SCALE, len(look.ramp))
        stops = _rgb(look.ramp)
        found = np.stack([np.interp(codes, ends, stops[:, channel]) for channel in range(3)], axis=1)
        found[codes < 0] = _rgb([look.none])[0]
        return found.astype(np.uint8)
    rank: Mapping[Value, int] = {value: place for place, value in enumerate(order[:LEGEND])}
    places = [rank.get(value, LEGEND) for value, _ in coloring.values] if order else list(range(len(coloring.values)))
    table = _rgb([*(look.values[place] if place < LEGEND else look.other for place in places)] or [look.other])
    known = (codes >= 0) & (codes < len(places))
    found = np.where((codes >= 0)[:, None], _rgb([look.other]), _rgb([look.none]))
    found[known] = table[codes[known]]
    return found.astype(np.uint8)


def _rgb(colors: Sequence[str]) -> NDArray[np.uint8]:
    return np.array([list(bytes.fromhex(color[1:])) for color in colors], np.uint8)
