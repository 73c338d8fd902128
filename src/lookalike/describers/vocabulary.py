"""What a model's vectors mean in words: heads that label them, directions to search in; one file beside the model.

The file is in the safetensors format: eight bytes of length, a JSON header, then plain numbers; nothing in it can run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Vocabulary", "Wordbook", "pack", "unpack"]

FORMAT = "1"
"""Version of the tensors and the metadata; another is refused."""

_TYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_PADDING = 256  # a header of a multiple of this never begins like a pickle


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Names, and what tells them apart in unit rows (n, width).

    weights: (width, k), offsets: (k,): scores, whose softmax is calibrated. gate: (width,), gate_offset: a logistic
    curve, the probability that the picture shows such things at all. aside: names that say how a picture is rather
    than what it shows; they are in no list of labels with others.
    """

    name: str
    names: tuple[str, ...]
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]
    gate: NDArray[np.float32]
    gate_offset: float
    aside: bool = False

    def confidence(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n,): the probability that the vocabulary applies."""
        scores = rows.astype(np.float64) @ self.gate + self.gate_offset
        found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
        return found

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, k): the probability of each name, given that the vocabulary applies; rows sum to 1."""
        scores = rows.astype(np.float64) @ self.weights + self.offsets
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Wordbook:
    """All of it.

    concepts: (m, width) unit directions. terms: plain phrase -> its direction. shades: color word -> the direction it
    has beside other words, -1 for none. colors: color word -> hex codes without "#". kinds: tag -> places among the
    names of the vocabulary "imagenet" whose probabilities add up to its own.
    """

    vocabularies: tuple[Vocabulary, ...]
    concepts: NDArray[np.float32]
    terms: Mapping[str, int]
    shades: Mapping[str, int]
    colors: Mapping[str, Sequence[str]]
    kinds: Mapping[str, Sequence[int]]


def pack(book: Wordbook) -> bytes:
    """Write a wordbook as bytes, the same on every machine; weights are rounded to float16."""
    tensors: dict[str, tuple[str, NDArray[Any]]] = {"concepts": ("F16", book.concepts)}
    for one in book.vocabularies:
        tensors[f"{one.name}.weights"] = ("F16", one.weights)
        tensors[f"{one.name}.offsets"] = ("F32", one.offsets)
        tensors[f"{one.name}.gate"] = ("F32", np.append(one.gate, one.gate_offset))
    about = {
        "vocabularies": [{"name": one.name, "names": one.names, "aside": one.aside} for one in book.vocabularies],
        "terms": dict(book.terms),
        "shades": dict(book.shades),
        "colors": {name: list(codes) for name, codes in book.colors.items()},
        "kinds": {name: list(places) for name, places in book.kinds.items()},
    }
    words = json.dumps(about, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    header: dict[str, Any] = {"__metadata__": {"format": FORMAT, "words": words}}
    parts, end = [], 0
    for name, (kind, values) in tensors.items():
        body = values.astype(_TYPES[kind]).tobytes()
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [end, end + len(body)]}
        parts.append(body)
        end += len(body)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _PADDING)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def unpack(data: bytes) -> Wordbook:
    """Read what `pack` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__")
    if metadata["format"] != FORMAT:
        raise ValueError(f"format {metadata['format']}, not {FORMAT}")
    tensors = {name: _tensor(data, start, about) for name, about in header.items()}
    about = json.loads(metadata["words"])
    return Wordbook(
        vocabularies=tuple(_vocabulary(entry, tensors) for entry in about["vocabularies"]),
        concepts=tensors["concepts"],
        terms=about["terms"],
        shades=about["shades"],
        colors=about["colors"],
        kinds=about["kinds"],
    )


def _tensor(data: bytes, start: int, about: Mapping[str, Any]) -> NDArray[np.float32]:
    first, last = about["data_offsets"]
    values = np.frombuffer(data[start + first : start + last], _TYPES[about["dtype"]])
    found: NDArray[np.float32] = values.astype(np.float32).reshape(about["shape"])
    return found


def _vocabulary(entry: Mapping[str, Any], tensors: Mapping[str, NDArray[np.float32]]) -> Vocabulary:
    name = entry["name"]
    gate = tensors[f"{name}.gate"]
    return Vocabulary(
        name,
        tuple(entry["names"]),
        tensors[f"{name}.weights"],
        tensors[f"{name}.offsets"],
        gate[:-1],
        float(gate[-1]),
        entry["aside"],
    )
