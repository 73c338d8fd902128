"""Feature vectors of pictures: 512 numbers each, or any single vector of any model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.descriptions import Description, describe_each
from lookalike.describers.joined import WIDTH, joined
from lookalike.errors import ImageError, UnknownVector
from lookalike.recipes.data import ImageFolder
from lookalike.settings import Settings

__all__ = ["compute_feature", "compute_features"]


def compute_feature(
    image: Any, model: str | None = None, embedding: str = "joined", *, settings: Settings | None = None
) -> NDArray[np.float32]:
    """Return the features of one picture: a path, bytes, a PIL image or an array.

    model: as everywhere, default the settings'. embedding: "joined" is 512 numbers of length 1: the model's meaning,
    copy and color vectors side by side in the shares 0.6, 0.3 and 0.1, filled up with zeros, so that L2 and cosine
    weigh all three (a model whose own vector has 512 numbers gives that alone); or "meaning", "copy", "color", as
    they are. Raises ImageError, ModelError, UnknownVector.
    """
    found = next(iter(_described([image], model, settings)))
    if isinstance(found, ImageError):
        raise found
    return _chosen(found, embedding)


def compute_features(
    data: ImageFolder | Iterable[Any],
    model: str | None = None,
    embedding: str = "joined",
    *,
    settings: Settings | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Return path -> features of every picture of a data set, in its order.

    Arguments as above. Raises ImageError for the first picture that can't be read: a figure over fewer pictures than
    were given would not be theirs. To go on without it, give the other paths.
    """
    items = data.items if isinstance(data, ImageFolder) else list(data)
    features = {}
    for item, found in zip(items, _described(items, model, settings), strict=True):
        if isinstance(found, ImageError):
            raise found
        features[str(item)] = _chosen(found, embedding)
    return features


def _described(
    items: Iterable[Any], model: str | None, settings: Settings | None
) -> Iterable[Description | ImageError]:
    chosen = settings or Settings.load()
    chosen = chosen if model is None else replace(chosen, model=model)
    return describe_each(items, settings=chosen, labels=0, normalized=False)


def _chosen(found: Description, embedding: str) -> NDArray[np.float32]:
    if embedding == "joined":
        return joined(found.vectors)
    if embedding not in found.vectors:
        raise UnknownVector(embedding, [f"joined ({WIDTH} numbers)", *found.vectors])
    return np.asarray(found.vectors[embedding], np.float32)
