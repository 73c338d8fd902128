"""`lookalike evaluate`."""

from __future__ import annotations

from pathlib import Path

import typer

from lookalike.cli.common import WorkspaceOption, settings_for
from lookalike.cli.evaluated import Rows
from lookalike.cli.evaluations import Asked, on_collection, on_copies, on_index, on_labels, on_pairs
from lookalike.cli.output import Format, FormatOption
from lookalike.errors import InvalidArgument

_HELP = """Measure a model on your own pictures, beside plain baselines.

Each folder in DIR is a label, or `--labels` names a CSV or JSON-lines file with the columns file and label: every
picture is then asked for the others of its label (recall, mAP, median rank, comparative sets, k-reciprocal re-ranking).
`--collection` with `--label` does the same by the vectors that a collection keeps. `--copies` takes a folder of any
pictures: each is edited in memory in 43 ways at three strengths, and every copy is asked for its original (rank 1,
precision and recall, AUC, calibration). `--pairs` names a table with the columns a, b and same: every pair is then
compared (precision, recall, AUC, calibration). A table's files are looked for in DIR, or else beside it.

`--report` writes one HTML file: figures, curves, best and worst questions as pictures, hard pairs, labels that the
neighbors doubt. `--train` names the folder that a model was trained on: pictures that are in both are listed.
`--index-recall` measures a collection's index against an exact search; it needs no labels.

Beside the model stand a Lab color histogram, pHash, dHash and PDQ, every further `--model`, and with `--reference` a
MobileNetV2. Brackets hold 95 % confidence intervals, drawn with a fixed seed.

Example: `lookalike evaluate photos --labels labels.csv --model lookalike-mini --model onnx:my.onnx`,
or `lookalike evaluate test --train train --report report.html`,
or `lookalike evaluate --collection shop --label category --rows suspects --format csv`,
or `lookalike evaluate --collection shop --index-recall`,
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
    collection: str = typer.Option(None, "--collection", "-C", help="Collection, with --label or --index-recall."),
    label: str = typer.Option(None, "--label", help="With --collection: the field whose value is the label."),
    where: str = typer.Option(None, "--filter", help="With --label: only records that match, as JSON."),
    index_recall: bool = typer.Option(
        False, "--index-recall", help="With --collection: the index against exact search."
    ),
    train: Path = typer.Option(None, "--train", metavar="DIR", help="What was trained on, a folder of folders."),
    sample: int = typer.Option(
        None, "--sample", min=3, help="Ask with so many, drawn evenly. [default: all; --copies 300, --index-recall 200]"
    ),
    precision: float = typer.Option(0.99, "--precision", help="With --pairs and --copies: the precision wanted."),
    model: list[str] = typer.Option(
        [], "--model", help="The model; again for each further one beside it. [default: LOOKALIKE_MODEL]"
    ),
    reference: Path = typer.Option(None, "--reference", help="MobileNetV2 .tflite, to stand beside (extra `train`)."),
    plots: Path = typer.Option(None, "--plots", metavar="DIR", help="Draw PNG files there (extra `plots`)."),
    report: Path = typer.Option(None, "--report", metavar="FILE", help="With labels: write one HTML file."),
    rows: Rows = typer.Option(Rows.lines, "--rows", help="With labels: what csv, jsonl and parquet hold."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    chosen = [one for one in (labels, pairs, copies, collection) if one is not None]
    if len(chosen) > 1 or (not chosen and folder is None):
        raise InvalidArgument(
            "evaluate", "nothing or several", "given DIR, --labels, --pairs, --copies or --collection; one of them"
        )
    if folder is not None and (copies is not None or collection is not None):
        raise InvalidArgument("DIR", str(folder), "left out: --copies and --collection say what is evaluated")
    if (report or train) and (pairs is not None or copies is not None):
        raise InvalidArgument("--report and --train", "given", "left out with --pairs and --copies: they want labels")
    settings = settings_for(workspace, model=model[0] if model else None)
    asked = Asked(settings, tuple(model), reference, sample, precision, plots, report, rows, form)
    if collection is not None and index_recall:
        on_index(collection, asked)
    elif collection is not None:
        on_collection(collection, label, where, asked)
    elif pairs is not None:
        on_pairs(pairs, folder, asked)
    elif copies is not None:
        on_copies(copies, asked)
    else:
        on_labels(folder, labels, train, asked)
