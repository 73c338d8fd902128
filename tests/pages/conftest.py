"""The real service on a loopback socket, over a small workspace of drawn pictures; and a real browser to visit it."""

import os
import re
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import uvicorn

import lookalike
from lookalike.api.app import Access, create_app
from lookalike.gallery import make_gallery
from lookalike.settings import Settings
from lookalike.taggers import Tagger, tagger_folder, write_tagger

KEY = "la_test_key"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 860}
HOME = {"localhost", "127.0.0.1"}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


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
def with_tagger():
    """Return with_tagger(space, collection, name, signature=None): puts a tagger of its vectors into the workspace."""
    return _with_tagger


def _with_tagger(space, collection, name, signature=None):
    width = collection.info.dims["meaning"]
    weights, offsets = np.zeros((width, 2), np.float32), np.array([0, 1], np.float32)
    maker = signature or collection.info.signatures["meaning"]
    made = Tagger(name, "classify", f"{name}-field", ["in", "out"], weights, offsets, np.zeros(2), maker)
    write_tagger(tagger_folder(name, space.path), made, {})


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
def keyed():
    """Return keyed(catalog, address, grant): a browser that has signed in with a key of its own; a context manager."""

    @contextmanager
    def come(catalog, address, grant):
        key, secret = catalog.keys.create("test", grant)
        with httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60) as client:
            assert client.post("/signin", data={"key": secret}).status_code == 303
            client.headers["X-CSRF-Token"] = re.search(r'name="csrf" content="(\w+)"', client.get("/").text)[1]
            client.key = key
            yield client

    return come


@pytest.fixture(scope="session")
def links():
    """Return links(response, part): the targets of a page's links and pictures that contain `part`, unescaped."""
    from html import unescape

    def find(response, part):
        targets = [unescape(target) for target in re.findall(r'(?:href|src)="([^"]*)"', response.text)]
        return [target for target in targets if part in target]

    return find


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """The folder of the sample pictures, and their records."""
    folder = tmp_path_factory.mktemp("gallery")
    return folder, make_gallery(folder)


@pytest.fixture(scope="session")
def samples(gallery, tmp_path_factory):
    """The address of a service over the sample gallery, which asks for its key; for tests that change nothing in it."""
    with lookalike.open(tmp_path_factory.mktemp("samples") / "workspace") as space:
        added = space.create("samples", product_id="product").add(gallery[1])
        assert not added.failed
        with _serving(space) as address:
            yield address


@pytest.fixture(scope="module")  # while it is open, no other test of this process can run an event loop
def chromium():
    """A real Chromium; tests that need one are skipped where there is none."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"needs a Chromium: none of {', '.join(BROWSERS)} is on the PATH")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, address, key):
    """Return visit(viewport, **options): a page of a browser at `address` that has signed in, watched.

    At the end the test fails if the browser asked another host for anything, or complained of anything.
    """
    complaints: list[str] = []
    contexts = []

    def guard(route):
        host = urlsplit(route.request.url).hostname
        if host not in HOME:
            complaints.append(f"a request to {route.request.url}")
            route.abort()
        else:
            route.continue_()

    def open_page(viewport=DESKTOP, *, secret=key, **options):
        context = chromium.new_context(viewport=viewport, base_url=address, **options)
        contexts.append(context)
        context.route(re.compile("^(?!data:|blob:)"), guard)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"/?key={secret}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def barriers():
    """Return barriers(page): what axe-core finds against WCAG 2.2 AA and good practice on the page as it stands now.

    Sentences, none for a page without barriers: `assert barriers(page) == []`. Look at light and dark, since contrast
    is part of it, and with menus and dialogs open.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()

    def find(page):
        page.wait_for_load_state()  # with its styles: a page that came by a form may be there before them
        found = axe.run(page, options={"runOnly": STANDARDS, "resultTypes": ["violations"]}).response["violations"]
        return [
            f"{rule['id']}: {rule['help']}: {node['target']} {node['html']} {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]

    return find
