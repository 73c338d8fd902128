"""Describers: fixed-size, indexable descriptions of pictures."""

from lookalike.describers.descriptions import Description, Descriptions, describe, describe_each

__all__ = ["Description", "Descriptions", "describe", "describe_each"]
