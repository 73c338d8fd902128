"""Plans and what became of them, as tables for people and as rows for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from lookalike.cli.output import Format, counted, note, print_json_with, print_lines, print_rows
from lookalike.units import said_bytes

if TYPE_CHECKING:
    from lookalike.cleaning.plan import Plan, PlannedGroup

__all__ = ["on_a_line", "show_group", "show_plan"]

_MOST: Final = 40  # groups that a terminal is filled with
_MOST_FILES: Final = 30  # of one group
_OWN: Final = ("a link to ", "a hard link to ", "the same folder as ")  # reasons that name a path of each file's own
_WORDS: Final = {"keep": "stays", "remove": "goes", "leave": "left alone"}


def show_plan(plan: Plan, place: Path, form: Format, *, files: int | None = None, whole: bool = False) -> None:
    """Print a plan: JSON as one object, JSON lines by group, CSV and Parquet by pair (from, to, score, ...), a table.

    place: of its file. files: how many pictures were looked at. whole: whether a table has all groups and files, and
    not only as many as a terminal is filled with.
    """
    from lookalike.cleaning.planfile import to_json

    match form:
        case Format.json:
            facts, groups = to_json(plan)
            print_json_with({**facts, "plan": str(place)}, "groups", groups)
        case Format.jsonl:
            print_lines(to_json(plan)[1])
        case Format.csv | Format.parquet:
            print_rows(list(_pairs(plan)), form)
        case Format.table:
            shown = plan.groups if whole else plan.groups[:_MOST]
            for number, planned in enumerate(shown, 1):
                show_group(number, planned, whole=whole)
            if len(plan.groups) > len(shown):
                left = counted(len(plan.groups) - len(shown), "more group")
                typer.echo(f"\n... and {left}: `lookalike dedup review --list` shows all.")
            _sum_up(plan, place, files)


def show_group(number: int, planned: PlannedGroup, *, whole: bool = True) -> None:
    """Print one group as a table. number: as people count, from 1. whole: all of its files, else the first 30."""
    again = "; decided before, but a new file has joined" if planned.group.reopened else ""
    typer.secho(
        f"\n{number}. {counted(len(planned.fates), 'file')}, {said_bytes(planned.bytes_freed)} to free{again}",
        bold=True,
    )
    rows = []
    members = list(zip(planned.group.members, planned.fates, strict=True))
    shown = members if whole else members[:_MOST_FILES]
    for member, fate in shown:
        like = "" if fate.probability is None else f"{fate.verdict} {fate.probability:.4f}"
        rows.append(
            {
                "": _WORDS[fate.does],
                "file": on_a_line(member.path),
                "pixels": f"{member.width}x{member.height}",
                "bytes": said_bytes(member.size),
                "like the kept one": like,
                "why": on_a_line(fate.reason),
            }
        )
    print_rows(rows, Format.table)
    if len(members) > len(shown):
        left = counted(len(members) - len(shown), "more file")
        typer.echo(f"... and {left}: `lookalike dedup review --list` shows all.")


def _sum_up(plan: Plan, place: Path, files: int | None) -> None:
    among = "" if files is None else f" among {counted(files, 'picture')}"
    typer.echo(
        f"\n{counted(len(plan.groups), 'group')}{among}; {counted(plan.files_removed, 'file')} could go and free "
        f"{said_bytes(plan.bytes_freed)}. Nothing was touched."
    )
    if plan.unused:
        reasons: dict[str, int] = {}
        for one in plan.unused:
            reason = next((start + "another path" for start in _OWN if one.reason.startswith(start)), one.reason)
            reasons[reason] = reasons.get(reason, 0) + 1
        commonest = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:5]
        note(
            f"{counted(len(plan.unused), 'file')} took no part: "
            + "; ".join(f"{n:,} {reason}" for reason, n in commonest)
        )
    typer.echo(f"plan: {_printable(str(place))}")


def _pairs(plan: Plan) -> Iterator[dict[str, Any]]:
    for number, planned in enumerate(plan.groups, 1):
        for pair in planned.group.pairs:
            yield {
                "from": _printable(pair.a),
                "to": _printable(pair.b),
                "score": pair.probability,
                "verdict": pair.verdict,
                "tier": pair.tier,
                "changes": ", ".join(pair.changes),
                "overlap_from": pair.overlap_a,
                "overlap_to": pair.overlap_b,
                "group": number,
            }


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()


def on_a_line(text: str) -> str:
    """Write out what would break a table, or speak to the terminal, as line ends and escapes in names do."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
