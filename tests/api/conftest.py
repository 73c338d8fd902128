"""The real service on a loopback socket, over a workspace of the test's own."""

import socket
import threading
import time

import httpx
import pytest
import uvicorn

import lookalike
from lookalike.api.app import Access, create_app

KEY = "la_test_key"


@pytest.fixture
def space(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        yield space


@pytest.fixture
def address(space):
    """The address of a running service; it stops when the test ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = create_app(space, Access(KEY))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.fixture
def client(address):
    """An HTTP client that has the key."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
        yield client


@pytest.fixture
def stranger(address):
    """An HTTP client without a key."""
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client
