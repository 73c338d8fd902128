"""The real command line, as its users run it: in a process of its own."""

import json
import os
import subprocess
import sys

import pytest


class Result:
    """What a command printed, and its exit code."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(tmp_path):
    """Return run(*arguments) -> Result, with a workspace of the test's own."""
    environment = {**os.environ, "LOOKALIKE_WORKSPACE": str(tmp_path / "space"), "NO_COLOR": "1"}

    def run_command(*arguments, env=None):
        command = [sys.executable, "-m", "lookalike", *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env={**environment, **(env or {})}, cwd=tmp_path
        )
        return Result(done)

    return run_command
