"""Building a shard's index in a process of its own, on a copy, while the shard itself serves and changes.

Run as `python -m lookalike.stores.building ORDER` it is that process: the engine holds Python's lock while it
optimizes, and takes gigabytes for it, both of which a service can't spare.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Final

from lookalike.errors import StoreFailed
from lookalike.stores.copies import COPIES
from lookalike.stores.engine import Tuning, engine_errors, load_shard

__all__ = ["copy_shard", "optimize_elsewhere", "thin"]

_NEVER_CHANGED: Final = {
    "matrix.dat",
    "quantized.data",
    "links_compressed.bin",
    "point_to_values.bin",
    "values_to_points.bin",
}
"""The large files of an optimized segment: the engine writes them once, so that copies may share them."""

_PIECE: Final = 1 << 20

_HEADER: Final = 4
_NOTHING: Final = struct.pack("<f", 1.0) * 4096


def copy_shard(source: Path, target: Path) -> None:
    """Copy a flushed shard that nobody writes to; what never changes is shared, holes stay holes. Raises OSError."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            _copy_file(path, copy)


def thin(path: Path) -> None:
    """Make holes of what the engine wrote for vectors that are not there, in a shard nobody has open. Raises OSError.

    For each row that lacks a vector it writes 1.0 as often as the vector is long, and marks it in another file. A row's
    own vector has length 1 and is never that. Hardly a row has a copy's vector (see `copies`), so that most of its
    file goes.
    """
    aside = path.with_suffix(".thin")
    with path.open("rb") as old, aside.open("wb") as new:
        new.write(old.read(_HEADER))
        while piece := old.read(len(_NOTHING)):
            if _NOTHING.startswith(piece):
                new.seek(len(piece), os.SEEK_CUR)
            else:
                new.write(piece)
        new.truncate(old.tell())
        new.flush()
        os.fsync(new.fileno())
    aside.replace(path)


def optimize_elsewhere(shard: Path, dims: Mapping[str, int], tuning: Tuning, stop: Event) -> bool:
    """Optimize a shard that no one has open, in another process; return whether anything changed.

    Kills that process and returns False once `stop` is set. Raises StoreFailed if it fails or can't be started.
    """
    order = {"shard": str(shard), "dims": dict(dims), "tuning": asdict(tuning), "parent": os.getpid()}
    command = [sys.executable, "-m", "lookalike.stores.building", json.dumps(order)]
    try:
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as problem:
        raise StoreFailed("optimize", f"the process for it could not be started ({problem})") from problem
    with worker:
        while True:
            try:
                told, complaint = worker.communicate(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    worker.kill()
        if stop.is_set():
            return False
        if worker.returncode != 0:
            last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise StoreFailed("optimize", f"its process ended with {worker.returncode} {last}".rstrip())
        return told.strip() == b"changed"


def main() -> None:
    """Do what the order says and tell whether anything changed."""
    order = json.loads(sys.argv[1])
    _end_with(order["parent"])
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # whoever waits for an answer goes first
    shard = load_shard(Path(order["shard"]), (order["dims"], Tuning(**order["tuning"])))
    with engine_errors("optimize"):
        changed = shard.optimize()
        shard.flush()
        shard.close()
    for name, dim in order["dims"].items():
        for path in Path(order["shard"]).rglob(f"*-{name}{COPIES}/matrix.dat"):
            if dim > 1 and path.stat().st_nlink == 1:  # not one that has been here before
                thin(path)
    print("changed" if changed else "unchanged")


def _end_with(parent: int) -> None:
    """Let the system end this process when its parent ends. No thread could: the engine holds Python's lock."""
    if sys.platform == "linux":  # elsewhere the work is done for nothing
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it ended before that
            sys.exit(1)


def _copy_file(source: Path, target: Path) -> None:
    if source.name in _NEVER_CHANGED:
        with contextlib.suppress(OSError):  # a file system without links
            os.link(source, target)
            return
    if not hasattr(os, "SEEK_DATA"):
        shutil.copyfile(source, target)
        return
    with source.open("rb", buffering=0) as old, target.open("wb", buffering=0) as new:
        size, end = os.fstat(old.fileno()).st_size, 0
        while (start := _data_after(old.fileno(), end)) < size:
            end = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            while start < end:
                piece = os.pread(old.fileno(), min(_PIECE, end - start), start)
                start += os.pwrite(new.fileno(), piece, start)
        new.truncate(size)


def _data_after(file: int, offset: int) -> int:
    try:
        return os.lseek(file, offset, os.SEEK_DATA)
    except OSError as problem:
        if problem.errno != errno.ENXIO:  # only a hole is left
            raise
        return sys.maxsize


if __name__ == "__main__":
    main()
