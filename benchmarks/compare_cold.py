"""`lookalike compare A B` from a cold shell: CPU seconds of the whole process, beside Python and its imports alone.

python benchmarks/compare_cold.py [--runs 7]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2


def cpu_seconds(command: list[str]) -> float:
    """Run a command and return its user and system seconds."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def main() -> None:
    """Print the median, least and greatest of several runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    from skimage import data

    with tempfile.TemporaryDirectory() as folder:
        a, b = Path(folder, "a.jpg"), Path(folder, "b.jpg")
        photo = cv2.cvtColor(cv2.resize(data.astronaut(), (500, 375)), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(a), photo)
        cv2.imwrite(str(b), photo[20:, 30:], [cv2.IMWRITE_JPEG_QUALITY, 60])
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import lookalike": [sys.executable, "-c", "import lookalike"],
            "imports of a comparison": [sys.executable, "-c", "import cv2, onnxruntime, pdqhash"],
            "lookalike compare A B": [sys.executable, "-m", "lookalike", "compare", str(a), str(b)],
        }
        for name, command in commands.items():
            cpu_seconds(command)
            times = [cpu_seconds(command) for _ in range(runs)]
            print(
                f"{name:26} {statistics.median(times):6.3f} s CPU  (least {min(times):.3f}, greatest {max(times):.3f})"
            )


if __name__ == "__main__":
    main()
