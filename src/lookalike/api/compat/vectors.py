"""Single vectors of pictures, as the routes of systems 0 and 1 give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.describers import describe_each
from lookalike.describers.cache import user_cache
from lookalike.describers.joined import joined
from lookalike.errors import ImageError
from lookalike.settings import Settings

__all__ = ["Seen", "vectors_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture. row: its joined vector, float32. name: of what it most probably shows, "" if that is unknown."""

    row: NDArray[np.float32]
    name: str


def vectors_of(pictures: Sequence[bytes], settings: Settings, *, named: bool = False) -> Iterator[Seen | ImageError]:
    """Yield what each picture gives, or why it can't be read; what was seen before comes from the user's cache."""
    labels = int(named)
    for one in describe_each(pictures, settings=settings, labels=labels, cache=user_cache(), normalized=False):
        if isinstance(one, ImageError):
            yield one
        else:
            yield Seen(joined(one.vectors), one.labels[0].name.split(",")[0] if one.labels else "")
