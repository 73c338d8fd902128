"""An ONNX file with a learned head put behind it. Written field by field: nothing but NumPy is needed.

Whatever the file gave it still gives, to the last bit, but for `meaning`: that becomes its old value, joined with what
was learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.learning.head import Head
from lookalike.learning.protobuf import fields, message, number, text

__all__ = ["FEATURES", "MEANING", "Addition", "feature_tensors", "with_branch", "with_features", "with_head"]

MEANING, FEATURES = "meaning", "seen.features"

_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE = 1, 5, 11, 12, 13
_FLOAT, _INT64 = 1, 7
_INT, _INTS = 2, 7
_TINY = 1e-12


@dataclass(slots=True)
class Addition:
    """Nodes, weights and outputs to be put behind a graph. prefix: what their names begin with."""

    prefix: str
    nodes: list[bytes] = field(default_factory=list)
    weights: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)

    def node(self, kind: str, inputs: Sequence[str], output: str, **settings: int | Sequence[int]) -> str:
        """Add a node, whose settings are whole numbers or lists of them; returns its output."""
        output = self._named(output)
        parts = [text(1, name) for name in inputs] + [text(2, output), text(3, f"{output}.node"), text(4, kind)]
        for name, value in settings.items():
            if isinstance(value, int):
                written = number(3, value) + number(20, _INT)
            else:
                written = b"".join(number(8, one) for one in value) + number(20, _INTS)
            parts.append(message(5, text(1, name) + written))
        self.nodes.append(b"".join(parts))
        return output

    def weight(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Add fixed numbers; returns their name."""
        name = self._named(name)
        kind = _INT64 if values.dtype == np.int64 else _FLOAT
        dims = b"".join(number(1, side) for side in values.shape)
        raw = np.ascontiguousarray(values, "<i8" if kind == _INT64 else "<f4").tobytes()
        self.weights.append(dims + number(2, kind) + text(8, name) + message(9, raw))
        return name

    def output(self, name: str, width: int | None = None) -> None:
        """Declare a tensor of floats as an output: (n, width), or of a shape that is left open."""
        shape = message(1, text(2, "n")) + message(1, number(1, width)) if width else None
        kind = number(1, _FLOAT) + (message(2, shape) if shape else b"")
        self.outputs.append(text(1, name) + message(2, message(1, kind)))

    def _named(self, name: str) -> str:
        return name if name == MEANING or name.startswith(f"{self.prefix}.") else f"{self.prefix}.{name}"

    def graft(self, branch: bytes, source: str) -> str:
        """Add all nodes and weights of another file, whose one input is the tensor `source`; returns its output."""
        graph = _inside(branch, _GRAPH)[0]
        inputs, outputs = ([_names(one, 1)[0] for one in _inside(graph, kind)] for kind in (_INPUT, _OUTPUT))

        def called(name: bytes) -> str:
            known = name.decode()
            return source if known == inputs[0] else f"{self.prefix}.{known}" if known else ""

        for place, name_at, into in ((_NODE, (1, 2, 3), self.nodes), (_INITIALIZER, (8,), self.weights)):
            for one in _inside(graph, place):
                parts = [
                    text(at, called(value)) if at in name_at and isinstance(value, bytes) else raw
                    for at, value, raw in fields(one)
                ]
                into.append(b"".join(parts))
        return f"{self.prefix}.{outputs[0]}"

    def unit(self, name: str, width: int, output: str) -> str:
        """Scale (n, width) rows to length 1, by operators that are the same in every version of ONNX."""
        ones = self.weight(f"{output}.ones", np.ones((width, 1), np.float32))
        tiny = self.weight(f"{output}.tiny", np.array([_TINY], np.float32))
        squares = self.node("Mul", [name, name], f"{output}.squares")
        sums = self.node("MatMul", [squares, ones], f"{output}.sums")
        lengths = self.node("Sqrt", [self.node("Max", [sums, tiny], f"{output}.floor")], f"{output}.lengths")
        return self.node("Div", [name, lengths], output)


def feature_tensors(model: bytes) -> list[str]:
    """Return the tensors that a network averages over the picture, in the file's order: what its heads look at.

    Averages that keep their axes are none: they are parts of normalizations. Empty for networks without.
    """
    found = []
    for node in _nodes(model):
        if _names(node, 4) == ["ReduceMean"] and any(_setting(one) == (b"keepdims", 0) for one in _inside(node, 5)):
            found.append(_names(node, 2)[0])
    return found


def with_features(model: bytes, tensors: Sequence[str]) -> bytes:
    """Return the model with the tensors side by side, as floats, in one more output, `FEATURES`."""
    extra = Addition("seen")
    _joined_features(extra, tensors)
    extra.output(FEATURES)
    return _appended(model, extra)


def with_head(model: bytes, meaning: str, pooling: str, tensors: Sequence[str], head: Head, width: int) -> bytes:
    """Return the model whose `meaning` is the old one, of length sqrt(1 - strength), joined with what was learned.

    meaning: tensor of the old vector, of `width` numbers after `pooling`. tensors: what the head looks at; none of
    them: the old vector as the file makes it. What was learned has length sqrt(strength).
    """
    extra = Addition(_unused_prefix(model))
    old = _old(extra, meaning, pooling)
    seen = _joined_features(extra, tensors) if tensors else old
    product = extra.node("MatMul", [seen, extra.weight("weights", head.weights)], "product")
    learned = extra.node("Add", [product, extra.weight("bias", head.bias)], "sum")
    return _joined(model, extra, (old, width), (learned, len(head.bias)), head.strength)


def with_branch(
    model: bytes, meaning: str, branch: bytes, source: str, widths: tuple[int, int], strength: float
) -> bytes:
    """Return the model whose `meaning` is joined, as in `with_head`, with what another file makes of a tensor.

    branch: an ONNX file of one input, which is put upon the tensor `source`, and one output. widths: of the old vector
    and of the branch's.
    """
    extra = Addition(_unused_prefix(model))
    old = _old(extra, meaning, "none")
    seen = extra.node("Cast", [source], "source", to=_FLOAT)
    learned = extra.graft(branch, seen)
    return _joined(model, extra, (old, widths[0]), (learned, widths[1]), strength)


def _old(extra: Addition, meaning: str, pooling: str) -> str:
    renamed = f"{extra.prefix}.before" if meaning == MEANING else meaning
    return _pooled(extra, extra.node("Cast", [renamed], "old", to=_FLOAT), pooling)


def _joined(model: bytes, extra: Addition, old: tuple[str, int], new: tuple[str, int], strength: float) -> bytes:
    """Join the tensors, each given with its width, in the shares of the strength."""
    parts = []
    for name, (rows, size), share in (("old", old, 1 - strength), ("new", new, strength)):
        even = extra.unit(rows, size, f"{name}.unit")
        scale = extra.weight(f"{name}.share", np.array([share**0.5], np.float32))
        parts.append(extra.node("Mul", [even, scale], f"{name}.part"))
    extra.node("Concat", parts, MEANING, axis=1)
    extra.output(MEANING, old[1] + new[1])
    return _appended(model, extra, (MEANING, f"{extra.prefix}.before"))


def _unused_prefix(model: bytes) -> str:
    """Return a prefix that no node has: a model may have been learned from before."""
    taken = {name.split(".")[0] for node in _nodes(model) for name in _names(node, 2)}
    return next(name for number in range(len(taken) + 1) if (name := f"learned-{number}") not in taken)


def _joined_features(extra: Addition, tensors: Sequence[str]) -> str:
    floats = [extra.node("Cast", [name], f"seen.{place}", to=_FLOAT) for place, name in enumerate(tensors)]
    return extra.node("Concat", floats, "features", axis=1)


def _pooled(extra: Addition, name: str, pooling: str) -> str:
    if pooling == "first":
        first = extra.weight("first", np.array(0, np.int64))
        return extra.node("Gather", [name, first], "pooled", axis=1)
    if pooling == "mean":
        # (n, tokens, width), averaged by an operator that is the same in every version of ONNX
        turned = extra.node("Transpose", [name], "turned", perm=(0, 2, 1))
        name = extra.node("GlobalAveragePool", [turned], "averaged")
    return extra.node("Flatten", [name], "pooled", axis=1)


def _appended(model: bytes, extra: Addition, renamed: tuple[str, str] | None = None) -> bytes:
    """Return the model with more in its graph. renamed: a tensor's name and its new one, no output any more."""
    more = [message(_NODE, one) for one in extra.nodes] + [message(_INITIALIZER, one) for one in extra.weights]
    more += [message(_OUTPUT, one) for one in extra.outputs]
    parts = []
    for place, value, raw in fields(model):
        if place == _GRAPH and isinstance(value, bytes):
            graph = value if renamed is None else _graph_renamed(value, *renamed)
            raw = message(_GRAPH, graph + b"".join(more))
        parts.append(raw)
    return b"".join(parts)


def _graph_renamed(graph: bytes, old: str, new: str) -> bytes:
    parts = []
    for place, value, raw in fields(graph):
        if place == _NODE and isinstance(value, bytes) and old in (*_names(value, 1), *_names(value, 2)):
            parts.append(message(_NODE, _node_renamed(value, old.encode(), new)))
        elif not (place in (_OUTPUT, _VALUE) and isinstance(value, bytes) and _names(value, 1)[:1] == [old]):
            parts.append(raw)
    return b"".join(parts)


def _node_renamed(node: bytes, old: bytes, new: str) -> bytes:
    return b"".join(text(place, new) if place in (1, 2) and value == old else raw for place, value, raw in fields(node))


def _nodes(model: bytes) -> list[bytes]:
    return [node for graph in _inside(model, _GRAPH) for node in _inside(graph, _NODE)]


def _inside(content: bytes, wanted: int) -> list[bytes]:
    return [value for place, value, _ in fields(content) if place == wanted and isinstance(value, bytes)]


def _names(content: bytes, wanted: int) -> list[str]:
    return [value.decode() for value in _inside(content, wanted)]


def _setting(content: bytes) -> tuple[bytes | int, bytes | int]:
    found = {place: value for place, value, _ in fields(content)}
    return found.get(1, b""), found.get(3, 0)
