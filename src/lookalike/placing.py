"""Folders and pages that are written aside and are then there as a whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["place", "write_json", "write_text"]


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
