"""`lookalike evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lookalike.cli.common import settings_for
from lookalike.cli.evaluated import print_copies, print_pairs, print_retrieval
from lookalike.cli.output import Format, FormatOption, note, progress_bar
from lookalike.errors import InvalidArgument
from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.evaluate import Bin
    from lookalike.evaluation import CopyLine, Lineup, PairLine

_HELP = """Measure a model on your own pictures, beside plain baselines.

Each folder in DIR is a label, or `--labels` names a CSV or JSON-lines file with the columns file and label: every
picture is then asked for the others of its label (recall, mAP, median rank). `--copies` takes a folder of any pictures:
each is edited in memory in 43 ways at three strengths, and every copy is asked for its original (rank 1, precision and
recall, AUC, calibration). `--pairs` names a table with the columns a, b and same: every pair is then compared
(precision, recall, AUC, calibration). A table's files are looked for in DIR, or else beside it.

Beside the model stand a Lab color histogram, pHash, dHash and PDQ, every further `--model`, and with `--reference` a
MobileNetV2. Brackets hold 95 % confidence intervals, drawn with a fixed seed.

Example: `lookalike evaluate photos --labels labels.csv --model lookalike-mini --model onnx:my.onnx`,
or `lookalike evaluate --copies photos --plots drawings`,
or `lookalike evaluate --pairs pairs.csv --precision 0.95 --format json`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate", help=_HELP)(_evaluate)


def _evaluate(
    folder: Path = typer.Argument(None, metavar="[DIR]", help="Folder of folders, or where the table's files are."),
    labels: Path = typer.Option(None, "--labels", help="Table of file and label, .csv or .jsonl."),
    pairs: Path = typer.Option(None, "--pairs", help="Table of a, b and same, .csv or .jsonl."),
    copies: Path = typer.Option(None, "--copies", help="Folder of pictures to make edited copies of, in memory."),
    sample: int = typer.Option(300, "--sample", min=3, help="With --copies: of so many pictures, drawn evenly."),
    precision: float = typer.Option(0.99, "--precision", help="With --pairs and --copies: the precision wanted."),
    model: list[str] = typer.Option(
        [], "--model", help="The model; again for each further one beside it. [default: LOOKALIKE_MODEL]"
    ),
    reference: Path = typer.Option(None, "--reference", help="MobileNetV2 .tflite, to stand beside (extra `train`)."),
    plots: Path = typer.Option(None, "--plots", metavar="DIR", help="Draw PNG files there (extra `plots`)."),
    form: Format = FormatOption,
) -> None:
    if sum(one is not None for one in (labels, pairs, copies)) > 1 or (folder is labels is pairs is copies is None):
        raise InvalidArgument("evaluate", "nothing or several", "given DIR, --labels, --pairs or --copies; one of them")
    if folder is not None and copies is not None:
        raise InvalidArgument("DIR", str(folder), "left out: --copies has a folder of its own")
    from lookalike.evaluation import Lineup

    settings = settings_for(None, model=model[0] if model else None)
    asked = _Asked(Lineup(settings.model, model[1:], reference), settings, precision, plots, form)
    if pairs is not None:
        _pairs(pairs, folder, asked)
    elif copies is not None:
        _copies(copies, sample, asked)
    else:
        _retrieval(folder, labels, asked)


@dataclass(frozen=True)
class _Asked:
    """What all three kinds of evaluation are told."""

    lineup: Lineup
    settings: Settings
    precision: float
    plots: Path | None
    form: Format


def _retrieval(folder: Path, labels: Path | None, asked: _Asked) -> None:
    from lookalike.evaluation import evaluate_retrieval
    from lookalike.labeled import labeled_by_file, labeled_folder

    found = labeled_folder(folder) if labels is None else labeled_by_file(labels, folder)
    with progress_bar("describing", len(found.files)) as advance:
        measured = evaluate_retrieval(found, asked.lineup, settings=asked.settings, progress=advance)
    _note_unreadable(measured.unreadable)
    if asked.plots is not None:
        from lookalike.evaluation.plots import plot_recalls

        lines = {one.name: {1: one.recall_at_1, 5: one.recall_at_5, 10: one.recall_at_10} for one in measured.lines}
        plot_recalls(lines, asked.plots / "recall.png")
    print_retrieval(measured, asked.form)


def _pairs(table: Path, folder: Path | None, asked: _Asked) -> None:
    from lookalike.evaluation import evaluate_pairs
    from lookalike.labeled import read_pairs

    listed = read_pairs(table, folder)
    with progress_bar("comparing", len(listed)) as advance:
        measured = evaluate_pairs(
            listed, asked.lineup, settings=asked.settings, precision=asked.precision, progress=advance
        )
    _note_unreadable(measured.unreadable)
    _draw(asked.plots, measured.lines, {"compare": measured.reliability})
    print_pairs(measured, asked.form)


def _copies(folder: Path, sample: int, asked: _Asked) -> None:
    from lookalike.edits import EDITS
    from lookalike.evaluation import evaluate_copies
    from lookalike.folders.scan import scan

    files = scan(folder).pictures
    with progress_bar("editing", len(EDITS)) as advance:
        measured = evaluate_copies(
            files, asked.lineup, settings=asked.settings, sample=sample, precision=asked.precision, progress=advance
        )
    _note_unreadable(measured.unreadable)
    _draw(asked.plots, measured.lines, {one.name: one.reliability for one in measured.lines if one.reliability})
    print_copies(measured, asked.form)


def _draw(
    folder: Path | None, lines: Sequence[PairLine] | Sequence[CopyLine], tables: Mapping[str, Sequence[Bin]]
) -> None:
    if folder is None:
        return
    from lookalike.evaluation.plots import plot_curves, plot_reliability

    plot_curves({one.name: one.curve for one in lines}, folder / "precision-recall.png")
    plot_reliability(tables, folder / "reliability.png")


def _note_unreadable(unreadable: Mapping[str, str]) -> None:
    for path, reason in unreadable.items():
        note(f"not evaluated: {path}: {reason}")
    if unreadable:
        note(f"{len(unreadable):,} files could not be read")
