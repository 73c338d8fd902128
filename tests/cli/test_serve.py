"""`lookalike serve` as a process: its first start, signals, a kill in the middle of a job."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

import lookalike

WAIT = 120

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def serving(folder, **environment):
    """A served process: its client, which has the key it printed; what it prints is read meanwhile."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {f"LOOKALIKE_{name.upper()}": value for name, value in environment.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "lookalike", "serve", "--port", str(port), "--workspace", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables},
    )
    said = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout), daemon=True)
    reader.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT) as client:
            wait_until(lambda: answers(client) or process.poll() is not None)
            assert process.poll() is None, "".join(said)
            found = re.search(r"Key +(la_\S+)", "".join(said))
            if found:
                client.headers["Authorization"] = f"Bearer {found[1]}"
            yield process, client, said
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT)
        reader.join(WAIT)
        process.stdout.close()


def answers(client):
    with contextlib.suppress(httpx.TransportError):
        return client.get("/healthz").status_code == 200
    return False


def wait_until(condition):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_the_first_start_prints_a_key_and_the_next_one_the_same(tmp_path):
    keys = []
    for _ in range(2):
        with serving(tmp_path / "space") as (process, client, said):
            assert client.get("/v1/collections").json() == []
            assert httpx.get(f"{client.base_url}/v1/collections").status_code == 401
            keys.append(client.headers["Authorization"])
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0, "".join(said)
    assert keys[0] == keys[1]


def test_it_listens_on_this_machine_only(tmp_path):
    with serving(tmp_path / "space") as (process, client, _):
        table = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()
        listening = {line.split()[1] for line in table if " 0A " in line}
        port = f"{client.base_url.port:04X}"
        assert [address for address in listening if address.endswith(port)] == [f"0100007F:{port}"]


def test_what_was_accepted_is_finished_and_readyz_says_no(tmp_path):
    with serving(tmp_path / "space", drain_seconds="3", log_format="json") as (process, client, said):
        client.post("/v1/collections", json={"name": "c", "kind": "custom", "entities": {"shape": 3}})
        answered = []

        def slowly():
            for number in range(40):
                time.sleep(0.05)
                yield json.dumps({"_id": str(number), "_vector": [1, 2, number]}).encode() + b"\n"

        def send():
            with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=WAIT) as other:
                answered.append(other.post("/v1/collections/c/import?format=jsonl", content=slowly()).status_code)

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        assert client.get("/v1/collections/c").status_code == 200
        sender.join(WAIT)
        assert answered == [202]
        assert process.wait(WAIT) == 0
    logged = [json.loads(line) for line in said if line.startswith("{")]
    assert {entry["status"] for entry in logged if entry["event"] == "request"} >= {200, 202, 503}
    with lookalike.open(tmp_path / "space") as space:
        assert [job.kind for job in space.catalog.jobs.page()] == ["import"]


def test_an_import_goes_on_after_its_process_was_killed(tmp_path, draw):
    """Killed with SIGKILL in the middle, twice; the third process finishes, and nothing is missing or twice."""
    import base64
    import io

    from PIL import Image

    lines = []
    for number in range(3000):
        picture = io.BytesIO()
        Image.fromarray(draw(number, 48, 48)).save(picture, "PNG")
        lines.append(json.dumps({"_id": str(number), "_base64": base64.b64encode(picture.getvalue()).decode()}))
    lines.insert(1500, "{broken")
    folder = tmp_path / "space"

    def count(client):
        return client.get("/v1/collections/c").json()["count"]

    def kill_after(client, process, more):
        begun = count(client)
        wait_until(lambda: count(client) >= begun + more)
        process.send_signal(signal.SIGKILL)

    with serving(folder) as (process, client, _):
        client.post("/v1/collections", json={"name": "c"})
        answer = client.post("/v1/collections/c/import?format=jsonl", content="\n".join(lines).encode())
        address = answer.headers["Location"]
        kill_after(client, process, 300)
    with serving(folder) as (process, client, _):
        assert count(client) < 3000, "it was done before it was killed: the test shows nothing"
        kill_after(client, process, 300)
    with serving(folder) as (_, client, _):
        assert count(client) < 3000
        wait_until(lambda: client.get(address).json()["state"] not in ("queued", "running"))
        over, errors = client.get(address).json(), client.get(f"{address}/errors").json()["errors"]
        assert count(client) == 3000
    assert (over["state"], over["done"], over["failed"]) == ("done", 3001, 1)
    assert [error["_id"] for error in errors] == ["line 1501"]


def test_a_feed_is_run_by_the_service_that_holds_the_workspace(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        space.create("c", kind="custom", entities={"shape": 3})
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps({"_id": "a", "_vector": [1, 2, 3]}))
    command = [sys.executable, "-m", "lookalike", "sync"]
    where = ["--workspace", str(tmp_path / "space")]
    with serving(tmp_path / "space") as (_, client, _):
        made = subprocess.run([*command, "add", "c", str(feed), *where], capture_output=True, text=True, check=True)
        ran = subprocess.run([*command, "run", made.stdout.split()[0], *where], capture_output=True, text=True)
        assert (ran.returncode, json.loads(ran.stdout)["added"]) == (0, 1), ran.stderr
        assert client.get("/v1/collections/c").json()["count"] == 1
