"""`lookalike calibrate PAIRS`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, settings_for
from lookalike.cli.output import Format, FormatOption, note, print_json, print_rows, progress_bar
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.evaluate import Bin
    from lookalike.evaluation.calibrating import Calibrated
    from lookalike.evaluation.marks import Marked
    from lookalike.likeness import Judge
    from lookalike.workspace import Workspace

_HELP = """Learn from labeled pairs from which score on two pictures count as the same.

PAIRS is a CSV or JSON-lines file with the columns a, b and same (yes or no); a and b are pictures, looked for in DIR
or else beside the table, or with `--collection` ids of its records. Without PAIRS, the marks that people left on the
collection's records count ("same" and "different" decisions).

Printed are the threshold for the precision wanted, with what it gives on pairs it was not chosen by, and a curve that
makes scores probabilities, with the calibration error before and after. `--by same` (the default) asks for the same
picture, as `check` and `duplicates` do; `--by meaning`, `--by copy` or another vector asks for its cosine.

`--save` keeps both in the collection's settings `threshold` and `curves`: `check` and `duplicates` then go by them.

Example: `lookalike calibrate pairs.csv photos --precision 0.99 --plots drawings`,
or `lookalike calibrate --collection shop --save`,
or `lookalike calibrate pairs.csv --by meaning --model onnx:my.onnx --format json`
"""

_BAR = 24


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate", help=_HELP)(_calibrate)


def _calibrate(
    pairs: Path = typer.Argument(None, metavar="[PAIRS]", help="Table of a, b and same, .csv or .jsonl."),
    folder: Path = typer.Argument(None, metavar="[DIR]", help="Where the pictures are. [default: beside PAIRS]"),
    collection: str = typer.Option(None, "--collection", "-C", help="Collection whose records a and b are."),
    by: str = typer.Option("same", "--by", help="same, or a vector: meaning, copy, ..."),
    precision: float = typer.Option(0.99, "--precision", help="The share of the pairs kept that should be true."),
    save: bool = typer.Option(False, "--save", help="Keep threshold and curve in the collection's settings."),
    model: str = typer.Option(None, "--model", help="Without --collection: the model. [default: LOOKALIKE_MODEL]"),
    plots: Path = typer.Option(None, "--plots", metavar="DIR", help="Draw reliability.png there (extra `plots`)."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    if pairs is None and collection is None:
        raise InvalidArgument("calibrate", "nothing", "given PAIRS, or --collection with marks on its records")
    if collection is None and save:
        raise InvalidArgument("--save", "given", "left out without --collection, in whose settings it is kept")
    if collection is not None:
        with opened(workspace) as space:
            found, marked = _of_collection(space, space.get(collection), pairs, (by, precision))
            if save:
                _save(space, space.get(collection), found)
    else:
        found, marked = _of_files(pairs, folder, settings_for(workspace, model=model), (by, precision))
    for name, reason in marked.missing.items():
        note(f"its pairs are left out: {name}: {reason}")
    if plots is not None:
        from lookalike.evaluation.plots import plot_reliability

        tables = {"before": found.reliability_before, "after": found.reliability_after}
        plot_reliability({name: table for name, table in tables.items() if table}, plots / "reliability.png")
    _print(found, {"collection": collection, "saved": save, "missing": dict(marked.missing)}, form)


def _of_files(pairs: Path, folder: Path | None, settings: Any, wanted: tuple[str, float]) -> tuple[Calibrated, Marked]:
    from lookalike.describers.ensemble import standard_ensemble
    from lookalike.evaluation.marks import marked_files
    from lookalike.labeled import read_pairs
    from lookalike.likeness import Judge

    listed = read_pairs(pairs, folder)
    ensemble = standard_ensemble(settings.model)
    with progress_bar("describing", len({file for pair in listed for file in (pair.a, pair.b)})) as advance:
        marked = marked_files(listed, ensemble, settings, advance)
    return _calibrated(marked, Judge(ensemble.curves), wanted), marked


def _of_collection(
    space: Workspace, collection: Collection, pairs: Path | None, wanted: tuple[str, float]
) -> tuple[Calibrated, Marked]:
    from lookalike.describers.ensemble import standard_ensemble
    from lookalike.evaluation.marks import marked_pairs, marked_records
    from lookalike.labeled import read_marks
    from lookalike.likeness import Judge

    said = marked_pairs(space.catalog.decisions.list(collection.name)) if pairs is None else read_marks(pairs)
    marked = marked_records(said, space.store_of(collection.name))
    # the model's own curves, so that what was saved before is fitted anew and not on top of itself
    return _calibrated(marked, Judge(standard_ensemble(collection.info.model).curves), wanted), marked


def _calibrated(marked: Marked, judge: Judge, wanted: tuple[str, float]) -> Calibrated:
    from lookalike.evaluation.marks import calibrate_marks

    by, precision = wanted
    return calibrate_marks(marked, by, judge, precision=precision)


def _save(space: Workspace, collection: Collection, found: Calibrated) -> None:
    """Keep the curve, and where it is about the same picture the threshold, as a probability that the curve says."""
    changes: dict[str, Any] = {"curves": {**collection.settings.curves, found.by: asdict(found.curve)}}
    if found.by == "same":
        if found.probability is None:
            raise InvalidArgument(
                "--precision", found.wanted_precision, "one that some score gives on these pairs; nothing was saved"
            )
        # records' probabilities are told with six decimals: cut, so that the pair at the threshold stays in
        changes["threshold"] = max(1e-6, math.floor(found.probability * 1e6) / 1e6)
    space.configure(collection.name, **changes)


def _print(found: Calibrated, more: dict[str, Any], form: Format) -> None:
    told = {**asdict(found), **more}
    if form is Format.json:
        print_json(told)
        return
    if form is not Format.table:
        after = [{"by": found.by, "when": "after", **asdict(one)} for one in found.reliability_after]
        before = [{"by": found.by, "when": "before", **asdict(one)} for one in found.reliability_before]
        print_rows([*before, *after], form)
        return
    typer.echo(
        f"{found.pairs:,} pairs, {found.same:,} of them the same; told apart by {found.by}: AUC {_cell(found.auc)}"
    )
    _print_threshold(found)
    so_far = "nothing was said before" if found.error_before is None else f"before {found.error_before:.4f}"
    typer.echo(
        f"\nCurve: scale {found.curve.scale:.4f}, offset {found.curve.offset:.4f}. Expected calibration error: "
        f"{so_far}, after {found.error_after:.4f} (on pairs not fitted on).\n"
    )
    print_rows(_reliability(found.reliability_after), form)
    if more["saved"]:
        typer.echo(f"\nSaved: {more['collection']} goes by it from now on.")


def _print_threshold(found: Calibrated) -> None:
    wanted = f"{found.wanted_precision:.4g}"
    if found.threshold is None:
        typer.echo(f"No score gives a precision of {wanted} on these pairs.")
        return
    typer.echo(
        f"Threshold for precision {wanted}: {_cell(found.threshold, 4)}; probability there {found.probability:.4f}"
    )
    if found.precision is None:
        typer.echo("On pairs it was not chosen by, it keeps nothing: there are too few pairs.")
        return
    typer.echo(f"On pairs it was not chosen by: precision {_cell(found.precision)}, recall {_cell(found.recall)}")
    if found.precision.low < found.wanted_precision:
        typer.echo(
            f"So few pairs can't promise {wanted}: more labeled pairs, above all doubtful ones, narrow the bracket."
        )


def _reliability(table: Sequence[Bin]) -> list[dict[str, str]]:
    """A reliability diagram in letters: the bar is what came true, the mark what was said."""
    rows = []
    for one in table:
        filled = round(_BAR * one.share)
        bar = ["█"] * filled + ["·"] * (_BAR - filled)
        bar[min(_BAR - 1, int(_BAR * one.mean))] = "|"
        rows.append(
            {
                "probability": f"{one.low:.1f} to {one.high:.1f}",
                "pairs": f"{one.count:,}",
                "said": f"{one.mean:.3f}",
                "came true": f"{one.share:.3f}",
                " ": "".join(bar),
            }
        )
    return rows


def _cell(figure: Any, digits: int = 3) -> str:
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
