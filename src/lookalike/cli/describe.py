"""`lookalike describe PATHS...`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from lookalike.cli.common import settings_for
from lookalike.cli.output import Format, FormatOption, note, print_rows, progress_bar
from lookalike.errors import FolderError, ImageError, InvalidArgument, MissingExtra

if TYPE_CHECKING:
    from lookalike.describers import Description
    from lookalike.settings import Settings

_HELP = """Print what pictures look like in numbers and words: vectors, hashes, colors, labels.

PATHS are pictures and folders of pictures. Vectors have unit length, and every row and file says which model, in
which version, made them; the table leaves them out. What can't be read is listed on stderr; exit code 2 if nothing
could. Pictures described before, under whatever name, come from a cache (LOOKALIKE_CACHE is its folder,
LOOKALIKE_CACHE_MB its size).

Example: `lookalike describe *.jpg --format jsonl > descriptions.jsonl`,
or `lookalike describe photos --vectors meaning,copy --labels 0 --output vectors.npz`
"""
_ENDINGS = (".jsonl", ".npz", ".parquet")


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("describe", help=_HELP)(_describe)


def _describe(
    paths: list[Path] = typer.Argument(..., metavar="PATHS...", help="Pictures, or folders of them."),
    vectors: str = typer.Option(None, "--vectors", help="Which: some of meaning,copy,color. [default: all]"),
    labels: int = typer.Option(5, "--labels", min=0, max=100, help="How many labels per picture."),
    output: Path = typer.Option(
        None, "--output", "-o", help="Write a .jsonl, .npz or .parquet file instead of printing."
    ),
    use_cache: bool = typer.Option(True, "--cache/--no-cache", help="Use what was described before, and keep this."),
    model: str = typer.Option(None, "--model", help="The model. [default: LOOKALIKE_MODEL, or lookalike-mini]"),
    form: Format = FormatOption,
) -> None:
    if output is not None and not (output.suffix in _ENDINGS and output.parent.is_dir()):
        allowed = f"a file ending in {', '.join(_ENDINGS)}, in a folder that exists"
        raise InvalidArgument("--output", str(output), allowed)
    settings = settings_for(None, model=model)
    makers = _makers(settings.model, vectors)
    files = _files(paths)
    found = _described(files, settings, labels, use_cache)
    first = next(found, None)
    if first is None:
        raise typer.Exit(2)
    if output is None:
        _print(chain([first], found), makers, form)
        return
    count = _write(chain([first], found), makers, output)
    note(f"{count:,} of {len(files):,} pictures written to {output}")


@dataclass(frozen=True, slots=True)
class _Makers:
    """Who made what is shown. model: signature of the neural describer. signatures: of the vectors and hashes shown."""

    model: str
    vectors: tuple[str, ...]
    signatures: dict[str, str]


def _makers(model: str, wanted: str | None) -> _Makers:
    from lookalike.describers.ensemble import standard_ensemble

    ensemble = standard_ensemble(model)
    known = tuple(ensemble.dims)
    names = known if wanted is None else tuple(dict.fromkeys(name.strip() for name in wanted.split(",")))
    if not set(names) <= set(known):
        raise InvalidArgument("--vectors", wanted, f"one or more of {', '.join(known)}, divided by commas")
    signatures = {name: ensemble.signatures[name] for name in (*names, *ensemble.hashes)}
    return _Makers(ensemble.neural.signature, names, signatures)


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files given and those in the folders given; folders that can't be walked are noted."""
    from lookalike.folders.scan import scan

    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        try:
            found = scan(path)
        except FolderError as error:
            note(f"lookalike: {error}")
        else:
            files += found.pictures
            for name, reason in found.unreadable.items():
                note(f"lookalike: {name}: {reason}")
    return files


def _described(
    files: Sequence[Path], settings: Settings, labels: int, use_cache: bool
) -> Iterator[tuple[Path, Description]]:
    """Yield the pictures that can be described, in order; note the others."""
    from lookalike.describers import describe_each
    from lookalike.describers.cache import user_cache

    entries = describe_each(files, settings=settings, labels=labels, cache=user_cache() if use_cache else None)
    with progress_bar("describing", len(files)) as advance:
        for path, entry in zip(files, entries, strict=True):
            advance(1)
            if isinstance(entry, ImageError):
                note(f"lookalike: {entry}")
            else:
                yield path, entry


def _print(found: Iterator[tuple[Path, Description]], makers: _Makers, form: Format) -> None:
    match form:
        case Format.jsonl:
            _write_lines(found, makers, sys.stdout)
        case Format.parquet:
            if sys.stdout.isatty():
                raise InvalidArgument("--format", "parquet", "sent to a file: add > descriptions.parquet")
            _write_parquet(list(found), makers, sys.stdout.buffer)
        case Format.table:
            print_rows([_table_row(path, entry) for path, entry in found], form)
        case _:
            print_rows([_row(path, entry, makers) for path, entry in found], form)


def _write(found: Iterator[tuple[Path, Description]], makers: _Makers, output: Path) -> int:
    if output.suffix == ".jsonl":
        with output.open("w", encoding="utf-8") as file:
            return _write_lines(found, makers, file)
    everything = list(found)
    if output.suffix == ".npz":
        _write_npz(everything, makers, output)
    else:
        _write_parquet(everything, makers, str(output))
    return len(everything)


def _table_row(path: Path, entry: Description) -> dict[str, Any]:
    shares: dict[str, float] = {}
    for color in entry.colors:
        shares[color.name] = shares.get(color.name, 0.0) + color.share
    return {
        "file": str(path),
        "size": f"{entry.image.width}x{entry.image.height}",
        "labels": ", ".join(f"{label.name.split(',')[0]} {label.probability:.0%}" for label in entry.labels),
        "colors": ", ".join(f"{name} {share:.0%}" for name, share in shares.items()),
        **entry.hashes,
    }


def _row(path: Path, entry: Description, makers: _Makers) -> dict[str, Any]:
    return {
        "file": str(path),
        "size": f"{entry.image.width}x{entry.image.height}",
        "sha256": entry.image.sha256,
        "model": makers.model,
        "signatures": makers.signatures,
        **entry.hashes,
        "labels": [{"name": label.name, "probability": label.probability} for label in entry.labels],
        "colors": [{"hex": color.hex, "name": color.name, "share": color.share} for color in entry.colors],
        "vectors": {name: [round(float(x), 7) for x in entry.vectors[name]] for name in makers.vectors},
    }


def _write_lines(found: Iterator[tuple[Path, Description]], makers: _Makers, file: TextIO) -> int:
    count = 0
    for path, entry in found:
        file.write(json.dumps(_row(path, entry, makers), ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_npz(found: Sequence[tuple[Path, Description]], makers: _Makers, output: Path) -> None:
    """Arrays with a row per picture: files, sha256, vectors (float32) and hashes (hex) by name; model, signatures."""
    import numpy as np

    arrays: dict[str, Any] = {
        "files": np.array([str(path) for path, _ in found]),
        "sha256": np.array([entry.image.sha256 for _, entry in found]),
        "model": np.array(makers.model),
        "signatures": np.array(json.dumps(makers.signatures)),
    }
    for name in found[0][1].hashes:
        arrays[name] = np.array([entry.hashes[name] for _, entry in found])
    for name in makers.vectors:
        arrays[name] = np.stack([entry.vectors[name] for _, entry in found])
    np.savez(output, **arrays)


def _write_parquet(found: Sequence[tuple[Path, Description]], makers: _Makers, sink: Any) -> None:
    """The columns of the JSON rows, with each vector a column of fixed-size lists of float32, bit for bit."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("Parquet output", "parquet") from None
    import numpy as np

    rows = [_row(path, entry, makers) for path, entry in found]
    for row in rows:
        del row["vectors"]
    table = pyarrow.Table.from_pylist(rows)
    for name in makers.vectors:
        stacked = np.stack([entry.vectors[name] for _, entry in found])
        column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(stacked.ravel()), stacked.shape[1])
        table = table.append_column(name, column)
    pyarrow.parquet.write_table(table, sink)
