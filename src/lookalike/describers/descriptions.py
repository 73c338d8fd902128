"""`lookalike.describe`: everything the describers say of pictures, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.colors import Color, dominant_colors
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.describers.labels import Label, top_labels
from lookalike.errors import ImageError
from lookalike.images import read_image
from lookalike.images.image import Image
from lookalike.settings import Settings

__all__ = ["Description", "Descriptions", "describe", "describe_each"]


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """What is known of one picture.

    vectors: name -> (d,) unit float32. hashes: name -> hex, most significant bit first. colors: dominant ones,
    most dominant first. labels: most probable first.
    """

    image: Image
    vectors: Mapping[str, NDArray[np.float32]]
    hashes: Mapping[str, str]
    colors: Sequence[Color]
    labels: Sequence[Label]


@dataclass(frozen=True, slots=True, eq=False)
class Descriptions:
    """What is known of several pictures, row by row in the order given.

    vectors: (n, 256) unit float32 of "meaning"; copy: (n, 128) of "copy"; color: (n, bins) of the Lab histogram.
    hashes: one mapping of hash name -> hex per picture. colors, labels: as in `Description`.
    model: signature of the neural describer.
    """

    vectors: NDArray[np.float32]
    copy: NDArray[np.float32]
    color: NDArray[np.float32]
    hashes: Sequence[Mapping[str, str]]
    colors: Sequence[Sequence[Color]]
    labels: Sequence[Sequence[Label]]
    model: str


def describe(sources: Iterable[Any], *, settings: Settings | None = None, labels: int = 5) -> Descriptions:
    """Describe pictures: anything `read_image` takes, each. Raises the ImageError of the first that can't be read.

    Use `describe_each` to go on past pictures that can't be read.
    """
    settings = settings or Settings.load()
    ensemble = standard_ensemble(settings.model)
    found: list[Description] = []
    for entry in describe_each(sources, settings=settings, labels=labels):
        if isinstance(entry, ImageError):
            raise entry
        found.append(entry)

    def stack(name: str) -> NDArray[np.float32]:
        rows = [one.vectors[name] for one in found]
        return np.stack(rows) if rows else np.empty((0, ensemble.dims[name]), np.float32)

    return Descriptions(
        vectors=stack("meaning"),
        copy=stack("copy"),
        color=stack("color"),
        hashes=[one.hashes for one in found],
        colors=[one.colors for one in found],
        labels=[one.labels for one in found],
        model=ensemble.neural.signature,
    )


def describe_each(sources: Iterable[Any], *, settings: Settings, labels: int = 5) -> Iterator[Description | ImageError]:
    """Yield for each source its description, or the error that says why there is none; in order."""
    ensemble = standard_ensemble(settings.model)
    for source in sources:
        try:
            image = read_image(source, limits=settings.limits, wants=ensemble.wants)
        except ImageError as error:
            yield error
        else:
            yield _describe_one(image, ensemble, labels)


def _describe_one(image: Image, ensemble: Ensemble, labels: int) -> Description:
    rows = ensemble.describe([image.pixels])
    neural = ensemble.neural
    top = top_labels(neural.logits([image.pixels]), neural.card.labels, labels)[0] if labels else []
    return Description(
        image=image,
        vectors={name: rows[name][0] for name in ensemble.dims},
        hashes={name: rows[name][0].tobytes().hex() for name in ensemble.hashes},
        colors=dominant_colors(image.pixels),
        labels=top,
    )
