"""`lookalike train --task classify|tag`: what came of a tagger, as a table or as one object."""

from __future__ import annotations

import json
from shlex import quote
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.output import Format, print_json, print_rows

if TYPE_CHECKING:
    from lookalike.learning import LearnedTagger
    from lookalike.learning.tagfigures import LabelFigures

__all__ = ["show_tagger"]

_NEVER = 1.0
_CONFUSED = 5


def show_tagger(found: LearnedTagger, form: Format) -> None:
    """Print a line for each label, and what is to be said of all; as JSON, one object."""
    if form is Format.json:
        print_json({**found.report(), "model": str(found.folder)})
        return
    lines = found.figures.labels
    if form is not Format.table:
        print_rows([_flat(line) for line in lines], form)
        return
    print_rows([_cells(line) for line in lines], form)
    typer.echo(f"\n{_said(found)}")


def _flat(line: LabelFigures) -> dict[str, Any]:
    return {
        "label": line.label,
        "precision": line.precision,
        "recall": line.recall,
        "F1": line.f1,
        "pictures": line.pictures,
        "threshold": line.threshold,
    }


def _cells(line: LabelFigures) -> dict[str, Any]:
    row = {name: "-" if value is None else value for name, value in _flat(line).items()}
    least = "never" if line.threshold > _NEVER else f"{line.threshold:.2f}"
    return {name: f"{value:.3f}" if isinstance(value, float) else value for name, value in row.items()} | {
        "threshold": least
    }


def _said(found: LearnedTagger) -> str:
    """Say plainly how good it is, against what, and how to use it."""
    figures, tagger = found.figures, found.tagger
    accuracy = figures.accuracy
    right = "right" if tagger.task == "classify" else "have exactly the right tags"
    parts = [
        f"Learned from {found.pictures:,} pictures, by {' and '.join(tagger.reads)}; asked about {figures.pictures:,} "
        "that were held out.",
        f"{accuracy.value:.1%} [{accuracy.low:.1%}, {accuracy.high:.1%}] {right}; the most frequent answer "
        f"{figures.baseline:.1%}, the label of the nearest picture {figures.nearest:.1%}. Mean F1 {figures.f1:.3f}, "
        f"calibration error {figures.calibration_error:.3f}.",
    ]
    if figures.answered < 1:
        parts.append(f"{figures.answered:.1%} of the pictures get a label; of the labels given {figures.precision:.1%}")
        parts[-1] += " are right."
    confused = sorted(
        ((count, true, given) for true, row in figures.confusion.items() for given, count in row.items()), reverse=True
    )
    mixed = [f"{true} for {given or 'nothing'} {count}x" for count, true, given in confused if true != given]
    parts += [f"Most often taken: {', '.join(mixed[:_CONFUSED])}; all of it in report.json."] if mixed else []
    setting = f"taggers={json.dumps([str(found.folder)], ensure_ascii=False)}"
    use = f"lookalike collection configure NAME --set {quote(setting)}"
    parts.append(f"Tagger: {found.folder}, which fills the field {tagger.field}\nUse it: {use}")
    parts.append(f"or: lookalike describe *.jpg --tagger {quote(str(found.folder))}")
    return "\n".join(parts)
