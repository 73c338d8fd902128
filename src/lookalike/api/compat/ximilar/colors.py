"""Dominant colors as clients read them: parallel lists, most dominant first, with CSS names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.colors import Color, dominant_colors
from lookalike.images import decode
from lookalike.images.image import Limits

__all__ = ["Palette", "palette_of"]

_WANTS: Final = 64  # pixels that dominant colors are taken from, each way
_XYZ: Final = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_WHITE_U, _WHITE_V = 0.19793943, 0.46831096

_CSS: Final = """
aliceblue f0f8ff antiquewhite faebd7 aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black 000000
blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00
chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b
darkcyan 008b8b darkgoldenrod b8860b darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b darkmagenta 8b008b
darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a darkseagreen 8fbc8f
darkslateblue 483d8b darkslategrey 2f4f4f darkturquoise 00ced1 darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff
dimgrey 696969 dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0 forestgreen 228b22 gainsboro dcdcdc ghostwhite
f8f8ff gold ffd700 goldenrod daa520 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4
indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00
lemonchiffon fffacd lightblue add8e6 lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgreen 90ee90
lightgrey d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategrey 778899
lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6 magenta ff00ff maroon 800000
mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db mediumseagreen 3cb371
mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585 midnightblue 191970
mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6 olive 808000 olivedrab
6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee
palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd powderblue b0e0e6 purple
800080 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57
seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue 6a5acd slategrey 708090 snow fffafa springgreen
00ff7f steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat
f5deb3 white ffffff whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32
"""
"""The named colors of CSS Color 3 with their sRGB values; of several names for one value one: grey, cyan, magenta."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The dominant colors of a picture, whose size in pixels is width x height."""

    width: int
    height: int
    colors: tuple[Color, ...]

    def lists(self, *, names: bool) -> dict[str, Any]:
        """Return `_dominant_colors`: lists of one length. percentages: shares of the area, which sum to 1."""
        rgb = [list(color.rgb) for color in self.colors]
        found: dict[str, Any] = {
            "percentages": [round(color.share, 6) for color in self.colors],
            "rgb_colors": rgb,
            "rgb_hex_colors": [color.hex for color in self.colors],
            "luv_colors": [[round(float(x), 4) for x in row] for row in _luv(np.array(rgb, np.float64))],
        }
        if names:
            css = _css_names(rgb)
            # Pantone's names are not free; its list has those of CSS, so that programs find one of the same length.
            found |= {"color_names": css, "color_names_pantone": css}
            found["basic_colors"] = [color.name for color in self.colors]
        return found


def palette_of(data: bytes, count: int, limits: Limits) -> Palette:
    """Return the at most `count` dominant colors of a picture's bytes. Raises ImageError, InvalidArgument."""
    image = decode(data, name="the picture", limits=limits, wants=_WANTS)
    return Palette(image.width, image.height, tuple(dominant_colors(image.pixels, count)))


def _css_names(rgb: list[list[int]]) -> list[str]:
    names, anchors = _css()
    apart = ((_luv(np.array(rgb, np.float64))[:, None] - anchors[None]) ** 2).sum(axis=2)
    return [names[at] for at in apart.argmin(axis=1)]


@cache
def _css() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    words = _CSS.split()
    levels = [list(bytes.fromhex(code)) for code in words[1::2]]
    return tuple(words[::2]), _luv(np.array(levels, np.float64))


def _luv(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) sRGB in 0..255 -> (n, 3) CIE L*u*v* (D65, 2°), L in [0, 100]."""
    shares = rgb / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    x, y, z = (linear @ _XYZ.T).T
    total = np.maximum(x + 15 * y + 3 * z, 1e-12)
    lightness = np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)
    u, v = 4 * x / total - _WHITE_U, 9 * y / total - _WHITE_V
    dark = lightness <= 0
    return np.stack([lightness, np.where(dark, 0, 13 * lightness * u), np.where(dark, 0, 13 * lightness * v)], axis=1)
