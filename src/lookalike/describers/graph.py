"""What an ONNX file says of itself: inputs, outputs, and which node makes what; read without running anything.

An ONNX file is a protocol buffer (onnx.proto3: ModelProto, GraphProto). Only the few fields needed are looked at,
so a file of gigabytes takes milliseconds, and a file that is something else is refused.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Graph", "Tensor", "exposed", "read_graph"]

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_TENSOR_NAME = 8
_TYPES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 10: "float16"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output. type: as NumPy names it, "" for others; shape: 0 where a side may be anything."""

    name: str
    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """inputs, outputs: in the file's order, weights left out. made_from: tensor -> first input of its node."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    made_from: Mapping[str, str]


def read_graph(path: Path) -> Graph:
    """Read a file's graph. Raises OSError, and ValueError if the file is no ONNX model."""
    with path.open("rb") as file:
        try:
            return _graph(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        except (IndexError, ValueError):
            raise ValueError("it is no ONNX model") from None


def exposed(model: bytes, tensor: str) -> bytes:
    """Return the model with one more output: a tensor inside the graph.

    Protocol buffers merge a field that is given again, and append where it repeats: the output is written behind.
    """
    output = _written(_GRAPH_OUTPUT, _written(1, tensor.encode()))
    return model + _written(_MODEL_GRAPH, output)


def _graph(view: memoryview) -> Graph:
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    weights: set[str] = set()
    made_from: dict[str, str] = {}
    parts = [value for number, value in _fields(view) if number == _MODEL_GRAPH]
    for number, value in (field for part in parts for field in _fields(_message(part))):
        if number == _GRAPH_NODE:
            fields = list(_fields(_message(value)))
            sources = [_text(one) for key, one in fields if key == _NODE_INPUT]
            for key, one in fields:
                if key == _NODE_OUTPUT and sources:
                    made_from[_text(one)] = sources[0]
        elif number == _GRAPH_INITIALIZER:
            weights.update(_text(one) for key, one in _fields(_message(value)) if key == _TENSOR_NAME)
        elif number == _GRAPH_INPUT:
            inputs.append(_tensor(_message(value)))
        elif number == _GRAPH_OUTPUT:
            outputs.append(_tensor(_message(value)))
    if not inputs or not outputs:
        raise ValueError("no graph")
    return Graph(tuple(one for one in inputs if one.name not in weights), tuple(outputs), made_from)


def _tensor(info: memoryview) -> Tensor:
    name, kind, shape = "", 0, []
    for number, value in _fields(info):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for key, held in _path(_message(value), 1):
                if key == 1 and isinstance(held, int):
                    kind = held
                elif key == 2:
                    shape = [_side(_message(side)) for part, side in _fields(_message(held)) if part == 1]
    return Tensor(name, _TYPES.get(kind, ""), tuple(shape))


def _side(dimension: memoryview) -> int:
    return next((value for number, value in _fields(dimension) if number == 1 and isinstance(value, int)), 0)


def _path(message: memoryview, number: int) -> Iterator[tuple[int, int | memoryview]]:
    for key, value in _fields(message):
        if key == number:
            yield from _fields(_message(value))


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of each field; those of fixed width are passed over."""
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("no field has the number 0")
        if kind == 0:
            value, at = _varint(view, at)
            yield number, value
        elif kind == 2:
            size, at = _varint(view, at)
            if at + size > len(view):
                raise ValueError("cut short")
            yield number, view[at : at + size]
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("no such kind of field")


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without an end")


def _written(number: int, content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + content


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message should be")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode()
