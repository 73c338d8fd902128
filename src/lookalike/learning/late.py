"""The last stages of the bundled network as PyTorch modules, with the weights of its ONNX file; and back again.

The file is all there is in an installed package: weights of 8 bits or 16 are widened, normalizations are folded into
them already. The first stages, up to a sixteenth of the side, stay in the file as they are.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.errors import ModelUnusable
from lookalike.training.export import OPSET
from lookalike.training.network import FINE, Network, unit
from lookalike.training.recipe import NetworkPart

__all__ = ["Late", "branch_file", "late_stages"]

_ADVICE = "Use --gear head, which works with any model."


class Late(nn.Module):
    """From what the first stages make, (n, channels, h, w), to unit rows (n, width).

    stages, detail: as the network has them; head: a linear layer on what both average over the picture.
    """

    def __init__(self, stages: nn.Module, detail: nn.Module, width: int) -> None:
        super().__init__()
        self.stages, self.detail = stages, detail
        self.head = nn.Linear(_channels(stages) + _channels(detail), width)
        self.eval()

    def features(self, fine: Tensor) -> Tensor:
        """Return what the head looks at: (n, d)."""
        return torch.cat([self.detail(fine).mean((2, 3)), self.stages(fine).mean((2, 3))], dim=1)

    def forward(self, fine: Tensor) -> Tensor:
        """Return unit rows."""
        return unit(self.head(self.features(fine)))


def late_stages(model: bytes, name: str, width: int) -> tuple[Late, str]:
    """Return the last stages of the bundled network, and the tensor of the file that they look at.

    The head has random weights. Raises ModelUnusable for a file of another network.
    """
    import onnx

    graph = onnx.load_from_string(model).graph
    known = dict(_constants(graph))
    layers: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    source = ""
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[1] in known:
            layers[_module(node.output[0])] = known[node.input[1]], known[node.input[2]]
            if _module(node.output[0]) == "detail.0":
                source = node.input[0]
    try:
        width_before, detail = len(layers["backbone.17.0"][0]), len(layers["detail.0"][0])
        network = Network(NetworkPart(width=width_before, detail=detail))
        late = Late(network.backbone[FINE:], network.detail, width)
        for root, module in (("backbone", late.stages), ("detail", late.detail)):
            _fill(module, root, layers)
    except (KeyError, RuntimeError) as error:
        raise ModelUnusable(name, f"its file is not one of the bundled network ({error!r})", _ADVICE) from None
    return late, source


def branch_file(late: Late, shape: Sequence[int]) -> bytes:
    """Return an ONNX file of the stages and the head. shape: (channels, h, w) of what they look at."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        target = Path(folder) / "branch.onnx"
        warnings.simplefilter("ignore")  # the graph writer without further dependencies says that it is the older one
        torch.onnx.export(
            late.cpu().eval(),
            (torch.zeros(2, *shape),),
            str(target),
            input_names=["fine"],
            output_names=["rows"],
            dynamic_axes={"fine": {0: "n"}, "rows": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return target.read_bytes()


def _constants(graph: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield every fixed tensor of a graph by name, those too that are kept in fewer bits."""
    from onnx import numpy_helper

    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    yield from stored.items()
    for node in graph.node:
        if not all(name in stored for name in node.input if name):
            continue
        if node.op_type == "DequantizeLinear":
            values, scale = stored[node.input[0]].astype(np.float32), stored[node.input[1]]
            zero = stored[node.input[2]].astype(np.float32) if len(node.input) > 2 else np.float32(0)
            if scale.ndim == 1 and len(scale) > 1:
                axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
                shape = [-1 if place == axis else 1 for place in range(values.ndim)]
                scale, zero = scale.reshape(shape), zero.reshape(shape)
            yield node.output[0], ((values - zero) * scale).astype(np.float32)
        elif node.op_type == "Cast":
            yield node.output[0], stored[node.input[0]].astype(np.float32)


def _module(tensor: str) -> str:
    """Return the module that made a tensor: "/network/backbone.16/layers/layers.2/Conv_output_0" is
    "backbone.16.layers.2"."""
    path: list[str] = []
    for part in tensor.split("/")[2:-1]:
        if path and part.startswith(f"{path[-1]}."):
            path.pop()
        path.append(part)
    return ".".join(path)


def _fill(module: nn.Module, root: str, layers: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]) -> None:
    """Set every convolution to the folded weights, and the normalization behind it to nothing but their offset."""
    convolutions = [(name, one) for name, one in module.named_modules() if isinstance(one, nn.Conv2d)]
    normalizations = [one for one in module.modules() if isinstance(one, nn.BatchNorm2d)]
    for (name, convolution), normalization in zip(convolutions, normalizations, strict=True):
        weights, offset = (torch.from_numpy(values.copy()) for values in layers[f"{root}.{name}"])
        normalization.running_var = torch.full_like(normalization.weight, 1 - normalization.eps)
        convolution.weight.data.copy_(weights)
        normalization.bias.data.copy_(offset)


def _channels(module: nn.Module) -> int:
    return [one.out_channels for one in module.modules() if isinstance(one, nn.Conv2d)][-1]
