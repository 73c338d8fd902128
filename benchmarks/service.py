"""The service under load, over a real socket: searches by id and by vector with writes among them, and compare.

    python benchmarks/service.py                          # 100,000 records, 20 s a load
    python benchmarks/service.py --records 5000 --seconds 3
    python benchmarks/service.py --requests 100000        # and whether memory stays flat over so many

The service runs in a process of its own. The load is made by an asyncio generator that this file carries, because the
requests differ from each other (wrk and oha repeat one); on few cores it takes its share of them, so that figures are
lower bounds. With `oha` or `wrk` at hand, a line of it for one search shows how much.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

import lookalike

KEY = "la_benchmark_0123456789"
WIDTH = 256

Request = tuple[str, str, bytes]
"""Method, path, body."""


def fill(folder: Path, records: int) -> None:
    """Make a collection of random unit vectors, as wide as the bundled model's."""
    random_ = np.random.default_rng(0)
    with lookalike.open(folder) as space:
        bench = space.create("bench", kind="custom", entities={"shape": WIDTH}, index=["shelf"])
        bench.add(
            {"_id": str(i), "_vector": random_.standard_normal(WIDTH, np.float32), "shelf": i % 100}
            for i in range(records)
        )
        bench.optimize()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield port and process id of a service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "lookalike", "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "LOOKALIKE_KEY": KEY}
    with subprocess.Popen(
        [*command, "--workspace", str(folder)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        for _ in range(600):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        try:
            yield port, process.pid
        finally:
            process.terminate()


def mixed(records: int) -> Callable[[], Request]:
    """Nine searches to one write; half of the searches by id, half by vector."""
    chance = random.Random(1)
    random_ = np.random.default_rng(1)

    def make() -> Request:
        kind = chance.random()
        if kind < 0.1:
            vector = random_.standard_normal(WIDTH).round(4).tolist()
            record = {"_id": str(chance.randrange(records)), "_vector": vector, "shelf": 1}
            return "POST", "/v1/collections/bench/records", json.dumps({"records": [record]}).encode()
        if kind < 0.55:
            body: dict[str, object] = {"id": str(chance.randrange(records))}
        else:
            body = {"vector": random_.standard_normal(WIDTH).round(4).tolist()}
        return "POST", "/v1/collections/bench/search", json.dumps(body).encode()

    return make


def comparing() -> Callable[[], Request]:
    """Two 256 x 256 JPEGs in base64, of twenty different ones."""
    texts = [base64.b64encode(picture(seed)).decode() for seed in range(20)]
    chance = random.Random(2)

    def make() -> Request:
        a, b = chance.sample(texts, 2)
        return "POST", "/v1/compare", json.dumps({"a": a, "b": b}).encode()

    return make


def picture(seed: int) -> bytes:
    """A smooth random scene with the detail of a photograph."""
    random_ = np.random.default_rng(seed)
    coarse = Image.fromarray(random_.integers(0, 256, (24, 24, 3), dtype=np.uint8)).resize((256, 256), Image.BICUBIC)
    buffer = io.BytesIO()
    coarse.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


async def load(port: int, make: Callable[[], Request], callers: int, until: Callable[[int], bool]) -> list[float]:
    """Let callers ask one after another; return seconds of each answer. Any answer but 200 ends the benchmark."""
    taken: list[float] = []

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not until(len(taken)):
            method, path, body = make()
            start = time.perf_counter()
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            status = answer.split(b" ", 2)[1]
            size = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            content = await reader.readexactly(size)
            taken.append(time.perf_counter() - start)
            if status != b"200":
                raise SystemExit(f"{path}: {status.decode()} {content[:300].decode()}")
        writer.close()

    await asyncio.gather(*(caller() for _ in range(callers)))
    return taken


def measured(name: str, port: int, make: Callable[[], Request], callers: int, seconds: float) -> str:
    """Return a row of the table."""
    asyncio.run(load(port, make, callers, lambda done: done >= 20 * callers))  # warm
    start = time.perf_counter()
    taken = asyncio.run(load(port, make, callers, lambda _: time.perf_counter() - start > seconds))
    rate = len(taken) / (time.perf_counter() - start)
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return f"| {name} | {callers} | {rate:,.0f} | {p50:.1f} | {p99:.1f} |"


def tool_line(port: int, seconds: float) -> str:
    """One search, repeated by a load tool if one is installed."""
    if shutil.which("oha") is None:
        return "oha is not installed; the figures are of this file's own generator."
    body = json.dumps({"id": "7"})
    command = ["oha", "-z", f"{seconds:g}s", "-c", "8", "-m", "POST", "-d", body, "-T", "application/json", "--no-tui"]
    command += ["-H", f"Authorization: Bearer {KEY}", f"http://localhost:{port}/v1/collections/bench/search"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def resident(pid: int) -> float:
    """MiB of a process."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--requests", type=int, default=0, help="searches and writes to watch memory over")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "space", chosen.records)
        with serving(Path(folder) / "space") as (port, pid):
            busy = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
            print(f"{chosen.records:,} records of {WIDTH} numbers; {busy}\n")
            print("| load | callers | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|")
            for callers in (1, 8):
                print(measured("searches and writes, 9:1", port, mixed(chosen.records), callers, chosen.seconds))
            for callers in (1, 4):
                print(measured("compare, 2 x 256x256 base64", port, comparing(), callers, chosen.seconds))
            print(f"\n{tool_line(port, chosen.seconds)}\n")
            part = chosen.requests // 10
            for done in range(0, chosen.requests, part or 1):
                print(f"{resident(pid):,.0f} MiB after {done:,} requests")
                asyncio.run(load(port, mixed(chosen.records), 8, lambda count: count >= part))


if __name__ == "__main__":
    main()
