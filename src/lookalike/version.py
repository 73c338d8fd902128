"""The one place that states the version; the changelog's newest heading equals it (a test checks)."""

__version__ = "0.3.0"
