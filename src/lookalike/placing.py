"""Folders and pages that are written aside and are then there as a whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lookalike.errors import FolderUnwritable

__all__ = ["place", "placed", "write_json", "write_text", "writing"]


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out` to write into; it takes that place when the block ends well, or is gone.

    Raises FolderUnwritable for an OSError, also one from inside the block.
    """
    aside = out.parent / f".{out.name}.{os.getpid()}.part"
    with writing(out):
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            yield aside
            place(aside, out)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise FolderUnwritable for an OSError inside the block: this folder was to be written, or a file in it."""
    try:
        yield
    except OSError as error:
        raise FolderUnwritable(str(folder), error.strerror or str(error)) from error


def place(aside: Path, out: Path) -> None:
    """Rename the finished folder into place; the one that was there goes only when the new one is. Raises OSError."""
    if not out.exists():
        aside.rename(out)
        return
    old = out.parent / f".{out.name}.{os.getpid()}.old"
    out.rename(old)
    try:
        aside.rename(out)
    except OSError:
        with suppress(OSError):
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write values for people to read. Raises OSError."""
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_text(path: Path, text: str) -> None:
    """Write a page for people; folders above it are made, and one that was there stays until this one is whole.

    What UTF-8 can't hold, as a file's name may, becomes a question mark. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        aside.write_text(text, "utf-8", errors="replace")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
