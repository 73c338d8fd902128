"""Describers: fixed-size, indexable descriptions of pictures."""

from lookalike.describe.descriptions import Description, Descriptions, describe, describe_each

__all__ = ["Description", "Descriptions", "describe", "describe_each"]
