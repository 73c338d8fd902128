"""Templates to HTML: the one place that makes a page, its links and its headers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from lookalike.pages.rooms import rooms_of
from lookalike.pages.visitor import caller_of, form_token, has_session, may
from lookalike.units import said_bytes
from lookalike.version import __version__

__all__ = ["HEADERS", "collection_link", "link", "page"]

_INDENTATION = re.compile(r"(?m)^[ \t]+")  # no <pre> or <textarea> of a template has any of its own

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """Return a page. Text is escaped; characters that UTF-8 lacks (of odd file names) become "?"."""
    body = _templates.get_template(template).render(
        here=request.url.path,
        max_bytes=request.app.state.workspace.settings.max_bytes,
        signed_in=caller_of(request) is not None,
        csrf=form_token(request),
        has_session=has_session(request),
        may=partial(may, request),
        rooms=rooms_of(request),
        room=request.path_params.get("name", ""),
        **context,
    )
    headers = {**HEADERS, "Cache-Control": "private, no-cache"}
    return Response(body.encode("utf-8", "replace"), status, headers, media_type="text/html")


def link(path: str, /, **parameters: object) -> str:
    """Return a URL of this service; parameters that are None, False or empty are left out."""
    given = {name: "1" if value is True else str(value) for name, value in parameters.items() if not _unsaid(value)}
    return f"{path}?{urlencode(given, errors='replace')}" if given else path


def collection_link(name: str, room: str = "", /, **parameters: object) -> str:
    """Return the URL of a collection, or of one of its rooms: "search", "record", "thumb", "picture"."""
    return link(f"/collections/{quote(name, safe='')}{'/' if room else ''}{room}", **parameters)


def _unsaid(value: object) -> bool:
    return value is None or value is False or value == ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _sentence(text: str) -> Markup:
    """Escape a message of the error tree, and set what it has between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _ago(moment: str) -> str:
    """Return how long ago an ISO 8601 moment was, in the largest unit that fits."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{_count(int(seconds // size), unit)} ago"
    return "just now"


def _exactly(score: float) -> str:
    """Return four decimals; 1.0000 is said of an exact 1 alone."""
    return f"{score if score == 1 else min(score, 0.9999):.4f}"


def _percent(score: float) -> str:
    """Return whole percents; 100 is said of an exact 1 alone."""
    return f"{min(99, round(score * 100)) if score < 1 else 100}%"


class _Flat(PackageLoader):
    """Templates without the indentation they are written with, which nobody sees and everybody would be sent."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        source, name, is_fresh = super().get_source(environment, template)
        return _INDENTATION.sub("", source), name, is_fresh


_templates = Environment(
    loader=_Flat("lookalike.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals.update(link=link, collection_link=collection_link, version=__version__)
_templates.filters.update(
    ago=_ago, counted=_count, bytes=said_bytes, json=_json, exactly=_exactly, percent=_percent, sentence=_sentence
)
