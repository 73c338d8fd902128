"""From trained weights to an ONNX file: float32, float16 kept in the file, or 8-bit arithmetic.

Input `pixels`, uint8 (n, side, side, 3) RGB; outputs `meaning`, `copy` (unit rows) and `logits`, float32.
"""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.training.data import Pixels
from lookalike.training.losses import Whitening
from lookalike.training.network import Network, unit

__all__ = ["INPUT", "OUTPUTS", "float32_file", "half_file", "opened", "pictures_per_second", "quantized_file"]

INPUT, OUTPUTS = "pixels", ("meaning", "copy", "logits")
OPSET = 17


def float32_file(network: Network, side: int, whitening: Whitening | None = None) -> bytes:
    """Return the network as an ONNX file for any number of (side, side, 3) pictures, normalizations folded.

    whitening: what its copy vectors go through last.
    """
    shipped = _Shipped(network.float(), whitening).cpu().eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        target = Path(folder) / "network.onnx"
        # the graph writer without further dependencies is the older one, which says so on every call
        warnings.simplefilter("ignore")
        torch.onnx.export(
            shipped,
            (torch.zeros(2, side, side, 3, dtype=torch.uint8),),
            str(target),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
        return target.read_bytes()


def half_file(model: bytes) -> bytes:
    """Return the same model with weights kept as float16; the runtime widens them once when it opens the file."""
    import onnx
    from onnx import helper, numpy_helper

    graph = onnx.load_from_string(model)
    casts = []
    for weights in graph.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size > 256:
            name = weights.name
            weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return bytes(graph.SerializeToString())


def quantized_file(model: bytes, pictures: Pixels) -> bytes:
    """Return the model in static 8-bit arithmetic, ranges taken from `pictures` (n, side, side, 3)."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        given, ready, done = (Path(folder) / name for name in ("given.onnx", "ready.onnx", "done.onnx"))
        given.write_bytes(model)
        logging.disable(logging.WARNING)
        try:
            quant_pre_process(str(given), str(ready))
            quantize_static(
                str(ready),
                str(done),
                _Reader(pictures),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                # 7-bit weights: without VNNI, sums of two 8-bit products overflow 16 bits
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=["Conv", "Add", "Gemm"],
            )
        finally:
            logging.disable(logging.NOTSET)
        return done.read_bytes()


def opened(model: bytes, threads: int = 2) -> Callable[[Pixels], tuple[NDArray[np.float32], ...]]:
    """Return a function from pixels (n, side, side, 3) to the outputs in the order of OUTPUTS."""
    session = _session(model, threads)

    def run(pixels: Pixels) -> tuple[NDArray[np.float32], ...]:
        parts = [session.run(list(OUTPUTS), {INPUT: pixels[start : start + 8]}) for start in range(0, len(pixels), 8)]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    return run


def pictures_per_second(models: dict[str, bytes], side: int, rounds: int = 40) -> dict[str, float]:
    """Return the best speed of each model on one core, in batches of eight, asked in turns.

    By the time that the core spends on it: other work on the machine must not decide which model is shipped.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (8, side, side, 3), np.uint8)
    running = {name: opened(model, 1) for name, model in models.items()}
    best = dict.fromkeys(models, 0.0)
    for _ in range(rounds):
        for name, run in running.items():
            began = time.thread_time()
            run(pixels)
            best[name] = max(best[name], len(pixels) / (time.thread_time() - began))
    return best


def _session(model: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class _Shipped(nn.Module):
    def __init__(self, network: Network, whitening: Whitening | None) -> None:
        super().__init__()
        self.network = network
        self.even: nn.Linear | None = None
        if whitening is not None:
            mean, components = torch.from_numpy(whitening.mean), torch.from_numpy(whitening.components)
            self.even = nn.Linear(*components.shape)
            self.even.weight.data, self.even.bias.data = components.T.contiguous(), -mean @ components

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.network(pixels)
        copy = outputs.copy if self.even is None else unit(self.even(outputs.copy))
        return outputs.meaning, copy, outputs.logits


class _Reader:
    def __init__(self, pictures: Pixels) -> None:
        self._batches = iter(np.array_split(pictures, max(1, len(pictures) // 16)))

    def get_next(self) -> dict[str, Pixels] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}

    def __len__(self) -> int:
        return 0
