"""Fixtures of cleaning."""

import pytest


@pytest.fixture(autouse=True)
def _nobody_elses_ledger(tmp_path_factory, monkeypatch):
    """Tests neither read nor fill the ledger of whoever runs them."""
    monkeypatch.setenv("LOOKALIKE_LEDGER", str(tmp_path_factory.mktemp("ledger") / "files.sqlite"))
