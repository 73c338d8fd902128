"""What people type into fields of forms: lists of names, numbers, names with numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lookalike.errors import InvalidArgument

__all__ = ["listed", "named_numbers", "number", "said_numbers"]


def listed(text: str) -> list[str]:
    """Return the names in "a, b"; empty ones don't count."""
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]


def number(name: str, text: str) -> float:
    """Return the number; a comma is a point. Raises InvalidArgument, by the setting's name, for anything else."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidArgument(name, text, "a number")
    return value


def named_numbers(setting: str, text: str) -> dict[str, float]:
    """Return what "tags: 1, title: 0.5" says; a name by itself counts 1. Raises InvalidArgument."""
    found = {}
    for part in listed(text):
        name, _, value = part.rpartition(":")
        found[name.strip() if name else part] = number(f"{setting}.{name.strip()}", value) if name else 1.0
    return found


def said_numbers(values: Mapping[str, float]) -> str:
    """Return the text that `named_numbers` takes."""
    return ", ".join(f"{name}: {value:g}" for name, value in values.items())
