"""`lookalike models list|show|fetch|bench`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.output import Format, FormatOption, note, print_json, print_rows
from lookalike.errors import ModelError

if TYPE_CHECKING:
    from lookalike.describers.cards import ModelCard
    from lookalike.describers.hub import Progress

_NAME = typer.Argument(..., help="A name of `lookalike models list`, hf:OWNER/REPO or onnx:FILE.")

_LIST = """List the models: license, size, width of the vectors, whether they read words, whether they are here.

Example: `lookalike models list`
"""
_SHOW = """Show a model's card: its files and where they come from, preparation, license, what was verified.

Example: `lookalike models show siglip2-base`
"""
_FETCH = """Bring a model onto this machine, into LOOKALIKE_MODELS or your cache folder.

A download that was cut goes on where it stopped; every file is checked against its SHA-256. Without a connection: the
error of any command that needs the model lists its files and the folder to put them into.

Examples: `lookalike models fetch dinov2-small`, `lookalike models fetch hf:onnx-community/dinov2-large`
"""
_BENCH = """Measure models that are here: milliseconds for one picture, pictures per second on all threads.

Example: `lookalike models bench lookalike-mini dinov2-small`
"""


def install(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="The models that describe pictures.\n\nExample: `lookalike models list`", no_args_is_help=True
    )
    group.command("list", help=_LIST)(_list)
    group.command("show", help=_SHOW)(_show)
    group.command("fetch", help=_FETCH)(_fetch)
    group.command("bench", help=_BENCH)(_bench)
    app.add_typer(group, name="models")


def _list(form: Format = FormatOption) -> None:
    from lookalike.describers.cards import card, names

    rows = []
    for name in names():
        try:
            rows.append(_row(card(name)))
        except ModelError as error:  # a fetched repository whose files were damaged
            rows.append({"name": name, "here": False, "problem": str(error)})
    print_rows(rows, form)


def _show(name: str = _NAME) -> None:
    from lookalike.describers.cards import card, facts

    if ":" in name:
        print_json(_row(card(name)))
        return
    found = dict(facts(name))
    if "labels" in found:
        found["labels"] = f"{len(found['labels'])} names"
    print_json({**found, "here": _here(card(name)), "folder": str(card(name).folder)})


def _fetch(names: list[str] = typer.Argument(..., metavar="NAME...", help="Models to fetch.")) -> None:
    from lookalike.describers.hub import fetch

    for name in names:
        with _shown() as progress:
            card = fetch(name, progress)
        note(f"{name} is here: {card.megabytes:,.1f} MB in {card.folder}")


def _bench(
    names: list[str] = typer.Argument(None, metavar="[NAME...]", help="Models. [default: all that are here]"),
    seconds: float = typer.Option(2.0, "--seconds", min=0.1, max=600.0, help="How long to measure each."),
    form: Format = FormatOption,
) -> None:
    from lookalike.describers.cards import card
    from lookalike.describers.cards import names as all_names

    rows: list[dict[str, Any]] = []
    for name in names or all_names():
        try:
            found = card(name)
            if names or _here(found):
                rows.append(_measured(found, seconds))
        except ModelError as error:
            rows.append({"name": name, "problem": str(error).partition("\n")[0]})
    print_rows(rows, form)


def _here(card: ModelCard) -> bool:
    from lookalike.describers.weights import is_here

    return is_here(card)


def _row(card: ModelCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "version": card.version,
        "here": _here(card),
        "MB": round(card.megabytes, 1),
        "input": card.input_size,
        "vectors": ", ".join(f"{vector} {width}" for vector, width in card.vectors.items()),
        "words": card.readable,
        "license": card.license,
    }


def _measured(card: ModelCard, seconds: float) -> dict[str, Any]:
    """Measure one picture after another on one thread, then as many threads as the settings say."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from lookalike.describers.neural import NeuralDescriber
    from lookalike.settings import Settings

    describer = NeuralDescriber(card)
    picture = np.random.default_rng(0).integers(0, 256, (375, 500, 3), dtype=np.uint8)
    describer.describe([picture])  # loads it
    workers = Settings.load().workers

    def described(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            count += len(describer.describe([picture] * card.batch)[describer.vectors[0].name])
        return count

    alone = _rate(lambda until: len([describer.describe([picture]) for _ in _while(until)]), seconds / 2)
    with ThreadPoolExecutor(workers) as pool:
        together = _rate(lambda until: sum(pool.map(described, [until] * workers)), seconds / 2)
    return {
        "name": card.name,
        "ms_per_picture": round(1000 / alone, 2),
        "pictures_per_second": round(together, 1),
        "threads": workers,
        "MB": round(card.megabytes, 1),
    }


def _while(until: float) -> Iterator[None]:
    yield
    while time.perf_counter() < until:
        yield


def _rate(work: Any, seconds: float) -> float:
    start = time.perf_counter()
    count: int = work(start + seconds)
    return max(count, 1) / (time.perf_counter() - start)


@contextmanager
def _shown() -> Iterator[Progress]:
    """Yield what shows a download's progress: a bar per file on a terminal, a line per file elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def shown(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=None)
                if not console.is_terminal:
                    note(f"fetching {file}" + (f", {total / 1e6:,.1f} MB" if total else ""))
            bars.update(tasks[file], completed=done, total=total or None)

        yield shown
