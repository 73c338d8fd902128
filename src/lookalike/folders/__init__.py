"""Folders of pictures on disk: listed, read, grouped, and their duplicates found. No picture is ever changed here."""
