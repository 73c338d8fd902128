"""`lookalike train`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, settings_for
from lookalike.cli.output import Format, FormatOption, note, print_json, print_rows, progress_bar
from lookalike.cli.tagging import show_tagger
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.evaluation.figures import Figure
    from lookalike.learning import Dataset, LearnedTagger, Trained
    from lookalike.learning.measure import Measured
    from lookalike.learning.plan import Progress
    from lookalike.settings import Settings

_HELP = """Learn from your own pictures which of them are alike, and see honestly how much better that is.

Each folder in SOURCE is a class; or SOURCE is a .csv or .jsonl table whose paths are relative to it, with the columns
file and label, file and group, or a, b and same (pairs), or lines like {"files": [...]} of pictures that show the same.
With `--collection` it is what people marked on its records, as "same" or "different", whose pictures are in files.
A fifth of the classes is held out: nothing is learned from them, and the figures are theirs, before and after.

`--gear head` (the default) learns a head on the model's features, in seconds to a minute on any CPU; how strongly it
speaks is cross-validated over classes. `--gear full` also trains the network's last stages (extra `train`: PyTorch).
Where the trained model finds less than before, the folder holds the old one as it was, and that is said.

The folder that is written can be given wherever a model's name can. It holds the ONNX file, its card with calibration,
and report.json: figures, hard pairs, labels that the neighbors doubt, near duplicates.

`--task classify` learns to name one label of many, `--task tag` any of many, on the model's vectors as they are: a
tagger, which collections use on every new picture (setting `taggers`). Pictures are held out then, not classes; a table
may have the columns tags (divided by semicolons), group (never on both sides) and test.

`--report` writes one HTML page: figures before and after, the learning curve, and pictures with what they find before
and after; of a tagger its labels, reliability, what is taken for what, and the pictures it got wrong.

Example: `lookalike train shoes --out shoes-model --report shoes.html`, then
`lookalike collection redescribe shop --model shoes-model`,
or `lookalike train pairs.csv --gear full --loss triplet --epochs 30 --format json`,
or `lookalike train --collection shop --out shop-model`,
or `lookalike train rooms.csv --task classify --out room`
"""


class Gear(StrEnum):
    """How much is trained."""

    head = "head"
    full = "full"


class Loss(StrEnum):
    """What --gear full learns by."""

    softmax = "softmax"
    triplet = "triplet"
    contrastive = "contrastive"


class Task(StrEnum):
    """What is learned."""

    alike = "alike"
    classify = "classify"
    tag = "tag"


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train", help=_HELP)(_train)


def _train(
    source: Path = typer.Argument(None, metavar="[SOURCE]", help="Folder of folders, or a .csv or .jsonl table."),
    collection: str = typer.Option(None, "--collection", "-C", help="In place of SOURCE: learn from its marks."),
    out: Path = typer.Option(None, "--out", "-o", metavar="DIR", help="Model to write. [default: ./SOURCE-model]"),
    task: Task = typer.Option(Task.alike, "--task", help="Which are alike (a model), or labels (a tagger)."),
    field: str = typer.Option("", "--field", help="Of a tagger: the field it fills. [default: its name, or tags]"),
    precision: float = typer.Option(None, "--precision", help="Of a tagger: share of labels given that are right."),
    gear: Gear = typer.Option(Gear.head, "--gear", help="head: on frozen features; full: the last stages too."),
    model: str = typer.Option(None, "--model", help="The model that is learned from. [default: LOOKALIKE_MODEL]"),
    held_out: float = typer.Option(0.2, "--held-out", help="Share of the classes, or pictures, asked about."),
    seed: int = typer.Option(0, "--seed", min=0, help="The same seed and pictures give the same model."),
    epochs: int = typer.Option(20, "--epochs", min=1, help="With --gear full: at most; it stops early by itself."),
    loss: Loss = typer.Option(Loss.softmax, "--loss", help="With --gear full: what it learns by."),
    resume: bool = typer.Option(False, "--resume", help="With --gear full: go on with an interrupted training."),
    drop_duplicates: bool = typer.Option(
        False, "--drop-duplicates", help="Learn from no picture that is a near duplicate of a held-out one."
    ),
    anyway: bool = typer.Option(False, "--anyway", help="Write the trained model even if it is worse."),
    force: bool = typer.Option(False, "--force", help="Replace a model that is in --out."),
    report: Path = typer.Option(None, "--report", metavar="FILE", help="Write one HTML page with pictures."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.learning import train, train_tagger

    _one_source(source, collection, task)
    settings = settings_for(workspace, model=model)
    if report is not None and report.is_dir():
        raise InvalidArgument("--report", str(report), "a file to write, not a folder")
    if task is not Task.alike:
        choices = {"field": field, "precision": precision, "held_out": held_out, "seed": seed, "force": force}
        with _bars() as progress:
            learned = train_tagger(
                source,
                out,
                settings=settings,
                progress=progress,
                task=task.value,
                drop_duplicates=drop_duplicates,
                **choices,
            )
        for warning in learned.warnings:
            note(f"warning: {warning}")
        show_tagger(learned, form)
        _report(learned, report, settings)
        return
    if field or precision is not None:
        raise InvalidArgument("--field or --precision", field or precision, "left out, or --task classify or tag")
    learned_from: Path | Dataset = source
    if collection is not None:
        learned_from, settings = _marked(collection, workspace, model)
        out = out or Path(f"{collection}-model")
    with _bars() as progress:
        found = train(
            learned_from,
            out,
            settings=settings,
            progress=progress,
            gear=gear.value,
            held_out=held_out,
            seed=seed,
            epochs=epochs,
            loss=loss.value,
            resume=resume,
            drop_duplicates=drop_duplicates,
            anyway=anyway,
            force=force,
        )
    for warning in found.warnings:
        note(f"warning: {warning}")
    _show(found, form)
    _report(found, report, settings)


def _one_source(source: Path | None, collection: str | None, task: Task) -> None:
    """Raise InvalidArgument unless one of both is given, and SOURCE where labels are to be learned."""
    if (source is None) == (collection is None):
        raise InvalidArgument("train", "nothing" if source is None else "both", "given SOURCE or --collection")
    if source is None and task is not Task.alike:
        raise InvalidArgument("--collection", collection, f"left out with --task {task}: give SOURCE, labels")


def _marked(collection: str, workspace: Path | None, model: str | None) -> tuple[Dataset, Settings]:
    """Return what people marked in a collection, and settings whose model is the collection's unless one is named."""
    from lookalike.lessons import marked_pictures

    with opened(workspace) as space:
        data = marked_pictures(space, collection)
        return data, settings_for(workspace, model=model or space.get(collection).info.model)


@contextmanager
def _bars() -> Iterator[Progress]:
    """Yield what shows the stages of a training, a bar after the other."""
    with ExitStack() as stack:
        shown: dict[str, Any] = {}

        def advance(what: str, more: int, total: int) -> None:
            if what not in shown:
                stack.pop_all().close()
                shown[what] = stack.enter_context(progress_bar(what, total))
            shown[what](more)

        yield advance


def _report(found: Trained | LearnedTagger, path: Path | None, settings: Settings) -> None:
    """Write the page, if one is wanted. Raises InvalidArgument where it can't be; what was learned is there then."""
    if path is None:
        return
    from lookalike.learning import LearnedTagger
    from lookalike.learning.report import write_tagger_report, write_training_report

    try:
        if isinstance(found, LearnedTagger):
            write_tagger_report(found, path, settings=settings)
        else:
            write_training_report(found, path, settings=settings)
    except OSError as error:
        wanted = f"a file that can be written ({error.strerror}); what was learned is in its folder, whole"
        raise InvalidArgument("--report", str(path), wanted) from None
    note(f"the report is in {path}")


def _show(found: Trained, form: Format) -> None:
    lines = _lines(found)
    if form is Format.json:
        print_json(_as_json(found))
    elif form is not Format.table:
        print_rows([{"by": name, **_flat(line)} for name, line in lines.items()], form)
    else:
        print_rows([{"by": name, **_cells(line)} for name, line in lines.items()], form)
        typer.echo(f"\n{_said(found)}")


def _lines(found: Trained) -> dict[str, Measured]:
    trained = "trained, not kept" if found.kept and found.strength > 0 else "after"
    return {"before": found.before, trained: found.candidate, **found.baselines}


def _as_json(found: Trained) -> dict[str, Any]:
    return {
        "before": found.before.as_json(),
        "after": found.after.as_json(),
        "model": str(found.model),
        "gear": found.gear,
        "better": found.better,
        "kept old": found.kept,
        "strength": found.strength,
        "candidate": found.candidate.as_json(),
        "gain": {"recall@1": found.gain.value, "interval": [found.gain.low, found.gain.high]},
        "baselines": {name: line.as_json() for name, line in found.baselines.items()},
        "pictures": found.pictures,
        "classes": found.identities,
        "held out classes": len(found.held_out),
        "asked": found.asked,
        "calibration error": found.calibration_error,
        "warnings": list(found.warnings),
    }


def _said(found: Trained) -> str:
    """Say plainly what came of it."""
    basis = (
        f"Learned from {found.pictures:,} pictures of {found.identities:,} classes; asked with {found.asked:,} "
        f"pictures of {len(found.held_out):,} classes that were held out."
    )
    pairs = [f"  {one.a} ({one.a_label}) and {one.b} ({one.b_label}): {one.score:.3f}" for one in found.hard[:3]]
    doubts = [f"  {one.name} is called {one.label}, its neighbors {one.suggested}" for one in found.suspects[:3]]
    parts = [basis, found.verdict]
    parts += [f"Most alike of different classes, of {len(found.hard):,} in report.json:", *pairs] if pairs else []
    parts += [f"Labels to look at, of {len(found.suspects):,} in report.json:", *doubts] if doubts else []
    use = f"lookalike collection redescribe NAME --model {quote(str(found.model))}"
    parts.append(f"Model: {found.model}\nUse it: {use}")
    return "\n".join(parts)


def _figures(line: Measured) -> dict[str, Figure]:
    return {
        "recall@1": line.recall_at_1,
        "recall@5": line.recall_at_5,
        "mAP": line.mean_average_precision,
        "median rank": line.median_rank,
    }


def _cells(line: Measured) -> dict[str, str]:
    return {
        name: f"{one.value:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"
        for name, one in _figures(line).items()
        for digits in (1 if name == "median rank" else 3,)
    }


def _flat(line: Measured) -> dict[str, float]:
    row: dict[str, float] = {}
    for name, one in _figures(line).items():
        row |= {name: one.value, f"{name} low": one.low, f"{name} high": one.high}
    return row
