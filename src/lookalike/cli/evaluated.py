"""What `lookalike evaluate` measured, on a terminal or as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.output import Format, counted, print_json, print_rows

if TYPE_CHECKING:
    from lookalike.evaluate import Bin
    from lookalike.evaluation import Copies, Figure, IndexRecall, PairLine, Pairs, Retrieval, RetrievalLine
    from lookalike.evaluation.modeltable import ModelCost

__all__ = ["Rows", "print_copies", "print_index", "print_pairs", "print_retrieval"]


class Rows(StrEnum):
    """What the rows of an evaluation by labels are."""

    lines = "lines"
    suspects = "suspects"
    hard = "hard"
    leaks = "leaks"
    worst = "worst"
    best = "best"


def print_retrieval(found: Retrieval, form: Format, chosen: Rows, costs: Sequence[ModelCost] = ()) -> None:
    """Print how pictures of one label find each other, and what models beside each other cost."""
    if form is Format.json:
        print_json(asdict(found) | ({"models": [asdict(one) for one in costs]} if costs else {}))
        return
    if form is not Format.table:
        print_rows(_rows(found, chosen), form)
        return
    if chosen is not Rows.lines:
        rows = [{name: _shown(value) for name, value in row.items()} for row in _rows(found, chosen)]
        print_rows(rows, form) if rows else typer.echo("None.")
        return
    rows = [
        {
            "by": line.name,
            "recall@1": _cell(line.recall_at_1),
            "recall@5": _cell(line.recall_at_5),
            "recall@10": _cell(line.recall_at_10),
            "mAP": _cell(line.mean_average_precision),
            "median rank": _cell(line.median_rank, 1),
        }
        for line in found.lines
    ]
    print_rows(rows, form)
    typer.echo(
        f"{found.model}: {found.pictures:,} pictures of {found.labels:,} labels, "
        f"{found.asked:,} of them asked for the others of their label."
    )
    _print_sets(found)
    if costs:
        typer.echo("")
        own = [_cost(one, found, "meaning" if place == 0 else f"{one.name} meaning") for place, one in enumerate(costs)]
        print_rows(own, form)
    _print_remarks(found)


def _print_sets(found: Retrieval) -> None:
    sets = [(line.name, line.comparative) for line in found.lines if line.comparative]
    if not sets:
        return
    typer.echo(f"\nA picture of the label among {sets[0][1].negatives} of others, {sets[0][1].sets:,} times:\n")
    rows = [
        {
            "by": name,
            "recall@1": _cell(one.recall_at_1),
            "recall@5": _cell(one.recall_at_5),
            "recall@10": _cell(one.recall_at_10),
            "median rank": _cell(one.median_rank, 1),
        }
        for name, one in sets
    ]
    print_rows(rows, Format.table)


def _print_remarks(found: Retrieval) -> None:
    if found.alone:
        typer.echo(f"Not asked, as it is the only one: the picture of each of {counted(len(found.alone), 'label')}.")
    if found.unlabeled:
        typer.echo(f"Left out, without a label: {counted(len(found.unlabeled), 'picture')}.")
    if found.repeated:
        typer.echo(f"Byte for byte the same as another, and so found too easily: {counted(found.repeated, 'picture')}.")
    if found.suspects:
        typer.echo(f"Neighbors agree on another label (--rows suspects): {counted(len(found.suspects), 'picture')}.")
    if found.leaks:
        typer.echo(f"The training set has them, too (--rows leaks): {counted(len(found.leaks), 'picture')}.")


def _rows(found: Retrieval, chosen: Rows) -> list[dict[str, Any]]:
    if chosen is Rows.lines:
        return [_flat(line) for line in found.lines]
    return [
        {name: value for name, value in asdict(one).items() if name != "neighbors"} for one in getattr(found, chosen)
    ]


def _shown(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _cost(one: ModelCost, found: Retrieval, name: str) -> dict[str, Any]:
    """One model of the table: what its line finds beside what it costs."""
    line = next((line for line in found.lines if line.name == name), None)
    return {
        "model": one.name,
        "recall@1": "" if line is None else _cell(line.recall_at_1),
        "mAP": "" if line is None else _cell(line.mean_average_precision),
        "MB": f"{one.megabytes:.1f}",
        "floats": str(one.floats),
        "ms a picture": f"{one.milliseconds:.1f}",
        "license": one.license,
    }


def print_index(lines: Sequence[IndexRecall], form: Format) -> None:
    """Print what an index finds of what there is."""
    if form is not Format.table:
        rows = [asdict(one) for one in lines]
        print_json(rows) if form is Format.json else print_rows([_flat(one) for one in lines], form)
        return
    print_rows(
        [
            {
                "by": one.by,
                f"recall@{one.k}": _cell(one.recall),
                "asked": f"{one.asked:,}",
                "records": f"{one.records:,}",
                "ms": f"{one.milliseconds:.2f}",
                "ms, exact": f"{one.exact_milliseconds:.2f}",
            }
            for one in lines
        ],
        form,
    )


def print_pairs(found: Pairs, form: Format) -> None:
    """Print how pairs are told apart."""
    if form is Format.json:
        print_json(asdict(found))
        return
    if form is not Format.table:
        print_rows([{"model": found.model, **_flat(line)} for line in found.lines], form)
        return
    wanted = f"{found.wanted_precision:.4g}"
    rows = [
        {
            "by": line.name,
            "AUC": _cell(line.auc),
            f"recall at precision {wanted}": f"{line.recall:.3f}",
            "by scores from": _threshold(line.threshold),
            "calibration error": _error(line.calibration_error),
        }
        for line in found.lines
    ]
    print_rows(rows, form)
    precision = "no pair" if found.precision is None else f"precision {found.precision:.3f}"
    typer.echo(
        f"\n{found.model}: {found.pairs:,} pairs, {found.same:,} of the same picture. "
        f"Probability 0.5 and above: {precision}, recall {found.recall:.3f}."
    )
    typer.echo(f"Expected calibration error of the probability ({found.calibration}): {found.calibration_error:.4f}\n")
    _print_reliability(found.reliability)


def print_copies(found: Copies, form: Format) -> None:
    """Print how copies are known: with csv, jsonl and parquet one row for each line, edit and level."""
    if form is Format.json:
        print_json(asdict(found))
        return
    if form is not Format.table:
        print_rows(
            [
                {"model": found.model, "name": line.name, "edit": edit, "level": level, "rank_1": share}
                for line in found.lines
                for edit, by_level in line.edits.items()
                for level, share in by_level.items()
            ],
            form,
        )
        return
    wanted = f"{found.wanted_precision:.4g}"
    rows = [
        {
            "by": line.name,
            **{f"rank 1, {level}": _cell(figure) for level, figure in line.rank_1.items()},
            "AUC": _cell(line.auc),
            f"recall at precision {wanted}": _cell(line.recall),
            "by scores from": _threshold(line.threshold),
            "calibration error": _error(line.calibration_error),
        }
        for line in found.lines
    ]
    print_rows(rows, form)
    typer.echo(
        f"\n{found.model}: {found.copies:,} copies of {found.pictures:,} pictures ({found.found:,} given), list of "
        f"edits version {found.edits_version}; {found.strangers:,} pairs of strangers.\n\n"
        "Share of copies whose original comes first, mild / medium / hard:\n"
    )
    edits = [
        {
            "edit": edit,
            **{line.name: " / ".join(f"{share:.2f}" for share in line.edits[edit].values()) for line in found.lines},
        }
        for edit in found.lines[0].edits
    ]
    print_rows(edits, form)
    for line in found.lines:
        if line.reliability:
            typer.echo(f"\nProbabilities of {line.name}, on as many strangers as copies:\n")
            _print_reliability(line.reliability)
    if found.repeated:
        typer.echo(f"\nLeft out, byte for byte the same as another: {counted(found.repeated, 'picture')}.")


def _print_reliability(bins: Sequence[Bin]) -> None:
    table = [
        {
            "probability": f"{one.low:.1f} to {one.high:.1f}",
            "pairs": f"{one.count:,}",
            "mean": f"{one.mean:.3f}",
            "came true": f"{one.share:.3f}",
        }
        for one in bins
    ]
    print_rows(table, Format.table)


def _threshold(value: float | None) -> str:
    return "never" if value is None else f"{value:.4g}"


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _cell(figure: Figure, digits: int = 3) -> str:
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def _flat(line: RetrievalLine | PairLine | IndexRecall) -> dict[str, Any]:
    """One level of columns: name, name_low and name_high for a figure with its interval; no curve."""
    return _leveled(asdict(line), "")


def _leveled(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value.keys() == {"value", "low", "high"}:
            row |= {prefix + name: value["value"], f"{prefix}{name}_low": value["low"]}
            row |= {f"{prefix}{name}_high": value["high"]}
        elif isinstance(value, dict):
            row |= _leveled(value, f"{name}_")
        elif not isinstance(value, list | tuple):
            row[prefix + name] = value
    return row
