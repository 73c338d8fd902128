"""Charts as SVG text, for pages that need no other file and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["COLORS", "line_chart"]

COLORS = ("#2563eb", "#ea580c", "#16a34a", "#9333ea", "#dc2626", "#0891b2", "#ca8a04", "#db2777", "#65a30d", "#64748b")
"""Colors of lines, in their order; a further line begins anew."""

_WIDTH, _HEIGHT = 560, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 40
_TICKS = 5


def line_chart(lines: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str, upto: float) -> str:
    """Return an SVG of lines, name -> points: x from 0 to `upto`, y from 0 to 1."""
    inner = (_WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)

    def place(point: tuple[float, float]) -> str:
        return f"{_LEFT + point[0] / upto * inner[0]:.1f},{_TOP + (1 - point[1]) * inner[1]:.1f}"

    drawn = [
        f'<polyline fill="none" stroke="{COLORS[number % len(COLORS)]}" stroke-width="2" '
        f'points="{" ".join(map(place, points))}"><title>{escape(name)}</title></polyline>'
        for number, (name, points) in enumerate(lines.items())
    ]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(y)} over {escape(x)}">'
        f"{''.join(_grid(upto, inner))}{''.join(drawn)}"
        f'<text x="{_LEFT + inner[0] / 2:.0f}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(x)}</text>'
        f'<text transform="translate(12 {_TOP + inner[1] / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(y)}</text>'
        "</svg>"
    )


def _grid(upto: float, inner: tuple[int, int]) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        across, down = _LEFT + share * inner[0], _TOP + (1 - share) * inner[1]
        parts += [
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{down:.1f}" y2="{down:.1f}"/>',
            f'<text x="{_LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{share:.1f}</text>',
            f'<text x="{across:.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{share * upto:.3g}</text>',
        ]
    return parts
