"""Killed after every system call of an apply, of an undo, of both: what is undone is what was, to the last bit."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")

DRIVER = Path(__file__).with_name("crashes.py")


def run(world, stride=0):
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a thousand small trees, none of them worth a disk
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        command = [sys.executable, str(DRIVER), world, f"{folder}/world", str(stride)]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("world", ["trash", "other volume", "hardlink"])
def test_killed_anywhere_nothing_is_lost(world):
    deaths = run(world)
    assert deaths["apply"] > 25
    assert deaths["undo"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("world", ["quarantine", "no rename at once", "reflink"])
def test_killed_anywhere_on_other_systems(world):
    assert run(world)["apply"] > 25


@pytest.mark.slow
@pytest.mark.parametrize("world", ["trash", "quarantine", "other volume", "no rename at once", "hardlink", "reflink"])
def test_killed_while_applying_and_again_while_undoing(world):
    assert run(world, stride=7)["both"] > 10
