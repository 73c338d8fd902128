"""The real service on a loopback socket, over a workspace of the test's own."""

import socket
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from lookalike.api.app import Access, create_app
from lookalike.catalog import Grant

KEY = "la_test_key"


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


@pytest.fixture
def app(space):
    return create_app(space, Access(KEY))


@pytest.fixture
def service(app):
    """Return service(secret=KEY): a client of the whole application without a socket; None sends no key."""

    def client(secret=KEY):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return TestClient(app, "http://localhost", headers=headers, raise_server_exceptions=False)

    return client


@pytest.fixture
def key(space):
    """Return key(scope, **grant) -> the secret of a new key."""
    return lambda scope="read", **grant: space.catalog.keys.create(scope, Grant(scope, **grant))[1]


@pytest.fixture
def shapes(space):
    """Return shapes(name="c"): a collection of vectors of three numbers, which needs no model."""
    return lambda name="c": space.create(name, kind="custom", entities={"shape": 3})


@pytest.fixture
def records():
    """Return records(*ids): records for `shapes`, as they are sent."""
    return lambda *ids: {"records": [{"_id": id_, "_vector": [1, number, 2]} for number, id_ in enumerate(ids)]}


@pytest.fixture
def problem():
    """Return problem(response, status, code): checks that it is such a problem document, and returns it."""

    def check(response, status, code):
        assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
            response.text
        )
        assert response.json()["code"] == code
        return response.json()

    return check
