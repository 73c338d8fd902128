"""Writers that are killed, and what must be left of their work. For tests of anything that keeps rows.

A writer is a Python program. It says "ready" when it begins, and one line of JSON about each step: before it,
`{"begin": what}`, and after it, `{"done": what}`. It may be killed anywhere. What is done must be there; what had
begun may be there or not, row by row.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Expected", "killed", "left_behind"]


def killed(program: str, *arguments: object, after: float, may_end: bool = False) -> list[dict[str, Any]]:
    """Run a writer, kill it `after` seconds from when it was ready, and return the lines it wrote whole.

    Raises AssertionError, with what it said, if it ended by itself and `may_end` does not allow that.
    """
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:  # a pipe would stop it when full
        writer = subprocess.Popen(command, stdout=said, stderr=complaint)
        while writer.poll() is None and os.fstat(said.fileno()).st_size == 0:
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(after)
        writer.kill()
        writer.wait()
        said.seek(0)
        complaint.seek(0)
        ready, *lines = said.read().decode().splitlines(keepends=True) or [""]
        assert ready == "ready\n", complaint.read().decode()
        assert may_end or writer.returncode == -signal.SIGKILL, complaint.read().decode()
    return [json.loads(line) for line in lines if line.endswith("\n")]


def left_behind(group: int, patience: float = 20.0) -> bool:
    """Whether a process group still has members after some patience."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Expected:
    """Rows as the writers' lines tell of them.

    rows: id -> what must be there. open: id -> what may be there instead, None for no row.
    """

    rows: dict[str, Any] = field(default_factory=dict)
    open: dict[str, Any] = field(default_factory=dict)

    def follow(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Read a writer's lines. what: id -> the new row, None for one deleted."""
        for line in lines:
            if "begin" in line:
                self.open = dict(line["begin"])
            else:
                self._settle(line["done"])
                self.open = {}

    def check(self, there: Mapping[str, Any]) -> None:
        """Compare with what is there, and take for certain what was open. Raises AssertionError."""
        found: dict[str, Any] = {}
        for row_id, new in self.open.items():
            now = there.get(row_id)
            assert now in (new, self.rows.get(row_id)), f"{row_id} is {now}"
            found[row_id] = now
        self._settle(found)
        self.open = {}
        assert there == self.rows, f"differ: {sorted(set(there.items()) ^ set(self.rows.items()))[:4]}"

    def _settle(self, changes: Mapping[str, Any]) -> None:
        for row_id, new in changes.items():
            if new is None:
                self.rows.pop(row_id, None)
            else:
                self.rows[row_id] = new
