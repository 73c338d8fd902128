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


WORLDS = ["trash", "quarantine", "other volume", "no rename at once", "hardlink", "reflink"]


def run(how, world, stride):
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a thousand small trees, none of them worth a disk
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        command = [sys.executable, str(DRIVER), how, world, f"{folder}/world", str(stride)]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("world", ["trash", "other volume", "hardlink"])
def test_killed_here_and_there_nothing_is_lost(world):
    deaths = run("once", world, stride=7)
    assert deaths["apply"] > 25
    assert deaths["undo"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_killed_anywhere_nothing_is_lost(world):
    deaths = run("once", world, stride=1)
    assert deaths["apply"] > 25
    assert deaths["undo"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_killed_while_applying_and_again_while_undoing(world):
    assert run("twice", world, stride=7)["both"] > 10
