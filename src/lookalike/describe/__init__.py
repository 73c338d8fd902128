"""Describers: fixed-size, indexable descriptions of pictures."""
