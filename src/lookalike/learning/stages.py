"""What the first stages of the network make of pictures: the whole picture and random views, kept as float16."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.modelcard import ModelFile
from lookalike.describers.neural import NeuralDescriber
from lookalike.errors import ImageError
from lookalike.evaluation.reading import in_batches, read_or_error
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square
from lookalike.learning.onnxfile import FEATURES, with_features
from lookalike.learning.plan import Errand
from lookalike.learning.views import Base
from lookalike.placing import writing
from lookalike.training.augment import jitter, weak

__all__ = ["VIEWS", "stage_views"]

VIEWS = 6
"""Of a picture that is learned from: the whole one, its mirror image, and random crops."""

_SMALLEST = 0.5  # share of the picture that a crop keeps
_BYTES = 2 * 10**9


def stage_views(
    base: Base, tensor: str, files: Sequence[Path], views: int, errand: Errand, advance: Callable[[int], None]
) -> NDArray[np.float16]:
    """Return (n, views, channels, h, w) of a tensor of the base's file; fewer views where memory would not do.

    Raises the ImageError of a picture that can't be read any more.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = with_features(base.model, [tensor])
        with writing(Path(folder)):
            (Path(folder) / "stages.onnx").write_bytes(model)
        image = ModelFile("stages.onnx", sha256=hashlib.sha256(model).hexdigest())
        describer = NeuralDescriber(replace(base.card, folder=Path(folder), files={"image": image}, logits=FEATURES))
        side = base.card.prepare.side
        probe = _made(describer, [np.zeros((side, side, 3), np.uint8)])
        count = max(1, min(views, _BYTES // (probe.nbytes * max(1, len(files)))))

        def batch(places: Sequence[int]) -> NDArray[np.float16]:
            pixels = []
            for place in places:
                image = read_or_error(files[place], errand.settings, describer.wants)
                if isinstance(image, ImageError):
                    raise image
                whole = fit_square(image.pixels, side)
                pixels += _views(whole, image.pixels, count, np.random.default_rng([errand.plan.seed, place, 8]))
            return _made(describer, pixels).reshape(len(places), count, *probe.shape[1:])

        parts = []
        for part in in_batches(batch, range(len(files)), errand.settings.workers):
            parts.append(part)
            advance(len(part))
        return np.concatenate(parts)


def _made(describer: NeuralDescriber, pixels: Sequence[Pixels]) -> NDArray[np.float16]:
    return describer.raw_with_logits(pixels)[1].astype(np.float16)


def _views(whole: Pixels, picture: Pixels, count: int, random: np.random.Generator) -> list[Pixels]:
    side = whole.shape[0]
    made = [whole, np.ascontiguousarray(whole[:, ::-1])][:count]
    height, width = picture.shape[:2]
    while len(made) < count:
        share = random.uniform(_SMALLEST, 1) ** 0.5
        tall, wide = max(1, int(height * share)), max(1, int(width * share))
        top, left = int(random.integers(height - tall + 1)), int(random.integers(width - wide + 1))
        box = np.array([left, top, left + wide, top + tall], np.int32)
        made.append(jitter(weak(picture, box, side, random), random))
    return made
