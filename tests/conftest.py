"""Fixtures shared by every room's tests."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures and labels; tests that need it skip without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real pictures of shared/data, which are not beside this checkout")
    return SHARED_DATA
