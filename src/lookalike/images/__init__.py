"""The one safe way in: whatever a picture comes as, to upright RGB."""
