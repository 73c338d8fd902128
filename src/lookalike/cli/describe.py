"""`lookalike describe PATHS...`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from lookalike.cli.common import settings_for
from lookalike.cli.output import Format, FormatOption, counted, note, print_rows, progress_bar
from lookalike.errors import FolderError, ImageError, InvalidArgument

if TYPE_CHECKING:
    from lookalike.describers.descriptions import Description
    from lookalike.describers.tables import Makers
    from lookalike.settings import Settings
    from lookalike.taggers import Tagger

_HELP = """Print what pictures look like in numbers and words: vectors, hashes, labels, tags, colors.

PATHS are pictures and folders of pictures. Every row and file says which model, in which version, made the vectors;
the table leaves them out. Labels are the most probable ones of all vocabularies: things, rooms, scenes, textures,
painting styles, clothes and more; the JSON forms say what each vocabulary answers by itself. What can't be read is
listed on stderr; exit code 2 if nothing could. Pictures described before, under whatever name, come from a cache
(LOOKALIKE_CACHE is its folder, LOOKALIKE_CACHE_MB its size).
`--tagger DIR` adds what a tagger says that `lookalike train --task classify|tag` wrote.

Example: `lookalike describe *.jpg --labels --top 3`,
or `lookalike describe photos --vectors meaning,copy --no-labels --output vectors.npz`
"""
_ENDINGS = (".jsonl", ".npz", ".parquet")
_DEFAULT_TOP = 5


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("describe", help=_HELP)(_describe)


def _describe(
    paths: list[Path] = typer.Argument(..., metavar="PATHS...", help="Pictures, or folders of them."),
    vectors: str = typer.Option(None, "--vectors", help="Which: some of meaning,copy,color. [default: all]"),
    labels: bool = typer.Option(True, "--labels/--no-labels", help="Say what the pictures show."),
    top: int = typer.Option(_DEFAULT_TOP, "--top", min=0, max=100, help="How many labels per picture."),
    raw: bool = typer.Option(False, "--raw/--normalized", help="Vectors as the model makes them, or of unit length."),
    output: Path = typer.Option(
        None, "--output", "-o", help="Write a .jsonl, .npz or .parquet file instead of printing."
    ),
    use_cache: bool = typer.Option(True, "--cache/--no-cache", help="Use what was described before, and keep this."),
    model: str = typer.Option(None, "--model", help="The model. [default: LOOKALIKE_MODEL, or lookalike-mini]"),
    tagger: list[Path] = typer.Option([], "--tagger", metavar="DIR", help="Say its labels too; may be repeated."),
    form: Format = FormatOption,
) -> None:
    from lookalike.describers.tables import makers_of

    if output is not None and not (output.suffix in _ENDINGS and output.parent.is_dir()):
        allowed = f"a file ending in {', '.join(_ENDINGS)}, in a folder that exists"
        raise InvalidArgument("--output", str(output), allowed)
    settings = settings_for(None, model=model)
    wanted = None if vectors is None else [name.strip() for name in vectors.split(",")]
    makers = makers_of(settings.model, wanted, "--vectors")
    taggers = _taggers(tagger, settings.model)
    if taggers and output is not None and output.suffix == ".npz":
        raise InvalidArgument("--tagger", str(output), "printed, or written to a .jsonl or .parquet file")
    files = _files(paths)
    found = _described(files, settings, {"labels": top if labels else 0, "normalized": not raw}, use_cache)
    first = next(found, None)
    if first is None:
        raise typer.Exit(2)
    if output is None:
        _print(_tagged(chain([first], found), taggers), makers, form)
        return
    count = _write(_tagged(chain([first], found), taggers), makers, output)
    note(f"{count:,} of {len(files):,} pictures written to {output}")


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
            if found.others:
                note(f"lookalike: {path}: {counted(len(found.others), 'other file')} ignored")
            for name, reason in found.unreadable.items():
                note(f"lookalike: {name}: {reason}")
    return files


def _described(
    files: Sequence[Path], settings: Settings, options: dict[str, Any], use_cache: bool
) -> Iterator[tuple[str, Description]]:
    """Yield the pictures that can be described, in order; note the others. options: of `describe_each`."""
    from lookalike.describers.cache import user_cache
    from lookalike.describers.descriptions import describe_each

    entries = describe_each(files, settings=settings, cache=user_cache() if use_cache else None, **options)
    with progress_bar("describing", len(files)) as advance:
        for path, entry in zip(files, entries, strict=True):
            advance(1)
            if isinstance(entry, ImageError):
                note(f"lookalike: {entry}")
            else:
                yield str(path), entry


def _taggers(folders: Sequence[Path], model: str) -> list[Tagger]:
    """Return taggers that read this model's vectors. Raises TaggerUnusable, TaggerMismatch."""
    from lookalike.describers.ensemble import standard_ensemble
    from lookalike.taggers import read_tagger

    found = [read_tagger(folder.expanduser().absolute()) for folder in folders]
    for one in found:
        one.check(standard_ensemble(model).signatures)
    return found


def _tagged(found: Iterator[tuple[str, Description]], taggers: Sequence[Tagger]) -> Iterator[tuple[str, Description]]:
    """Yield the pictures with what the taggers say of each."""
    from lookalike.describers.neural import unit

    for name, entry in found:
        if taggers:
            rows = {vector: unit(row[None])[0] for vector, row in entry.vectors.items()}
            said = {one.name: one.say(one.row(rows))[0] for one in taggers}
            told = {
                key: {"labels": list(one.labels), "probabilities": dict(one.probabilities)} for key, one in said.items()
            }
            entry = replace(entry, taggers=told)
        yield name, entry


def _print(found: Iterator[tuple[str, Description]], makers: Makers, form: Format) -> None:
    from lookalike.describers.tables import row_of, write_parquet

    match form:
        case Format.jsonl:
            _write_lines(found, makers, sys.stdout)
        case Format.parquet:
            if sys.stdout.isatty():
                raise InvalidArgument("--format", "parquet", "sent to a file: add > descriptions.parquet")
            write_parquet(list(found), makers, sys.stdout.buffer)
        case Format.table:
            print_rows([_table_row(name, entry) for name, entry in found], form)
        case _:
            print_rows([row_of(name, entry, makers) for name, entry in found], form)


def _write(found: Iterator[tuple[str, Description]], makers: Makers, output: Path) -> int:
    from lookalike.describers.tables import write_npz, write_parquet

    if output.suffix == ".jsonl":
        with output.open("w", encoding="utf-8") as file:
            return _write_lines(found, makers, file)
    everything = list(found)
    if output.suffix == ".npz":
        write_npz(everything, makers, output)
    else:
        write_parquet(everything, makers, str(output))
    return len(everything)


def _table_row(name: str, entry: Description) -> dict[str, Any]:
    shares: dict[str, float] = {}
    for color in entry.colors:
        shares[color.name] = shares.get(color.name, 0.0) + color.share
    return {
        "file": name,
        "size": f"{entry.image.width}x{entry.image.height}",
        "labels": ", ".join(f"{label.name.split(',')[0]} {label.probability:.0%}" for label in entry.labels),
        "tags": ", ".join(entry.tags),
        **{name: _shown(said) for name, said in entry.taggers.items()},
        "colors": ", ".join(f"{name} {share:.0%}" for name, share in shares.items()),
        **entry.hashes,
    }


def _shown(said: Mapping[str, Any]) -> str:
    """Return the labels a tagger gives with their probabilities; where it gives none, nothing."""
    return ", ".join(f"{label} {said['probabilities'][label]:.0%}" for label in said["labels"])


def _write_lines(found: Iterator[tuple[str, Description]], makers: Makers, file: TextIO) -> int:
    from lookalike.describers.tables import line, row_of

    count = 0
    for name, entry in found:
        file.write(line(row_of(name, entry, makers)))
        count += 1
    return count
