"""What --gear full learns by: a normalized softmax over classes, batch-hard triplets, or supervised contrast."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.network import unit

__all__ = ["Classes", "contrastive", "hardest", "triplet"]

_SCALE = 16.0
_TEMPERATURE = 0.1


class Classes(nn.Module):
    """A normalized softmax: every class has a direction (Zhai and Wu 2019, "Classification is a strong baseline")."""

    def __init__(self, means: Tensor) -> None:
        """means: (classes, width), where the directions begin."""
        super().__init__()
        self.directions = nn.Parameter(means.clone())

    def forward(self, rows: Tensor, classes: Tensor) -> Tensor:
        """Return the cross-entropy. rows: (n, width) of unit length; classes: (n,) numbers."""
        return functional.cross_entropy(_SCALE * rows @ unit(self.directions).T, classes)


def hardest(rows: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return, of each row that has another of its class, the farthest of the same and the nearest of another class.

    Three times (m,) places: of the row, of its hardest positive and of its hardest negative.
    """
    scores = rows @ rows.T
    same = classes[:, None] == classes[None]
    own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    positive = scores.masked_fill(~same | own, torch.inf).min(1).indices
    negative = scores.masked_fill(same, -torch.inf).max(1).indices
    able = torch.nonzero((same & ~own).any(1) & (~same).any(1)).flatten()
    return able, positive[able], negative[able]


def triplet(rows: Tensor, classes: Tensor) -> Tensor:
    """Return the batch-hard triplet loss with a soft margin (Hermans, Beyer and Leibe 2017)."""
    places, positives, negatives = hardest(rows.detach(), classes)
    near = (rows[places] - rows[positives]).norm(dim=1)
    far = (rows[places] - rows[negatives]).norm(dim=1)
    return functional.softplus(5 * (near - far)).mean()


def contrastive(rows: Tensor, classes: Tensor) -> Tensor:
    """Return the supervised contrastive loss (Khosla et al. 2020), an InfoNCE of many positives."""
    own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    scores = (rows @ rows.T / _TEMPERATURE).masked_fill(own, -1e4)
    same = (classes[:, None] == classes[None]) & ~own
    able = same.any(1)
    likely = scores - torch.logsumexp(scores, dim=1, keepdim=True)
    return -((likely * same).sum(1)[able] / same.sum(1)[able]).mean()
