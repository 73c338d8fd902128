"""The real service on a loopback socket, over a small workspace of drawn pictures."""

import re
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
import uvicorn

import lookalike
from lookalike.api.app import Access, create_app
from lookalike.settings import Settings

KEY = "la_test_key"


@pytest.fixture(scope="session")
def key():
    """The key of every service here."""
    return KEY


@pytest.fixture(scope="session")
def serving():
    """Return serving(space, trusting=False): runs the service, yields its address, and stops it at the end."""
    return _serving


@contextmanager
def _serving(space, *, trusting=False):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = create_app(space, Access(KEY, trusting=trusting))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory, draw, save):
    """A folder of pictures: 0.png to 5.png, and 0-small.jpg, which is 0.png again at half its size."""
    folder = tmp_path_factory.mktemp("drawn")
    for seed in range(6):
        save(draw(seed), folder / f"{seed}.png")
    save(draw(0)[::2, ::2], folder / "0-small.jpg")
    return folder


@pytest.fixture(scope="session")
def space(tmp_path_factory, drawn):
    """A workspace of two collections: drawn pictures, and many records without pictures."""
    settings = replace(Settings(), max_pixels=400_000)
    with lookalike.open(tmp_path_factory.mktemp("space") / "workspace", settings) as space:
        pictures = space.create("drawn", product_id="product")
        pictures.add(
            {"_id": path.stem, "_file": str(path), "parity": "even" if int(path.stem[0]) % 2 == 0 else "odd"}
            | {"product": path.stem[0]}
            for path in sorted(drawn.iterdir())
        )
        space.create("many").add(
            {"_id": f"r{number:03}", "_vector": [1.0, number, *254 * [0.5]]} for number in range(130)
        )
        yield space


@pytest.fixture(scope="session")
def address(space):
    with _serving(space) as address:
        yield address


@pytest.fixture
def stranger(address):
    """A browser that has not signed in."""
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60) as client:
        yield client


@pytest.fixture
def visitor(stranger):
    """A browser that has signed in."""
    assert stranger.post("/signin", data={"key": KEY}).status_code == 303
    stranger.headers["X-CSRF-Token"] = re.search(r'name="csrf" content="(\w+)"', stranger.get("/").text)[1]
    return stranger


@pytest.fixture(scope="session")
def links():
    """Return links(response, part): the targets of a page's links and pictures that contain `part`, unescaped."""
    from html import unescape

    def find(response, part):
        targets = [unescape(target) for target in re.findall(r'(?:href|src)="([^"]*)"', response.text)]
        return [target for target in targets if part in target]

    return find
