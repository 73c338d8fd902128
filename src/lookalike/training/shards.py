"""One batch on several threads that meet once a step.

Spreading every single operation over the cores would be simpler, but there oneDNN waits at spinning barriers:
on a machine that others use too, five sixths of the time went there. Each thread has a part of the batch, and
with it normalization statistics of its own; the parameters are shared.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import torch
from torch import Tensor

from lookalike.training.network import Network, Outputs

__all__ = ["Shards"]

NAMES = [entry.name for entry in fields(Outputs)]


class Shards:
    """Forward and backward passes of a network in training, on `count` threads of one core each."""

    def __init__(self, network: Network, count: int) -> None:
        # parameters stay the same objects, running statistics become each shard's own
        shared = {id(weights): weights for weights in network.parameters()}
        self._networks = [network, *(copy.deepcopy(network, dict(shared)) for _ in range(count - 1))]
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        self._parts: list[Outputs] = []
        self._whole: dict[str, Tensor] = {}

    def forward(self, pixels: Tensor) -> Outputs:
        """Return the outputs for uint8 pixels (n, side, side, 3), as if they were the graph's leaves."""
        count = len(self._networks)
        split = [pixels[shard::count] for shard in range(count)]
        self._parts = list(self._pool.map(_forward, self._networks, split))
        self._whole = {name: self._gathered(name, len(pixels)) for name in NAMES}
        return Outputs(**self._whole)

    def copy_vectors(self, network: Network, pixels: Tensor) -> Tensor:
        """Return the copy vectors (n, width) by another network, which is not trained here."""
        count = len(self._networks)
        parts = list(self._pool.map(_copy_vectors, [network] * count, pixels.chunk(count)))
        return torch.cat(parts)

    def backward(self) -> None:
        """Carry the gradients that the outputs of the last `forward` have received on to the parameters."""
        count = len(self._networks)
        given = [(name, whole.grad) for name, whole in self._whole.items() if whole.grad is not None]

        def back(shard: int) -> None:
            part = self._parts[shard]
            torch.autograd.backward(
                [getattr(part, name) for name, _ in given], [gradient[shard::count] for _, gradient in given]
            )

        list(self._pool.map(back, range(count)))
        self._parts = []

    @torch.no_grad()
    def agree(self) -> None:
        """Give every shard the mean of all running statistics."""
        statistics = [
            [values for values in network.buffers() if values.is_floating_point()] for network in self._networks
        ]
        mean = statistics[0]
        for others in statistics[1:]:
            torch._foreach_add_(mean, others)
        torch._foreach_div_(mean, len(statistics))
        for others in statistics[1:]:
            torch._foreach_copy_(others, mean)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _gathered(self, name: str, length: int) -> Tensor:
        parts: list[Tensor] = [getattr(part, name).detach() for part in self._parts]
        whole = parts[0].new_empty(length, *parts[0].shape[1:])
        for shard, part in enumerate(parts):
            whole[shard :: len(parts)] = part
        return whole.requires_grad_()


@torch.no_grad()
def _copy_vectors(network: Network, pixels: Tensor) -> Tensor:
    network.eval()
    with torch.autocast(pixels.device.type, torch.bfloat16):
        outputs: Outputs = network(pixels)
    return outputs.copy.float()


def _forward(network: Network, pixels: Tensor) -> Outputs:
    network.train()
    with torch.autocast(pixels.device.type, torch.bfloat16):
        outputs: Outputs = network(pixels)
    return outputs
