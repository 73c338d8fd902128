"""The student: a small convolutional backbone with three heads, fit for 8-bit arithmetic.

The backbone follows MobileNetV4-Conv-S (Qin et al. 2024, arXiv:2404.10518): universal inverted bottlenecks of
plain convolution, batch normalization and ReLU, nothing that a quantizer dislikes. It is fully convolutional:
the side it is trained at need not be the side it is shipped at.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lookalike.training.recipe import NetworkPart

__all__ = ["CLASSES", "Network", "Outputs", "unit"]

CLASSES = 1000
FEATURES = 1280


@dataclass(frozen=True, slots=True)
class Outputs:
    """meaning: (n, 256) and copy: (n, 128), unit rows; logits: (n, 1000); pooled: (n, width)."""

    meaning: Tensor
    copy: Tensor
    logits: Tensor
    pooled: Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """One universal inverted bottleneck: depthwise, expand, depthwise, project. A kernel of 0 leaves one out."""

    before: int
    between: int
    channels: int
    expand: float
    stride: int = 1


# stages of MobileNetV4-Conv-S after the two strided 3x3 convolutions
BLOCKS = (
    Block(5, 5, 96, 3.0, 2), *[Block(0, 3, 96, 2.0)] * 4, Block(3, 0, 96, 4.0),
    Block(3, 3, 128, 6.0, 2), Block(5, 5, 128, 4.0), Block(0, 5, 128, 4.0), Block(0, 5, 128, 3.0),
    Block(0, 3, 128, 4.0), Block(0, 3, 128, 4.0),
)  # fmt: skip

STEM = 5
# layers up to a sixteenth of the side: what tells two pictures of one subject apart is gone later on
FINE = STEM + 6


class Network(nn.Module):
    """One forward pass from pixels to both vectors and the answers."""

    def __init__(self, part: NetworkPart) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            _convolution(3, 32, 3, 2), _convolution(32, 32, 3, 2), _convolution(32, 32, 1),
            _convolution(32, 96, 3, 2), _convolution(96, 64, 1),
        ]  # fmt: skip
        channels = 64
        for block in BLOCKS:
            layers.append(_Bottleneck(channels, block))
            channels = block.channels
        layers.append(_convolution(channels, part.width, 1))
        self.backbone = nn.Sequential(*layers)
        self.detail = _convolution(BLOCKS[FINE - STEM - 1].channels, part.detail, 1)
        self.meaning = nn.Linear(part.width, part.meaning)
        self.copy = nn.Linear(part.width, part.copy)
        self.fine = nn.Sequential(
            nn.Linear(2 * (part.width + part.detail), 2 * part.copy),
            nn.ReLU(inplace=True),
            nn.Linear(2 * part.copy, part.copy),
        )
        self.logits = nn.Linear(part.width, CLASSES)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # at first the copy vector is the linear one alone
        for values in self.fine[-1].parameters():
            nn.init.zeros_(values)

    def forward(self, pixels: Tensor) -> Outputs:
        """Describe RGB pixels, uint8, (n, 3, h, w) or (n, h, w, 3); scaling happens in here."""
        if pixels.shape[-1] == 3:
            pixels = pixels.permute(0, 3, 1, 2)
        scaled = (pixels.float() - 127.5) * (1 / 64)
        fine = self.backbone[:FINE](scaled.contiguous(memory_format=torch.channels_last))
        coarse, detail = self.backbone[FINE:](fine), self.detail(fine)
        pooled = coarse.mean((2, 3))
        # the strongest answer anywhere outlives what a mean drowns: a picture that is a small part of its copy
        seen = torch.cat([pooled, detail.mean((2, 3)), coarse.amax((2, 3)), detail.amax((2, 3))], dim=1)
        return Outputs(
            unit(self.meaning(pooled).float()),
            unit((self.copy(pooled) + self.fine(seen)).float()),
            self.logits(pooled).float(),
            pooled.float(),
        )


def unit(rows: Tensor) -> Tensor:
    """Scale rows to length 1."""
    scaled: Tensor = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return scaled


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(*_normalized(inputs, outputs, kernel, stride, groups), nn.ReLU(inplace=True))


def _normalized(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    kind = nn.Conv2d if groups == 1 else _Depthwise
    convolution = kind(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class _Depthwise(nn.Conv2d):
    def forward(self, values: Tensor) -> Tensor:
        # on a CPU, the gradient of a strided depthwise convolution takes 20 times as long in bfloat16
        if values.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return super().forward(values.float())
        return super().forward(values)


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, block: Block) -> None:
        super().__init__()
        wide = round(inputs * block.expand)
        # the stride sits in the depthwise convolution between, or before where there is none
        layers: list[nn.Module] = []
        if block.before:
            stride = 1 if block.between else block.stride
            layers += _normalized(inputs, inputs, block.before, stride, inputs)
        layers.append(_convolution(inputs, wide, 1))
        if block.between:
            layers.append(_convolution(wide, wide, block.between, block.stride, wide))
        layers += _normalized(wide, block.channels, 1)
        self.layers = nn.Sequential(*layers)
        self.shortcut = block.stride == 1 and inputs == block.channels

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.layers(values)
        return values + result if self.shortcut else result
