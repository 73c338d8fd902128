"""`lookalike evaluate DIR`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import settings_for
from lookalike.cli.output import Format, FormatOption, note, print_json, print_rows, progress_bar
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.evaluation import Figure, Pairs, Retrieval

_HELP = """Measure a model on your own labeled pictures, beside plain baselines.

Each folder in DIR is a label, or `--labels` names a CSV or JSON-lines file with the columns file and label: every
picture is then asked for the others of its label (recall, mAP, median rank), by each vector of the model, the colors, a
perceptual hash, and at random. `--pairs` names one with the columns a, b and same: every pair is then compared
(precision, recall, AUC, calibration). Files are looked for in DIR, or else beside the table. Brackets hold 95 %
confidence intervals, drawn with a fixed seed.

Example: `lookalike evaluate photos --labels labels.csv`,
or `lookalike evaluate --pairs pairs.csv --precision 0.95 --format json`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate", help=_HELP)(_evaluate)


def _evaluate(
    folder: Path = typer.Argument(None, metavar="[DIR]", help="Folder of folders, or where the table's files are."),
    labels: Path = typer.Option(None, "--labels", help="Table of file and label, .csv or .jsonl."),
    pairs: Path = typer.Option(None, "--pairs", help="Table of a, b and same, .csv or .jsonl."),
    precision: float = typer.Option(0.99, "--precision", help="With --pairs: the precision that is wanted."),
    model: str = typer.Option(None, "--model", help="The model. [default: LOOKALIKE_MODEL, or lookalike-mini]"),
    form: Format = FormatOption,
) -> None:
    if (labels is not None and pairs is not None) or (folder is labels is pairs is None):
        raise InvalidArgument("evaluate", "nothing or several", "given DIR, --labels or --pairs; not both tables")
    settings = settings_for(None, model=model)
    from lookalike import evaluation, labeled

    if pairs is not None:
        listed = labeled.read_pairs(pairs, folder)
        with progress_bar("comparing", len(listed)) as advance:
            compared = evaluation.evaluate_pairs(listed, settings=settings, precision=precision, progress=advance)
        _note_unreadable(compared.unreadable)
        _print_pairs(compared, form)
        return
    found = labeled.labeled_folder(folder) if labels is None else labeled.labeled_by_file(labels, folder)
    with progress_bar("describing", len(found.files)) as advance:
        measured = evaluation.evaluate_retrieval(found, settings=settings, progress=advance)
    _note_unreadable(measured.unreadable)
    _print_retrieval(measured, form)


def _note_unreadable(unreadable: Mapping[str, str]) -> None:
    for path, reason in unreadable.items():
        note(f"not evaluated: {path}: {reason}")
    if unreadable:
        note(f"{len(unreadable):,} files could not be read")


def _print_retrieval(found: Retrieval, form: Format) -> None:
    if form is Format.json:
        print_json(asdict(found))
        return
    if form is not Format.table:
        print_rows([_flat(asdict(line)) for line in found.lines], form)
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
    if found.alone:
        typer.echo(f"Not asked, as it is the only one: the picture of each of {len(found.alone):,} labels.")
    if found.unlabeled:
        typer.echo(f"Left out, without a label: {len(found.unlabeled):,} pictures.")
    if found.repeated:
        typer.echo(f"Byte for byte the same as another, and so found too easily: {found.repeated:,} pictures.")


def _print_pairs(found: Pairs, form: Format) -> None:
    if form is Format.json:
        print_json(asdict(found))
        return
    if form is not Format.table:
        print_rows([{"model": found.model, **_flat(asdict(line))} for line in found.lines], form)
        return
    wanted = f"{found.wanted_precision:.4g}"
    rows = [
        {
            "by": line.name,
            "AUC": _cell(line.auc),
            f"recall at precision {wanted}": f"{line.recall:.3f}",
            "by scores from": "never" if line.threshold is None else f"{line.threshold:.4g}",
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
    table = [
        {
            "probability": f"{one.low:.1f} to {one.high:.1f}",
            "pairs": f"{one.count:,}",
            "mean": f"{one.mean:.3f}",
            "came true": f"{one.share:.3f}",
        }
        for one in found.reliability
    ]
    print_rows(table, form)


def _cell(figure: Figure, digits: int = 3) -> str:
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """One level of columns: name, name_low and name_high for a figure with its interval."""
    row: dict[str, Any] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            row |= {name: value["value"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
        else:
            row[name] = value
    return row
