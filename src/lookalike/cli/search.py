"""`lookalike search C (IMAGE | TEXT | --id ID | --color HEX | --tag WORD | --like ...)`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, read_filter
from lookalike.cli.output import Format, FormatOption, note, print_rows
from lookalike.errors import InvalidArgument, SourceNotFound

_HELP = """Find the pictures of a collection that look most like something, best first: like a picture, a record,
words, colors, keywords, or any of them together.

Example: `lookalike search holidays beach.jpg -k 5`

`lookalike search shop --id 1_1 --filter '{"category": "sofa"}' --group-by product_id --format json`

`lookalike search shop sofa.jpg --box 0.1,0.2,0.9,0.8 --weights meaning=0.7,color=0.3 --color "#7a1f1f"`

`lookalike search shop "wooden chair" --unlike 7_2 --min-score 0.3 --all`

`lookalike search shop --color aa2222:0.7 --color f5f0e6:0.3 --distinct`
"""

_BASE64_AT_LEAST = 64  # letters without a blank: no word is that long, and no picture that short


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search", help=_HELP)(_search)


def _search(
    collection: str = typer.Argument(..., metavar="C", help="Name of the collection."),
    what: str = typer.Argument(None, metavar="IMAGE|TEXT", help="A picture (file, URL, data URI, base64) or words."),
    text: str = typer.Option(None, "--text", help="Words, even if there is a file of that name."),
    id_: str = typer.Option(None, "--id", help="A record of the collection."),
    color: list[str] = typer.Option([], "--color", metavar="HEX[:WEIGHT]", help="A color; again for a palette."),
    tag: list[str] = typer.Option([], "--tag", help="A keyword; may be given again."),
    like: list[str] = typer.Option([], "--like", metavar="ID|IMAGE", help="Be like this too; may be given again."),
    unlike: list[str] = typer.Option([], "--unlike", metavar="ID|IMAGE", help="Be unlike this; may be given again."),
    box: str = typer.Option(None, "--box", metavar="L,T,R,B", help="Part of the picture: pixels, or fractions of it."),
    by: str = typer.Option(None, "--by", help="meaning, copy or color. [default: the collection's weights]"),
    weights: str = typer.Option(None, "--weights", metavar="NAME=W,...", help="Several at once, also tags."),
    k: int = typer.Option(10, "-k", "--top", help="How many."),
    every: bool = typer.Option(False, "--all", help="All that reach --min-score, 10,000 at a time."),
    min_score: float = typer.Option(None, "--min-score", help="Leave out matches below this score, 0 to 1."),
    where: str = typer.Option(None, "--filter", help="MongoDB-like filter, as JSON."),
    group_by: str = typer.Option(None, "--group-by", help="At most one match per value of this field."),
    group_size: int = typer.Option(1, "--group-size", help="Give so many records of each group."),
    distinct: bool = typer.Option(False, "--distinct", help="Of copies of one picture only the best."),
    exact: bool = typer.Option(False, "--exact", help="No approximation."),
    after: str = typer.Option(None, "--after", help="Go on where an earlier answer to the same question said."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.search import Query, row_of

    examples = [_example(one, 1.0) for one in like] + [_example(one, -1.0) for one in unlike]
    query = Query(
        **_source(what, text),
        id=id_,
        colors=[_color(one) for one in color] or None,
        tags=tag or None,
        like=examples,
        box=None if box is None else _numbers("--box", box),
        by=by,
        weights=None if weights is None else _weights(weights),
        k=None if every else k,
        min_score=min_score,
        where=read_filter(where),
        group_by=group_by,
        group_size=group_size,
        distinct=distinct,
        exact=exact,
        after=after,
    )
    with opened(workspace) as space:
        matches = space.get(collection).search(query)
    if matches.unknown_words:
        note(f"Not understood: {', '.join(matches.unknown_words)}.")
    rows = [row_of(match) for match in matches]
    _print(rows, form)
    if not rows:
        note("No record matches.")
    if matches.next:
        note(f"There is more: --after {matches.next}")


def _print(rows: list[dict[str, Any]], form: Format) -> None:
    shown = ["_id", "score", *(name for name in dict.fromkeys(n for row in rows for n in row) if name[0] != "_")]
    if any("_group" in row for row in rows):
        shown.insert(2, "_group")
    if any("_copies" in row for row in rows):
        shown.insert(2, "_copies")
    print_rows(rows, form, columns=list(dict.fromkeys(shown))[:8])


def _source(what: str | None, text: str | None) -> dict[str, Any]:
    """Tell a picture from words: what is a file or looks like one, a URL or encoded is a picture."""
    if what is None or text is not None:
        return {"text": text, "image": what}
    if _is_picture(what):
        return {"image": what}
    if "/" in what or _has_ending(what):
        raise SourceNotFound(what, "no such file (for words give --text)")
    return {"text": what}


def _example(text: str, weight: float) -> dict[str, Any]:
    return {"image" if _is_picture(text) else "id": text, "weight": weight}


def _is_picture(text: str) -> bool:
    encoded = len(text) >= _BASE64_AT_LEAST and not any(letter.isspace() for letter in text)
    try:
        return encoded or text[:8].lower().startswith(("data:", "http://", "https://")) or os.path.lexists(text)
    except ValueError:  # a null character
        return False


def _has_ending(text: str) -> bool:
    from lookalike.folders.scan import EXTENSIONS

    return Path(text).suffix.lower() in EXTENSIONS


def _color(text: str) -> tuple[str, float]:
    code, _, weight = text.partition(":")
    return code, _number("--color", weight) if weight else 1.0


def _weights(text: str) -> dict[str, float]:
    if text.lstrip().startswith("{"):
        try:
            found: dict[str, float] = json.loads(text)
        except ValueError:
            raise InvalidArgument("--weights", text, "like meaning=0.7,color=0.3, or a JSON object") from None
        return found
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): _number("--weights", value) for name, _, value in pairs}


def _numbers(option: str, text: str) -> list[float]:
    return [_number(option, part) for part in text.split(",")]


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidArgument(option, text, "made of numbers") from None
