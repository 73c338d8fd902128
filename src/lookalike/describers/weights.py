"""Weights files: found and checked against the digest that the model's card states."""

from __future__ import annotations

import hashlib

from lookalike.describers.cards import ModelCard
from lookalike.errors import WeightsCorrupt

__all__ = ["read_weights"]


def read_weights(card: ModelCard) -> bytes:
    """Return the bytes of the model's ONNX file. Raises WeightsCorrupt if it is missing or altered."""
    try:
        data = card.weights.read_bytes()
    except OSError as error:
        raise WeightsCorrupt(card.name, str(card.weights), error.strerror or str(error)) from None
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise WeightsCorrupt(card.name, str(card.weights), "its SHA-256 is not the one on the card")
    return data
