"""Describers: fixed-size, indexable descriptions of pictures. Who needs one of them loads nothing of the others."""
