"""What the student is asked for, as one weighted sum.

Distillation of features and answers (Hinton et al. 2015), a normalized softmax per vocabulary (Zhai and Wu 2019),
instance discrimination with a spread term for the copy vector (SSCD, Pizzi et al. 2022; KoLeo, Sablayrolles et
al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.network import Outputs, unit
from lookalike.training.recipe import LossPart, NetworkPart
from lookalike.training.teacher import FEATURES, Answers

__all__ = ["Objective", "Whitening"]

# of the power of the teacher's principal components that is divided out: 0 keeps them, 0.5 whitens fully;
# 0.35 lost no recall at 256 components against all 1,280 numbers
POWER = 0.35


class Whitening:
    """Vectors in fewer numbers: centered, on their principal components, evened out.

    mean, deviation: (d,); components: (d, width), in units of the vectors given. power: of a component's variance
    that is divided out. floor: variances below this share of the largest count as that, so that noise stays noise.
    """

    def __init__(self, rows: NDArray[np.float32], width: int, power: float = POWER, floor: float = 1e-9) -> None:
        self.mean, self.deviation = rows.mean(0), rows.std(0) + 1e-3
        values, vectors = np.linalg.eigh(np.cov(rows.T))
        values, vectors = values[::-1][:width], vectors[:, ::-1][:, :width]
        self.components = (vectors / np.maximum(values, floor * values[0]) ** power).astype(np.float32)


class Objective(nn.Module):
    """The loss and the layers that only the loss needs: they are trained, saved, and never shipped."""

    answer_weights: Tensor
    answer_bias: Tensor
    mean: Tensor
    deviation: Tensor
    components: Tensor
    memory: Tensor

    def __init__(
        self,
        part: LossPart,
        network: NetworkPart,
        vocabularies: Mapping[str, int],
        answers: Answers,
        whitening: Whitening,
    ) -> None:
        super().__init__()
        self.part = part
        self.project = nn.Linear(network.width, FEATURES)
        self.classes = nn.ParameterDict(
            {name: nn.Parameter(torch.randn(size, network.meaning)) for name, size in vocabularies.items()}
        )
        fixed = {
            "answer_weights": answers.weights, "answer_bias": answers.bias, "mean": whitening.mean,
            "deviation": whitening.deviation, "components": whitening.components,
        }  # fmt: skip
        for name, values in fixed.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values, np.float32)), persistent=False)
        # keys of earlier pictures, the newest first; saved with a checkpoint
        self.register_buffer("memory", torch.zeros(part.memory, network.copy))

    def forward(
        self, outputs: Outputs, copied: Tensor, keys: Tensor, features: Tensor, labels: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return every weighted term; their sum is the loss.

        outputs: of n pictures, d drawings, then c copies; copied: (c,) places of what these show; keys: (n + d, width)
        copy vectors of pictures and drawings by the averaged network, or none, (0, width); features: (n, 1280)
        float, the teacher's of the pictures; labels: vocabulary -> (n,) class numbers, -1 for none.
        """
        part, n = self.part, len(features)
        centered = features - self.mean
        pooled = self.project(outputs.pooled[:n]).float()
        terms = {
            "features": part.features * _apart(pooled, centered / self.deviation),
            "answers": part.answers * self._answers(outputs.logits[:n], features),
            "meaning": part.meaning * _apart(outputs.meaning[:n], centered @ self.components),
            "labels": part.labels * self._labels(outputs.meaning[:n], labels),
        }
        if len(copied):
            originals = len(outputs.copy) - len(copied)
            terms["contrast"] = part.contrast * self._contrast(outputs.copy, copied)
            terms["spread"] = part.spread * _spread(outputs.copy[:originals], self.memory)
            if len(keys):
                terms["recall"] = part.recall * self._recall(outputs.copy[originals:], copied, keys)
        return terms

    def _answers(self, logits: Tensor, features: Tensor) -> Tensor:
        # temperature squared keeps the gradient's size, as in Hinton et al.
        heat = self.part.temperature
        wanted = functional.softmax((features @ self.answer_weights + self.answer_bias) / heat, dim=1)
        given = functional.log_softmax(logits / heat, dim=1)
        return heat**2 * functional.kl_div(given, wanted, reduction="batchmean")

    def _labels(self, meaning: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        total = meaning.sum() * 0
        for name, numbers in labels.items():
            known = numbers >= 0
            if known.any():
                scores = self.part.label_scale * meaning[known] @ unit(self.classes[name]).T
                total = total + functional.cross_entropy(scores, numbers[known], reduction="sum")
        return total / len(meaning)

    def _contrast(self, copy: Tensor, copied: Tensor) -> Tensor:
        # a copy looks for its original among all others, and the original for its copy
        scores = copy @ copy.T / self.part.contrast_temperature
        scores = scores.masked_fill(torch.eye(len(copy), dtype=torch.bool, device=copy.device), -1e4)
        places = torch.arange(len(copied), device=copy.device) + len(copy) - len(copied)
        rows, wanted = torch.cat([copied, places]), torch.cat([places, copied])
        return functional.cross_entropy(scores[rows], wanted)

    def _recall(self, copies: Tensor, copied: Tensor, keys: Tensor) -> Tensor:
        # MoCo (He et al. 2020): thousands of strangers, as a slowly changing network saw them; vectors of the
        # network itself, a few steps old, drew the copy vector together instead
        known = torch.cat([keys, self.memory])
        self.memory = known[: len(self.memory)]
        return functional.cross_entropy(copies @ known.T / self.part.contrast_temperature, copied)


def _apart(given: Tensor, wanted: Tensor) -> Tensor:
    return 1 - functional.cosine_similarity(given, wanted, dim=1).mean()


def _spread(rows: Tensor, memory: Tensor) -> Tensor:
    inside = rows @ rows.T - 2 * torch.eye(len(rows), device=rows.device)
    nearest = torch.cat([inside, rows @ memory.T], dim=1).amax(1)
    # sets share some pictures: those can't be driven apart
    return -(2 - 2 * nearest).clamp_min(0.02).log().mean() / 2
