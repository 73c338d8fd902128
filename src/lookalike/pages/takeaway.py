"""Taking what was found away: JSON, CSV, or one HTML file that holds its pictures."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from lookalike.collection import Collection
from lookalike.pages.asking import Question, ask, picture_of
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import HEADERS, page
from lookalike.pages.thumbnails import Thumbnails, file_of
from lookalike.records import Match
from lookalike.search import row_of

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_SIDE = 320
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


@router.get("/collections/{name}/search/found.{form}")
def take_away(
    name: str, form: Literal["json", "csv", "html"], question: Annotated[Question, Query()], request: Request
) -> Response:
    """Return the matches of a search as a file."""
    collection: Collection = request.app.state.workspace.get(name)
    found = ask(request, collection, question)
    if form == "html":
        answer = _report(request, collection, question, found)
    else:
        rows = [row_of(match) for match in found]
        text = json.dumps({"matches": rows}, ensure_ascii=False, indent=1) if form == "json" else _csv(rows)
        answer = Response(text.encode("utf-8", "replace"), 200, dict(HEADERS), media_type=_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="found.{form}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows under all names that they have; what is no text or number is JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["_id", "score"]
    held = io.StringIO(newline="")
    writer = csv.writer(held)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return held.getvalue()


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False)


def _report(request: Request, collection: Collection, question: Question, found: Sequence[Match]) -> Response:
    return page(
        request,
        "found.html",
        collection=collection,
        question=question,
        asked=_inline(request, picture_of(request, collection, question)),
        title=question.id or question.text.strip() or "a picture",
        found=[(match, _inline(request, file_of(match.record))) for match in found],
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _inline(request: Request, source: Any) -> str:
    """Return a picture as a data URI, "" if there is none."""
    thumbnails: Thumbnails = request.app.state.thumbnails
    if source is None:
        return ""
    made = thumbnails.of_bytes(source, _SIDE) if isinstance(source, bytes) else thumbnails.of_file(source, _SIDE)
    return f"data:image/jpeg;base64,{base64.b64encode(made.data).decode()}" if made else ""
