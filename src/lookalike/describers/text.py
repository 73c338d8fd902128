"""Words to tokens, for models with a text tower. The only file that imports tokenizers (extra `models`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.modelcard import ModelCard, TextTower
from lookalike.describers.weights import read_weights
from lookalike.errors import MissingExtra, ModelUnusable

__all__ = ["Tokens"]


class Tokens:
    """A model's tokenizer. Safe to call from several threads."""

    def __init__(self, card: ModelCard, tower: TextTower) -> None:
        """Read the model's tokenizer.json. Raises MissingExtra, WeightsCorrupt, ModelUnusable."""
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtra("Text search with this model", "models") from None
        self._tower = tower
        try:
            self._tokenizer: Any = Tokenizer.from_buffer(read_weights(card, "tokenizer"))
        except ValueError as error:
            raise ModelUnusable(card.name, f"its tokenizer.json can't be read ({error})") from None
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(tower.length)

    def encode(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return token numbers and their mask, each (1, length): 1 where there is a token, 0 where it was filled up."""
        tokens = self._tokenizer.encode(text.lower() if self._tower.lowercase else text).ids
        filled = self._tower.length - len(tokens)
        ids = np.array([tokens + [self._tower.pad] * filled], np.int64)
        return ids, np.array([[1] * len(tokens) + [0] * filled], np.int64)
