"""The real client of the replaced service, against this one on a loopback socket."""

import base64
import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from ximilar.client.search import SimilarityPhotosClient

import lookalike
from lookalike.settings import Settings

KEY = "la_test_key"


@pytest.fixture
def space(tmp_path):
    settings = Settings(fetch_networks="127.0.0.0/8")
    with lookalike.open(tmp_path / "space", settings) as space:
        yield space


@pytest.fixture
def host(address):
    """The service as the client must be told of it, so that it asks nobody else for permission."""
    return address.replace("127.0.0.1", "localhost") + "/"


@pytest.fixture
def estates(client):
    """The id of a new collection, made over REST, that groups nothing."""
    answer = client.post("/similarity/v2/collection/", json={"name": "estates", "type": "generic"})
    assert answer.status_code == 201
    return answer.json()["id"]


@pytest.fixture
def photos(host, estates):
    """The client of the collection `estates`."""
    return SimilarityPhotosClient(KEY, estates, endpoint=host + "similarity/photos/v2/")


@pytest.fixture(scope="session")
def coded(draw):
    """Return coded(seed, form="PNG", **size) -> base64 text of a drawn picture."""

    def encode(seed, form="PNG", **size):
        sink = io.BytesIO()
        Image.fromarray(draw(seed, **size)).save(sink, form)
        return base64.b64encode(sink.getvalue()).decode()

    return encode


@pytest.fixture
def listed(coded):
    """Return listed(*ids): records with drawn pictures that are sent as they are."""
    return lambda *ids: [{"_id": id_, "_base64": coded(at), "noresize": True} for at, id_ in enumerate(ids)]


@pytest.fixture
def website(pictures):
    """The address of a server of the folder `pictures`."""
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(pictures)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def call(client, estates):
    """Return call(method, body, base="similarity/photos/v2/") -> the answer's JSON."""

    def post(method, body=None, base="similarity/photos/v2/"):
        return client.post(f"/{base}{method}", json=body or {}, headers={"collection-id": estates}).json()

    return post
