"""The kinds of evaluation that `lookalike evaluate` knows: what is read, measured, drawn and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.cli.common import opened, read_filter
from lookalike.cli.evaluated import Rows, print_copies, print_index, print_pairs, print_retrieval
from lookalike.cli.output import Format, note, progress_bar
from lookalike.errors import InvalidArgument
from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.evaluate import Bin
    from lookalike.evaluation import CopyLine, Described, Lineup, PairLine, Retrieval

__all__ = ["Asked", "on_collection", "on_copies", "on_index", "on_labels", "on_pairs"]


@dataclass(frozen=True)
class Asked:
    """What all kinds of evaluation are told."""

    settings: Settings
    models: tuple[str, ...]
    reference: Path | None
    sample: int | None
    precision: float
    plots: Path | None
    report: Path | None
    rows: Rows
    form: Format

    def lineup(self) -> Lineup:
        """Return who takes part."""
        from lookalike.evaluation import Lineup

        return Lineup(self.settings.model, self.models[1:], self.reference)


def on_labels(folder: Path | None, table: Path | None, train: Path | None, asked: Asked) -> None:
    """Ask with the pictures of a folder or table for the others of their label."""
    from lookalike.evaluation import described, evaluate_described
    from lookalike.labeled import Labeled, labeled_by_file, labeled_folder

    lineup = asked.lineup()

    def read(labeled: Labeled) -> Described:
        with progress_bar("describing", len(labeled.files)) as advance:
            return described(labeled, lineup, settings=asked.settings, progress=advance)

    learned = None if train is None else labeled_folder(train)  # before anything is described for long
    if table is not None:
        pictures = read(labeled_by_file(table, folder))
    elif folder is not None:
        pictures = read(labeled_folder(folder))
    training = None if learned is None else read(learned)
    measured = evaluate_described(pictures, training=training, sample=asked.sample)
    _note_unreadable({**measured.unreadable, **(training.unreadable if training else {})})
    compared = [asked.settings.model, *asked.models[1:]] if len(asked.models) > 1 else []
    _told(measured, {**pictures.files, **(training.files if training else {})}, compared, asked)


def on_collection(name: str, label: str | None, where: str | None, asked: Asked) -> None:
    """Ask with the records of a collection, by the vectors that it keeps; further models describe their files."""
    from lookalike import filters
    from lookalike.evaluation import described_records, evaluate_described
    from lookalike.evaluation.modeltable import beside

    if label is None:
        raise InvalidArgument("--label", "left out", "the field whose value is a record's label; or use --index-recall")
    with opened(asked.settings.workspace) as space:
        condition = filters.parse(read_filter(where))
        info = space.get(name).info
        pictures = described_records(space.store_of(name), info, label, where=condition)
    if asked.models:
        with progress_bar("describing", len(pictures.names)) as advance:
            pictures = beside(pictures, asked.models, settings=asked.settings, progress=advance)
    measured = evaluate_described(pictures, sample=asked.sample)
    _note_unreadable(measured.unreadable)
    _told(measured, pictures.files, [info.model, *asked.models] if asked.models else [], asked)


def on_index(name: str, asked: Asked) -> None:
    """Hold what a collection's index finds against an exact search."""
    from lookalike.evaluation import index_recall

    with opened(asked.settings.workspace) as space:
        store = space.store_of(name)
        with progress_bar("searching", None) as advance:
            lines = index_recall(store, sample=asked.sample or 200, progress=advance)
    print_index(lines, asked.form)


def on_pairs(table: Path, folder: Path | None, asked: Asked) -> None:
    """Compare labeled pairs."""
    from lookalike.evaluation import evaluate_pairs
    from lookalike.labeled import read_pairs

    lineup = asked.lineup()
    listed = read_pairs(table, folder)
    with progress_bar("comparing", len(listed)) as advance:
        measured = evaluate_pairs(listed, lineup, settings=asked.settings, precision=asked.precision, progress=advance)
    _note_unreadable(measured.unreadable)
    _draw(asked.plots, measured.lines, {"compare": measured.reliability})
    print_pairs(measured, asked.form)


def on_copies(folder: Path, asked: Asked) -> None:
    """Ask with edited copies for their originals."""
    from lookalike.edits import EDITS
    from lookalike.evaluation import evaluate_copies
    from lookalike.folders.scan import scan

    lineup = asked.lineup()
    files = scan(folder).pictures
    with progress_bar("editing", len(EDITS)) as advance:
        measured = evaluate_copies(
            files,
            lineup,
            settings=asked.settings,
            sample=asked.sample or 300,
            precision=asked.precision,
            progress=advance,
        )
    _note_unreadable(measured.unreadable)
    _draw(asked.plots, measured.lines, {one.name: one.reliability for one in measured.lines if one.reliability})
    print_copies(measured, asked.form)


def _told(measured: Retrieval, files: Mapping[str, Path], compared: Sequence[str], asked: Asked) -> None:
    """Draw, report and print. compared: models to stand side by side, with their costs."""
    if asked.plots is not None:
        from lookalike.evaluation.plots import plot_recalls

        lines = {one.name: {1: one.recall_at_1, 5: one.recall_at_5, 10: one.recall_at_10} for one in measured.lines}
        plot_recalls(lines, asked.plots / "recall.png")
    if asked.report is not None:
        from lookalike.evaluation.report import write_report

        try:
            write_report(measured, asked.report, files=files, settings=asked.settings)
        except OSError as error:
            raise InvalidArgument("--report", str(asked.report), f"a file to write ({error.strerror})") from None
        note(f"the report is in {asked.report}")
    costs = []
    if compared:
        from lookalike.evaluation.modeltable import model_costs

        costs = model_costs(compared, list(files.values()), asked.settings)
    print_retrieval(measured, asked.form, asked.rows, costs)


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
