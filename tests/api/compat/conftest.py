"""The real application in this process, for callers on this machine and on others."""

import base64
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import lookalike
from lookalike.api.app import Access, create_app
from lookalike.settings import Settings


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Return serve(near=True, **settings) -> client: the application with these settings, and who calls it."""
    opened = []

    def make(near=True, **settings):
        space = lookalike.open(tmp_path_factory.mktemp("space"), Settings(**settings))
        opened.append(space)
        caller = ("127.0.0.1" if near else "192.0.2.7", 50000)
        app = create_app(space, Access())
        return TestClient(app, base_url="http://localhost", client=caller, follow_redirects=False)

    yield make
    for space in opened:
        space.close()


@pytest.fixture(scope="module")
def near(serve):
    """A client on this machine, without a key."""
    return serve()


@pytest.fixture(scope="session")
def encoded():
    """Return encoded(pixels or PIL image, format="PNG", **options) -> the file's bytes."""

    def encode(picture, form="PNG", **options):
        file = io.BytesIO()
        picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        picture.save(file, form, **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def text(encoded):
    """Return text(pixels, ...) -> the file in base64."""
    return lambda picture, form="PNG", **options: base64.b64encode(encoded(picture, form, **options)).decode()
