"""The teacher: the reference MobileNetV2, asked once for each of a few fixed views of every picture.

The student later sees exactly the crops that the teacher described. Running the teacher on every step would
halve the training speed on a CPU; its 1,280 pooled features are 8-bit numbers inside the TFLite file already,
so that a view of 82,000 pictures costs 105 MB and loses nothing.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.errors import MissingExtra, SourceNotFound
from lookalike.training.data import PictureSet, Pixels
from lookalike.training.recipe import TeacherPart

__all__ = ["FEATURES", "Answers", "Teacher", "Views", "view_boxes"]

FEATURES = 1280
SIDE = 224


@dataclass(frozen=True)
class Answers:
    """The teacher's last layer: logits of the 1,000 ImageNet classes = features @ weights + bias.

    weights: (1280, 1000) float32; bias: (1000,) float32. The background class is left out.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


class Teacher:
    """Describes crops with the reference model. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SourceNotFound(str(path))
        self._path = path
        self._local = threading.local()
        interpreter = self._interpreter()
        details = {entry["name"]: entry for entry in interpreter.get_tensor_details()}
        operations = interpreter._get_ops_details()
        pool = next(op for op in operations if op["op_name"] == "AVERAGE_POOL_2D")
        final = next(op for op in operations if op["op_name"] == "CONV_2D" and pool["outputs"][0] in op["inputs"])
        by_index = {entry["index"]: entry for entry in details.values()}
        self._pooled = int(pool["outputs"][0])
        self.scale = float(by_index[self._pooled]["quantization"][0])
        self.answers = self._last_layer(interpreter, [by_index[int(index)] for index in final["inputs"][1:]])

    def describe(self, pictures: Sequence[Pixels]) -> NDArray[np.uint8]:
        """Return (len(pictures), 1280): pooled features in units of `scale`. Pictures are RGB of any size."""
        interpreter = self._interpreter()
        entry = interpreter.get_input_details()[0]["index"]
        rows = np.empty((len(pictures), FEATURES), np.uint8)
        for row, picture in enumerate(pictures):
            resized = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
            interpreter.set_tensor(entry, resized[None])
            interpreter.invoke()
            rows[row] = interpreter.get_tensor(self._pooled).reshape(FEATURES)
        return rows

    def _interpreter(self) -> Any:
        # an interpreter belongs to one thread
        if not hasattr(self._local, "interpreter"):
            try:
                from ai_edge_litert.interpreter import Interpreter
            except ImportError as error:
                raise MissingExtra("the teacher", "train") from error
            self._local.interpreter = Interpreter(str(self._path), num_threads=1)
            self._local.interpreter.allocate_tensors()
        return self._local.interpreter

    @staticmethod
    def _last_layer(interpreter: Any, tensors: Sequence[dict[str, Any]]) -> Answers:
        def real(entry: dict[str, Any]) -> NDArray[np.float32]:
            scale, zero = entry["quantization"]
            values = interpreter.get_tensor(entry["index"]).astype(np.float32)
            return np.asarray((values - zero) * scale, np.float32)

        weights, bias = (real(entry) for entry in tensors)
        return Answers(weights.reshape(-1, FEATURES)[1:].T.copy(), bias[1:])


class Views:
    """The teacher's features for fixed views of one set, in files that grow view by view."""

    def __init__(self, pictures: PictureSet, part: TeacherPart, seed: int, cache: Path) -> None:
        self._pictures, self._part, self._seed, self._cache = pictures, part, seed, cache

    def path(self, view: int) -> Path:
        """Return where a view's features are kept; the file exists once they are complete."""
        part, name = self._part, self._pictures.part.name
        print_ = zlib.crc32(repr((self._seed, part.smallest, part.aspect, self._pictures.pixels.shape)).encode())
        return self._cache / f"teacher-{name}-{view}-{print_:08x}.npy"

    def boxes(self, view: int) -> NDArray[np.int32]:
        """Return (n, 4): left, top, right, bottom of every picture's crop in this view."""
        number, side = self._pictures.pixels.shape[:2]
        seed = (self._seed, zlib.crc32(self._pictures.part.name.encode()), view)
        return view_boxes(number, side, seed, self._part)

    def make(self, view: int, teacher: Teacher, threads: int) -> None:
        """Ask the teacher about this view of every picture, unless that was done before."""
        target = self.path(view)
        if target.exists():
            return
        pixels, boxes = self._pictures.pixels, self.boxes(view)

        def block(start: int) -> NDArray[np.uint8]:
            rows = range(start, min(start + 64, len(pixels)))
            return teacher.describe([_crop(pixels[row], boxes[row]) for row in rows])

        with ThreadPoolExecutor(threads) as pool:
            features = np.concatenate(list(pool.map(block, range(0, len(pixels), 64))))
        aside = target.with_suffix(f".{os.getpid()}")
        with aside.open("wb") as file:
            np.save(file, features)
        aside.rename(target)

    def load(self, view: int) -> NDArray[np.uint8]:
        """Return (n, 1280) of a view that was made."""
        features: NDArray[np.uint8] = np.load(self.path(view), mmap_mode="r")
        return features


def view_boxes(number: int, side: int, seed: Sequence[int], part: TeacherPart) -> NDArray[np.int32]:
    """Draw one crop per picture: (number, 4) left, top, right, bottom in pixels. View 0 (seed[-1]) is whole."""
    if seed[-1] == 0:
        return np.tile(np.array([0, 0, side, side], np.int32), (number, 1))
    rng = np.random.default_rng(list(seed))
    area = rng.uniform(part.smallest, 1.0, number)
    ratio = np.exp(rng.uniform(-1, 1, number) * np.log(part.aspect))
    width = np.clip(np.round(side * np.sqrt(area * ratio)), 8, side)
    height = np.clip(np.round(side * np.sqrt(area / ratio)), 8, side)
    left = np.floor(rng.uniform(0, 1, number) * (side - width + 1))
    top = np.floor(rng.uniform(0, 1, number) * (side - height + 1))
    return np.stack([left, top, left + width, top + height], axis=1).astype(np.int32)


def _crop(picture: Pixels, box: NDArray[np.int32]) -> Pixels:
    left, top, right, bottom = (int(edge) for edge in box)
    return picture[top:bottom, left:right]
