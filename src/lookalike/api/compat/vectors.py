"""Single vectors of pictures, as the routes of systems 0 and 1 give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.cache import user_cache
from lookalike.describers.descriptions import describe_each
from lookalike.describers.joined import joined
from lookalike.errors import ImageError
from lookalike.settings import Settings

__all__ = ["Seen", "vectors_of"]

Join = Callable[[Mapping[str, NDArray[np.float32]]], NDArray[np.float32]]
"""Makes one vector of the several that a picture has."""

_LABELS: Final = 20
_LOOKS: Final = ("styles", "textures")  # vocabularies of how a picture looks, which is no class of things


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture. row: its joined vector, float32. name: of what it most probably shows, "" if that is unknown."""

    row: NDArray[np.float32]
    name: str


def vectors_of(
    pictures: Sequence[bytes], settings: Settings, join: Join = joined, *, named: bool = False
) -> Iterator[Seen | ImageError]:
    """Yield what each picture gives, or why it can't be read; what was seen before comes from the user's cache."""
    labels = _LABELS if named else 0
    for one in describe_each(pictures, settings=settings, labels=labels, cache=user_cache(), normalized=False):
        if isinstance(one, ImageError):
            yield one
        else:
            names = (label.name for label in one.labels if label.vocabulary not in _LOOKS)
            yield Seen(join(one.vectors), next(names, "").split(",")[0])
