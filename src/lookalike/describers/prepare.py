"""Pixels to the tensor that a model takes, as its card says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.modelcard import Preparation
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square

__all__ = ["prepare"]

_LONG = 8


def prepare(pixels: Pixels, how: Preparation) -> NDArray[Any]:
    """Return one picture's tensor, without a batch axis: float32, or uint8 if the card has no mean.

    Resampling is Pillow's own, not OpenCV's: models are sensitive to it, and take far longer than it does.
    """
    fitted = fit_square(pixels, how.side) if how.resample == "fast" else _fitted(pixels, how)
    tensor: NDArray[Any] = fitted
    if how.mean is not None and how.std is not None:
        mean, std = np.array(how.mean, np.float32), np.array(how.std, np.float32)
        tensor = (fitted.astype(np.float32) / np.float32(255) - mean) / std
    return tensor if how.layout == "nhwc" else np.ascontiguousarray(tensor.transpose(2, 0, 1))


def _fitted(pixels: Pixels, how: Preparation) -> Pixels:
    from PIL import Image as Pillow  # here, since the house model does without

    picture, resample = Pillow.fromarray(pixels), Pillow.Resampling[how.resample.upper()]
    if how.fit == "squash":
        return np.asarray(picture.resize((how.side, how.side), resample))
    shortest = min(picture.size)
    if max(picture.size) > _LONG * shortest:  # a strip: only its middle is looked at, so only that is resized
        middle, half = [side // 2 for side in picture.size], _LONG * shortest // 2
        box = [max(0, at - half) for at in middle] + [
            min(side, at + half) for at, side in zip(middle, picture.size, strict=True)
        ]
        picture = picture.crop((box[0], box[1], box[2], box[3]))
    width, height = (int(how.shorter * side / shortest) for side in picture.size)
    left, top = (width - how.side) // 2, (height - how.side) // 2
    resized = picture.resize((width, height), resample)
    return np.asarray(resized.crop((left, top, left + how.side, top + how.side)))
