"""Large blocks that were freed are given back, also after many of them came and went."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np, threading
from lookalike.allocation import give_back_large

def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmRSS"))

kept = []

def decode():
    for round in range(6):
        large = [np.ones(size << 20, np.uint8) for size in (8, 20, 12)]
        kept.append(np.ones(100_000, np.uint8))  # above the large ones: what lies below can't be trimmed
        del large

if {give}:
    give_back_large()
before = resident()
threads = [threading.Thread(target=decode) for _ in range(8)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(resident() - before)
"""


def kept(give):
    command = [sys.executable, "-c", SCRIPT.replace("{give}", str(give))]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc, whose switches these are")
def test_what_many_threads_decoded_is_given_back():
    assert kept(give=True) < 30 < kept(give=False)
