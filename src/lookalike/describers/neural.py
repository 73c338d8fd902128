"""The neural describer: a model card run by ONNX Runtime. The only file that imports onnxruntime."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.counting import model_batches
from lookalike.describers.base import VectorSpec
from lookalike.describers.batching import Batcher
from lookalike.describers.cards import ModelCard, able_to_read
from lookalike.describers.graph import exposed, read_graph
from lookalike.describers.prepare import prepare
from lookalike.describers.text import Tokens
from lookalike.describers.vocabulary import Wordbook, unpack
from lookalike.describers.weights import check_file, read_weights, ready
from lookalike.describers.words import Reading, read_words
from lookalike.errors import ModelUnusable, NoTextTower
from lookalike.images.image import Pixels

__all__ = ["NeuralDescriber", "unit"]

_INSIDE = "before:"
_READ = "meaning"  # what words are directions in
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
_TOKEN_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_FAILURES = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")


class NeuralDescriber:
    """Runs one model. Safe to call from several threads, which is how it uses several cores."""

    def __init__(self, card: ModelCard, only: Collection[str] | None = None) -> None:
        """Take a model whose files are on this machine; nothing is loaded before it is needed.

        only: names of its vectors to make; default all. Raises ModelMissing, ModelUnusable.
        """
        self.card = card = ready(card)
        self.signature = card.signature
        wanted = card.vectors if only is None else only
        self.vectors = tuple(
            VectorSpec(name, width, "cosine") for name, width in card.vectors.items() if name in wanted
        )
        self.wants = max(card.prepare.side, card.prepare.shorter)
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}
        self._tokens: Tokens | None = None
        self._book: Wordbook | None = None
        self._batcher = Batcher(self._run_batch, most=card.batch, lanes=os.cpu_count() or 1)

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """Return vector name -> (len(pictures), width) float32 unit rows. Raises WeightsCorrupt, ModelUnusable."""
        # A quantized graph is a few millionths off unit length, which would show in the score of a picture with itself.
        return {name: unit(rows) for name, rows in self.raw(pictures).items()}

    def raw(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """Return vector name -> (len(pictures), width) float32 as the model makes them, of any length."""
        return self._vectors(pictures, [])

    @property
    def book(self) -> Wordbook | None:
        """What the meaning vectors mean in words; None for models that have nothing of the kind.

        Raises WeightsCorrupt, ModelUnusable.
        """
        if "words" not in self.card.files:
            return None
        with self._lock:
            if self._book is None:
                content = read_weights(self.card, "words")
                try:
                    self._book = unpack(content)
                except (ValueError, KeyError, TypeError) as error:
                    raise ModelUnusable(self.card.name, f"its words can't be read ({error})") from None
            return self._book

    def raw_with_logits(self, pictures: Sequence[Pixels]) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
        """Return what `raw` does, and (len(pictures), len(card.labels)) scores before the softmax, of one pass.

        No columns without labels. Raises as `describe`.
        """
        found = self._vectors(pictures, [self.card.logits] if self.card.logits else [])
        logits = found.pop(self.card.logits) if self.card.logits else np.empty((len(pictures), 0), np.float32)
        return found, logits

    def read_text(self, text: str) -> Reading:
        """Return a text as rows to be compared with those of pictures by cosine.

        Raises NoTextTower if the model can't read, UnknownWords if it knows no word of this text, MissingExtra,
        WeightsCorrupt, ModelUnusable.
        """
        tower, book = self.card.text, self.book
        if tower is None and book is not None:
            return read_words(text, book, self.card.name, able_to_read())
        row = self.embed_texts([text])[0]
        vector = tower.vector if tower else _READ
        return Reading({vector: row}, {vector: 1.0})

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(texts), width) float32 unit rows, to be compared with those of pictures by cosine.

        Of a model without text tower that knows words, the meaning row alone. Raises as `read_text`.
        """
        tower = self.card.text
        if tower is None and self.book is not None:
            rows = [self.read_text(text).rows[_READ] for text in texts]
            return np.array(rows, np.float32).reshape(-1, self.card.vectors[_READ])
        if tower is None:
            raise NoTextTower(self.card.name, able_to_read())
        with self._lock:
            self._tokens = tokens = self._tokens or Tokens(self.card, tower)
        session = self._open("text", [tower.output])
        rows = [session.run([tower.output], session.text_feed(*tokens.encode(text)))[0] for text in texts]
        width = self.card.vectors[tower.vector]
        return unit(self._pooled(np.concatenate(rows))) if rows else np.empty((0, width), np.float32)

    def _vectors(self, pictures: Sequence[Pixels], beside: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return vector name -> rows, and beside them other tensors by their own names, of one pass."""
        rows = self._run([*(self._tensor(spec.name) for spec in self.vectors), *beside], pictures)
        found = {}
        for spec, values in zip(self.vectors, rows[: len(self.vectors)], strict=True):
            pooled = self._pooled(values)
            if pooled.shape != (len(pictures), spec.width):
                got = f"its vector {spec.name!r} has {pooled.shape[1]} numbers, and its card says {spec.width}"
                raise ModelUnusable(self.card.name, got)
            found[spec.name] = pooled
        return found | dict(zip(beside, rows[len(self.vectors) :], strict=True))

    def _run(self, tensors: Sequence[str], pictures: Sequence[Pixels]) -> list[NDArray[np.float32]]:
        session, card = self._open("image", [*self.card.outputs.values(), self.card.logits]), self.card
        parts: list[list[NDArray[np.float32]]] = []
        for start in range(0, len(pictures), card.batch):
            batch = np.stack([prepare(picture, card.prepare) for picture in pictures[start : start + card.batch]])
            parts.append(self._batcher(tuple(tensors), session.cast(card.input, batch)))
        if not parts:
            widths = {self._tensor(name): width for name, width in card.vectors.items()}
            return [np.empty((0, widths.get(tensor, len(card.labels))), np.float32) for tensor in tensors]
        return [np.concatenate([part[i] for part in parts]) for i in range(len(tensors))]

    def _run_batch(self, tensors: tuple[str, ...], batch: NDArray[Any]) -> list[NDArray[np.float32]]:
        model_batches.add(len(batch))
        return self._sessions["image"].run(tensors, {self.card.input: batch})

    def _tensor(self, vector: str) -> str:
        return self.card.outputs.get(vector, vector)

    def _pooled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if values.ndim == 3 and self.card.pooling == "first":
            return values[:, 0]
        if values.ndim == 3 and self.card.pooling == "mean":
            return np.asarray(values.mean(axis=1), np.float32)
        return values.reshape(len(values), -1) if len(values) else values

    def _open(self, role: str, tensors: Sequence[str]) -> _Session:
        with self._lock:
            if role not in self._sessions:
                self._sessions[role] = _Session(self.card, role, [name for name in tensors if name.startswith(_INSIDE)])
            return self._sessions[role]


class _Session:
    """One ONNX file in ONNX Runtime. inside: tensors "before:NAME" that it shall give beside its outputs."""

    def __init__(self, card: ModelCard, role: str, inside: Sequence[str]) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # callers bring the threads: no barrier inside a picture
        options.log_severity_level = 3
        self._name, self._failures = card.name, tuple(getattr(failures, name) for name in _FAILURES)
        self._renamed: dict[str, str] = {}
        source = self._source(card, role, inside)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except self._failures as error:
            raise ModelUnusable(card.name, f"ONNX Runtime refuses {card.files[role].name} ({error})") from None
        self._types = {one.name: one.type for one in self._session.get_inputs()}

    def run(self, tensors: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        names = [self._renamed.get(tensor, tensor) for tensor in tensors]
        try:
            return [np.asarray(values, np.float32) for values in self._session.run(names, feed)]
        except (*self._failures, ValueError) as error:
            raise ModelUnusable(self._name, f"ONNX Runtime can't run it ({error})", "Is its card right?") from None

    def cast(self, name: str, batch: NDArray[Any]) -> NDArray[Any]:
        return batch.astype(_TYPES.get(self._types.get(name, ""), batch.dtype), copy=False)

    def text_feed(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Give the file what it asks for of token numbers, their mask and their kind, which is 0."""
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {
            name: known.get(name, ids).astype(_TOKEN_TYPES.get(kind, np.int64)) for name, kind in self._types.items()
        }

    def _source(self, card: ModelCard, role: str, inside: Sequence[str]) -> bytes | str:
        if any(other.startswith("data") for other in card.files):  # ONNX Runtime looks for it beside the file
            for other in card.files:
                if other.startswith("data"):
                    check_file(card, other)
            return str(check_file(card, role))
        model = read_weights(card, role)
        made_from = read_graph(card.folder / card.files[role].name).made_from if inside else {}
        for tensor in inside:
            if (maker := made_from.get(tensor.removeprefix(_INSIDE))) is None:
                raise ModelUnusable(card.name, f"its file makes no {tensor.removeprefix(_INSIDE)!r}")
            self._renamed[tensor] = maker
            model = exposed(model, maker)
        return model


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, width) rows scaled to length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.float32(1e-12)), np.float32)
