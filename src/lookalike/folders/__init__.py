"""Folders of pictures on disk: walked, grouped, and later cleaned up."""
