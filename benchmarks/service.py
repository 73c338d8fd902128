"""The service under load, over a real socket: searches and writes, compare, overload, and what shutting down loses.

    python benchmarks/service.py                          # 100,000 records, 20 s a load
    python benchmarks/service.py --records 5000 --seconds 3 --only mixed overload
    python benchmarks/service.py --only memory --requests 100000

The service runs in a process of its own, whose CPU time a request is told beside the clock: on a machine with other
work that says more. The load is made by `wrk` (Debian: apt-get install wrk), which takes different requests from a
script, and by an asyncio generator that this file carries; on few cores both take their share, so that figures are
lower bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

import lookalike
from lookalike.gallery import make_gallery

KEY = "la_benchmark_0123456789"
WIDTH = 256
PARTS = ("mixed", "compare", "parallel", "overload", "memory", "shutdown")

Request = tuple[str, str, bytes]
"""Method, path, body."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs."""

    port: int
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Seconds of CPU time until now, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self, kind: str = "RssAnon") -> float:
        """MiB of memory. kind: RssAnon, its own; RssFile, files that are mapped, of which the store is one."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(kind))


@dataclass(frozen=True, slots=True)
class Answer:
    """seconds: from the first byte sent to the last received. again: what Retry-After says, "" if nothing."""

    status: int
    seconds: float
    again: str = ""


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
def serving(folder: Path) -> Iterator[Service]:
    """Yield a service, which ends afterwards."""
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
            yield Service(port, process)
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


@cache
def comparing() -> Callable[[], Request]:
    """Two 256 x 256 JPEGs in base64, of twenty pictures of the sample gallery: photographs, and edits of them."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(record["_file"]) for record in make_gallery(Path(folder))]
        texts = [base64.b64encode(_small(file)).decode() for file in files[:: len(files) // 20][:20]]
    bodies = [json.dumps({"a": a, "b": b}).encode() for a, b in itertools.permutations(texts, 2)]
    chance = random.Random(2)
    return lambda: ("POST", "/v1/compare", chance.choice(bodies))


def _small(file: Path) -> bytes:
    buffer = io.BytesIO()
    with Image.open(file) as picture:
        picture.convert("RGB").resize((256, 256), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


async def load(port: int, make: Callable[[], Request], callers: int, until: Callable[[int], bool]) -> list[Answer]:
    """Let callers ask one after another, each on a connection of its own, until so many answers are enough."""
    answers: list[Answer] = []

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not until(len(answers)):
            answers.append(await _asked(reader, writer, make()))
            if answers[-1].status == 503:
                await asyncio.sleep(0.1)  # told to come back, and sooner than told
        writer.close()

    await asyncio.gather(*(caller() for _ in range(callers)))
    return answers


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> Answer:
    method, path, body = request
    start = time.perf_counter()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines[1:])}
    await reader.readexactly(int(headers["content-length"]))
    return Answer(int(lines[0].split(" ", 2)[1]), time.perf_counter() - start, headers.get("retry-after", ""))


async def paced(port: int, make: Callable[[], Request], rate: float, seconds: float) -> list[Answer]:
    """Ask so many times a second, whether the earlier ones are answered or not; late answers count in full."""
    answers: list[Answer] = []
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(due: float) -> None:
        connection = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        answer = await _asked(*connection, make())
        answers.append(Answer(answer.status, time.perf_counter() - due))
        free.append(connection)

    start, asked = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.create_task(one(due)))
    await asyncio.gather(*asked)
    for _, writer in free:
        writer.close()
    return answers


def measured(name: str, service: Service, callers: str, ask: Callable[[], list[Answer]]) -> str:
    """Return a row of the table. Any answer but 200 and 503, which are counted, ends the benchmark."""
    start, used = time.perf_counter(), service.cpu()
    answers = ask()
    seconds = time.perf_counter() - start
    ended = Counter(answer.status for answer in answers)
    if ended.keys() - {200, 503}:
        raise SystemExit(f"{name}: answers {dict(ended)}")
    name += f", {ended[503]:,} of {len(answers):,} told to come back" if ended[503] else ""
    p50, p99 = np.percentile([answer.seconds for answer in answers], [50, 99]) * 1000
    cpu = (service.cpu() - used) / len(answers) * 1000
    return f"| {name} | {callers} | {len(answers) / seconds:,.0f} | {p50:.1f} | {p99:.1f} | {cpu:.2f} | {_busy()} |"


def closed(name: str, service: Service, make: Callable[[], Request], callers: int, seconds: float) -> str:
    """Return the row of callers who ask again once they have their answer."""
    asyncio.run(load(service.port, make, callers, lambda done: done >= 20 * callers))  # warm
    end = time.perf_counter() + seconds
    ask = lambda: asyncio.run(load(service.port, make, callers, lambda _: time.perf_counter() > end))  # noqa: E731
    return measured(name, service, str(callers), ask)


def by_wrk(service: Service, records: int, callers: int, seconds: float) -> str:
    """Return what wrk says of the mixed load: its requests are made here, and taken in turn by its script."""
    if shutil.which("wrk") is None:
        return "wrk is not installed."
    make = mixed(records)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "mixed.lua"
        asked = (make() for _ in range(2000))
        bodies = ",\n".join(f"{{{json.dumps(path)}, [==[{body.decode()}]==]}}" for _, path, body in asked)
        script.write_text(
            f"local asked = {{{bodies}}}\nlocal at = 0\n"
            f'local headers = {{["Authorization"] = "Bearer {KEY}", ["Content-Type"] = "application/json"}}\n'
            "request = function()\n  at = at % #asked + 1\n"
            '  return wrk.format("POST", asked[at][1], headers, asked[at][2])\nend\n'
        )
        command = ["wrk", "-t1", f"-c{callers}", f"-d{seconds:.0f}s", "--latency", "-s", str(script)]
        used = service.cpu()
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{service.port}"], capture_output=True, text=True, check=True
        )
    words = ("50%", "99%", "requests in", "Requests/sec", "Non-2xx", "Socket errors")
    told = [" ".join(line.split()) for line in said.stdout.splitlines() if any(word in line for word in words)]
    count = next(int(line.split()[0]) for line in told if "requests in" in line)
    return f"wrk -c{callers}: {'; '.join(told)}; {(service.cpu() - used) / count * 1000:.2f} ms CPU each; {_busy()}"


def parallel(service: Service) -> str:
    """Fifty compares at once: how many are answered, and when the last."""
    make, start = comparing(), time.perf_counter()
    answers = asyncio.run(load(service.port, make, 50, lambda done: done >= 1))
    seconds = time.perf_counter() - start
    return f"50 compares at once: {dict(Counter(one.status for one in answers))} in {seconds:.2f} s; {_busy()}"


def overload(service: Service, seconds: float) -> list[str]:
    """Three times as many callers as are let in, each asking on and on; whoever looks meanwhile is answered."""
    end, looks, memory = time.perf_counter() + seconds, list[float](), list[float]()

    def look() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
            while time.perf_counter() < end:
                start = time.perf_counter()
                client.get("/healthz").raise_for_status()
                looks.append(time.perf_counter() - start)
                memory.append(service.resident())
                time.sleep(0.05)

    watching = threading.Thread(target=look)
    watching.start()
    answers = asyncio.run(load(service.port, comparing(), 384, lambda _: time.perf_counter() > end))
    watching.join()
    rows = [f"384 callers of compare, {_busy()}:"]
    for status in sorted({one.status for one in answers}):
        mine = [one for one in answers if one.status == status]
        p50, p99 = np.percentile([one.seconds for one in mine], [50, 99]) * 1000
        told = sum(bool(one.again) for one in mine)
        rows.append(f"  {status}: {len(mine):,}, p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, {told:,} with Retry-After")
    p50, p99 = np.percentile(looks, [50, 99]) * 1000
    rows.append(f"  /healthz meanwhile: {len(looks):,} answers, p50 {p50:,.0f} ms, p99 {p99:,.0f} ms")
    tenths = [memory[len(memory) * tenth // 10] for tenth in range(10)]
    rows.append(f"  memory: {', '.join(f'{size:,.0f}' for size in tenths)} MiB")
    start = time.perf_counter()
    asyncio.run(load(service.port, comparing(), 1, lambda done: done >= 1))
    rows.append(f"  the first call afterwards: {(time.perf_counter() - start) * 1000:,.0f} ms")
    return rows


def shutdown(service: Service) -> str:
    """Forty compares open when it is told to end: how many are answered, and how long it takes."""
    make = comparing()

    async def scenario() -> list[Answer | BaseException]:
        connections = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(40)]
        asked = [asyncio.create_task(_asked(*connection, make())) for connection in connections]
        while not any(one.done() for one in asked) and _open(service) < len(asked):
            await asyncio.sleep(0.05)  # what is still on its way was not accepted
        service.process.terminate()
        return await asyncio.gather(*asked, return_exceptions=True)

    start = time.perf_counter()
    ended = Counter(one.status if isinstance(one, Answer) else type(one).__name__ for one in asyncio.run(scenario()))
    code = service.process.wait(120)
    return (
        f"told to end with 40 compares open: {dict(ended)}, gone after {time.perf_counter() - start:.1f} s, exit {code}"
    )


def _open(service: Service) -> int:
    """Return how many requests are being answered, beside the one that asks."""
    url = f"http://127.0.0.1:{service.port}/metrics"
    lines = httpx.get(url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60).text.splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("lookalike_requests_open ")))) - 1


def _memory(service: Service, done: int) -> str:
    own, mapped = service.resident(), service.resident("RssFile")
    return f"{own:,.0f} MiB, and {mapped:,.0f} of mapped files, after {done:,} requests; {_busy()}"


def _busy() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--requests", type=int, default=100_000, help="searches and writes to watch memory over")
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options.add_argument("--space", type=Path, help="a workspace that an earlier run filled, or is to fill and keep")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        space = chosen.space or Path(folder) / "space"
        if not space.exists():
            fill(space, chosen.records)
        comparing()  # makes its pictures now
        print(f"{chosen.records:,} records of {WIDTH} numbers; {os.cpu_count()} cores\n")
        with serving(space) as service:
            for part in (part for part in PARTS if part in chosen.only):
                for line in _part(part, service, chosen):
                    print(line, flush=True)


def _part(part: str, service: Service, chosen: argparse.Namespace) -> Iterator[str]:
    make = mixed(chosen.records)
    if part in ("mixed", "compare"):
        yield "| load | callers | requests/s | p50 ms | p99 ms | CPU ms | machine |\n|---|---|---|---|---|---|---|"
    match part:
        case "mixed":
            for callers in (1, 4, 8):
                yield closed("searches and writes, 9:1", service, make, callers, chosen.seconds)
            ask = lambda: asyncio.run(paced(service.port, make, 200, chosen.seconds))  # noqa: E731
            yield measured("the same, 200 a second", service, "-", ask)
            for callers in (4, 8):
                yield by_wrk(service, chosen.records, callers, chosen.seconds)
        case "compare":
            for callers in (1, 4):
                yield closed("compare, 2 x 256x256 base64", service, comparing(), callers, chosen.seconds)
        case "parallel":
            yield parallel(service)
        case "overload":
            yield from overload(service, chosen.seconds)
        case "shutdown":
            yield shutdown(service)
        case _:
            step = max(chosen.requests // 20, 1)
            for done in range(0, chosen.requests, step):
                yield _memory(service, done)
                asyncio.run(load(service.port, make, 8, lambda count: count >= step))
            yield _memory(service, chosen.requests)


if __name__ == "__main__":
    main()
