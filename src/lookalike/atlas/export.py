"""A map as a file to take away: rows for programs, a picture, or a page that holds its picture."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from lookalike.atlas.chart import Chart
from lookalike.atlas.drawing import DARK, LIGHT, Look, draw_picture
from lookalike.atlas.fields import GONE, LEGEND, Coloring

__all__ = ["map_page", "map_rows"]

_STYLE: Final = """
:root { color-scheme: light dark; --ground: %s; --ink: #1d1f23 }
body { margin: 32px auto; padding: 0 16px; max-width: 1000px; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
img { display: block; width: 100%%; height: auto }
ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 20px }
i { display: inline-block; width: 12px; height: 12px; border-radius: 6px; margin-right: 8px; background: var(--light) }
small { opacity: 0.75 }
@media (prefers-color-scheme: dark) { :root { --ground: %s; --ink: #e8e9ec } i { background: var(--dark) } }
"""


def map_rows(chart: Chart, coloring: Coloring | None) -> list[Mapping[str, Any]]:
    """Return a row for each record that is on the map: _id; x and y from 0 to 65,535, y up; what colors it, by name.

    The color is a value of the legend, null where it has none or another; of numbers its place on the ramp, 0 to 1.
    """
    rows: list[Mapping[str, Any]] = []
    for place, (id_, (x, y)) in enumerate(zip(chart.ids, chart.grid.tolist(), strict=True)):
        if coloring is None:
            rows.append({"_id": id_, "x": x, "y": y})
        elif coloring.codes[place] != GONE:
            rows.append({"_id": id_, "x": x, "y": y, "color": _meant(coloring, int(coloring.codes[place]))})
    return rows


def map_page(title: str, chart: Chart, coloring: Coloring | None) -> str:
    """Return the map as one HTML file without scripts, in light and dark, with a legend."""
    light, dark = (_inline(draw_picture(chart.grid, coloring, look)) for look in (LIGHT, DARK))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE % (LIGHT.ground, DARK.ground)}</style>
<h1>{escape(title)}</h1>
<p>{len(chart.ids):,} records; near together is what is alike by {escape(chart.description)}. {escape(chart.made)}</p>
<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}"><img src="{light}" alt="The map"></picture>
{_legend(coloring) if coloring is not None else ""}
</html>
"""


def _meant(coloring: Coloring, code: int) -> Any:
    if coloring.kind == "numbers":
        return code / 1000 if code >= 0 else None
    return coloring.values[code][0] if 0 <= code < len(coloring.values) else None


def _legend(coloring: Coloring) -> str:
    if coloring.kind == "numbers":
        ends = f"{coloring.low:.4g} to {coloring.high:.4g}"
        return f"<h2>{escape(coloring.field)}</h2>\n<p>From dark to bright: {ends}.</p>"
    entries = [
        _entry(value if isinstance(value, str) else json.dumps(value), count, LIGHT.values[place], DARK.values[place])
        for place, (value, count) in enumerate(coloring.values)
    ]
    codes = coloring.codes
    further: Sequence[tuple[str, int, str]] = (("other values", LEGEND, "other"), ("none", -1, "none"))
    for words, code, tone in further:
        count = int((codes == code).sum())
        if count:
            entries.append(_entry(words, count, _tone(LIGHT, tone), _tone(DARK, tone)))
    return f"<h2>{escape(coloring.field)}</h2>\n<ul>{''.join(entries)}</ul>"


def _tone(look: Look, name: str) -> str:
    return look.other if name == "other" else look.none


def _entry(words: str, count: int, light: str, dark: str) -> str:
    return f'<li><i style="--light: {light}; --dark: {dark}"></i>{escape(words)} <small>{count:,}</small></li>'


def _inline(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
