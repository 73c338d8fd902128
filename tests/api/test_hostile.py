"""The test corpora of other decoders and fuzzers, sent to a real service: it answers each, and everybody else too."""

import csv
import io
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

KEY = "la_key_of_the_test_0123456789"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of processes from /proc"),
]


@pytest.fixture(scope="module")
def hostile(shared_data):
    """Return (name, bytes) of each file."""
    with tarfile.open(shared_data / "hostile.tar") as archive:
        rows = csv.DictReader(io.StringIO(archive.extractfile("labels.csv").read().decode()))
        return [(row["file"], archive.extractfile(row["file"]).read()) for row in rows]


@pytest.fixture
def served(tmp_path):
    """A service of its own process: its address and its number."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lookalike", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workspace", str(tmp_path / "space")]
    environment = {**os.environ, "LOOKALIKE_KEY": KEY, "LOOKALIKE_DECODE_SECONDS": "60"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}/readyz"):
            assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(60)


def answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def memory(pid):
    """Resident bytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def test_the_whole_hostile_set(served, hostile, draw):
    address, pid = served
    buffer = io.BytesIO()
    Image.fromarray(draw(1)).save(buffer, "PNG")
    good = buffer.getvalue()
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {KEY}"}, timeout=120) as client:
        client.post("/v1/collections", json={"name": "c", "kind": "custom", "entities": {"shape": 3}})
        records = [{"_id": str(i), "_vector": [1, i, 2]} for i in range(100)]
        client.post("/v1/collections/c/records", json={"records": records})
        others, over = [], threading.Event()

        def go_on():
            while not over.is_set():
                others.append(client.post("/v1/collections/c/search", json={"id": "7", "k": 3}).status_code)
                time.sleep(0.02)

        neighbor = threading.Thread(target=go_on)
        level, wrong = 0, []
        neighbor.start()
        try:
            for place, (name, data) in enumerate([(f"warm-{i}", good) for i in range(30)] + hostile):
                if place == 30:
                    level = memory(pid)
                answer = client.post("/v1/describe/files", files={"files": (name, data)}, data={"labels": "0"})
                entry = answer.json()["pictures"][0] if answer.status_code == 200 else {}
                if answer.status_code != 200 or not (entry["sha256"] or (entry["error"] and entry["code"])):
                    wrong.append((name, answer.status_code, answer.text[:200]))
                if place % 20 == 0:
                    answer = client.post("/v1/compare/files", files={"a": (name, data), "b": ("b", good)})
                    if answer.status_code not in (200, 413, 422) or not answer.json().get("detail", "same"):
                        wrong.append((name, answer.status_code, answer.text[:200]))
        finally:
            over.set()
            neighbor.join()
        assert wrong == []
        assert set(others) == {200}
        assert len(others) > 100
        assert client.post("/v1/describe/files", files={"files": ("good", good)}).json()["pictures"][0]["sha256"]
        assert memory(pid) < level + 150 * 2**20
