"""The formats that need something installed beside Lookalike: which they are, and what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Final

from lookalike.errors import DecoderMissing

__all__ = ["EXTRAS", "Extra", "installed", "require"]


@dataclass(frozen=True, slots=True)
class Extra:
    """name: of the extra, as in lookalike[name]. module, package: the library that decodes. what: in words."""

    name: str
    module: str
    package: str
    what: str

    @property
    def is_installed(self) -> bool:
        return _is_there(self.module)

    @property
    def hint(self) -> str:
        return f'{self.what}; pip install "lookalike[{self.name}]" reads it'


EXTRAS: Final[Mapping[str, Extra]] = {
    "JXL": Extra("jxl", "imagecodecs", "imagecodecs", "a JPEG XL picture"),
    "RAW": Extra("raw", "rawpy", "rawpy", "a RAW picture without a preview that would do"),
    "DICOM": Extra("dicom", "pydicom", "pydicom", "a DICOM picture"),
    "VIDEO": Extra("video", "av", "av", "a video"),
}


def installed() -> Sequence[str]:
    """Return the names of the extras that are there: what is kept about unreadable files holds while these do."""
    return [extra.name for extra in EXTRAS.values() if extra.is_installed]


def require(kind: str, name: str) -> None:
    """Raise DecoderMissing if pictures of this format need an extra that is not installed."""
    extra = EXTRAS.get(kind)
    if extra is not None and not extra.is_installed:
        raise DecoderMissing(name, extra.hint, extra.name)


@cache
def _is_there(module: str) -> bool:
    return find_spec(module) is not None
