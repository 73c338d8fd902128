"""Duplicates on disk cleaned up: a plan of what stays and what goes, carried out under a journal, and taken back."""
