"""System 0: POST /compare, and the vector that was promised."""

import base64
import http.server
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from lookalike.api.compat.promised import LIMIT
from lookalike.catalog import PLANS, Grant


def score(client, a, b):
    answer = client.post("/compare", json={"image_a": a, "image_b": b})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["similarity_score"]
    return answer.json()["similarity_score"]


def test_the_same_picture_is_1_and_order_does_not_count(near, draw, text):
    a, b = text(draw(1)), text(draw(2))
    assert score(near, a, a) == 1.0
    assert score(near, a, b) == score(near, b, a)
    assert 0.0 <= score(near, a, b) < 1.0


def test_a_smaller_copy_stays_near_and_another_picture_does_not(near, draw, text):
    a = draw(1, 640, 480)
    small = text(Image.fromarray(a).resize((256, 256)))
    assert score(near, text(a), small) > 0.9 > score(near, text(a), text(draw(2)))


def test_base64_may_have_line_breaks_and_data_uris_count(near, draw, encoded):
    data = encoded(draw(1))
    broken = base64.encodebytes(data).decode()
    assert score(near, broken, "data:image/png;base64," + base64.b64encode(data).decode()) == 1.0


MODES = {
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "GIF": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "JPEG": ("1", "L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "PPM": ("1", "L", "RGB", "I;16"),  # written as PBM and PGM where the mode asks for it
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"),
    "TGA": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "WEBP": ("L", "RGB", "RGBA"),
}


@pytest.mark.parametrize("form", MODES)
def test_formats_and_modes(near, draw, text, form):
    plain = Image.fromarray(draw(1, 96, 72))
    for mode in MODES[form]:
        deep = Image.fromarray(np.asarray(plain.convert("L"), np.uint16) * 257) if mode == "I;16" else None
        sent = text(deep or plain.convert(mode), form)
        shown = plain.convert("1" if mode == "1" else "L" if mode in ("L", "LA", "I;16") else "RGB").convert("RGB")
        assert score(near, sent, sent) == 1.0
        assert score(near, sent, text(shown)) > 0.85, mode


def test_hidden_colors_never_count(near, draw, text):
    pixels = np.dstack([draw(1), np.full((240, 320), 255, np.uint8)])
    pixels[:120, :, 3] = 0
    other = pixels.copy()
    other[:120, :, :3] = 200
    assert score(near, text(pixels), text(other)) == 1.0


def test_the_cosine_of_two_vectors_is_their_score(near, draw, text):
    a, b = text(draw(1)), text(draw(2))
    found = [near.post("/vector", json={"image": picture}).json() for picture in (a, b)]
    u, v = (np.array(one["vector"]) for one in found)
    assert u.shape == (512,)
    assert found[0]["model"].startswith("lookalike-mini/")
    assert max(0.0, u @ v / np.linalg.norm(u) / np.linalg.norm(v)) == pytest.approx(score(near, a, b), abs=1e-6)


@pytest.mark.parametrize("path", ["/", "/compare/"])
def test_other_addresses_of_the_same(near, draw, text, path):
    answer = near.post(path, json={"image_a": text(draw(1)), "image_b": text(draw(1))})
    assert answer.json() == {"similarity_score": 1.0}


def test_one_comma_too_many_is_forgiven(near, draw, text):
    picture = text(draw(1))
    body = f'{{\n  "image_a": "{picture}",\n  "image_b": "{picture}",\n}}\n'
    assert near.post("/compare", content=body).json() == {"similarity_score": 1.0}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"image_a": "x" "image_b": "y"}', 400),
        ("", 400),
        ("[1, 2]", 400),
        ('{"image_a": "aGVsbG8gd29ybGQ="}', 422),
        ('{"image_a": "", "image_b": ""}', 422),
        ('{"image_a": 5, "image_b": 6}', 422),
        ('{"image_a": "aGVsbG8gd29ybGQ=", "image_b": "aGVsbG8gd29ybGQ="}', 422),
        ('{"image_a": "http://127.0.0.1/a.png", "image_b": "http://127.0.0.1/a.png"}', 422),
        ('{"image_a": "file:///etc/passwd", "image_b": "/etc/passwd"}', 422),
    ],
)
def test_bad_bodies_are_refused_with_a_reason(near, body, status):
    answer = near.post("/compare", content=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_over_10_mb_is_413(near):
    assert near.post("/compare", content=b" " * (LIMIT + 1)).status_code == 413
    assert near.post("/compare", content=b" " * LIMIT).status_code == 400  # read, and no JSON


@pytest.fixture
def site(draw, encoded):
    """The address of a web site: /a.png is a picture, /large more than 10 MB, all else is refused."""
    data = encoded(draw(1))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"/a.png": data, "/large": data + bytes(LIMIT)}.get(self.path)
            self.send_response(403 if body is None else 200)
            self.end_headers()
            try:
                self.wfile.write(body or b"")
            except OSError:
                self.close_connection = True  # the reader has had enough

        def log_message(self, *_):
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_urls_are_fetched_and_mix_with_base64(serve, site, draw, text):
    client = serve(fetch_networks="127.0.0.0/8")
    assert score(client, f"{site}/a.png", text(draw(1))) == 1.0
    for path, status in (("/large", 413), ("/hotlink.png", 422)):
        answer = client.post("/compare", json={"image_a": f"{site}/a.png", "image_b": site + path})
        assert answer.status_code == status
        assert answer.json()["field"] == "image_b"


def test_keys_of_the_market_are_ignored_and_ours_count(serve, tmp_path, draw, text):
    client = serve(near=False)
    body = {"image_a": text(draw(1)), "image_b": text(draw(1))}
    keys = client.app.state.workspace.catalog.keys
    _, secret = keys.create("someone", Grant("read", plan=PLANS["public"]))
    for headers in ({}, {"X-RapidAPI-Key": "0123456789msh", "X-RapidAPI-Host": "similarity.p.rapidapi.com"}):
        assert client.post("/compare", json=body, headers=headers).status_code == 401
    answers = [client.post("/compare", json=body, headers={"X-RapidAPI-Key": secret}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["Retry-After"]) >= 1


def test_a_service_without_keys_answers_other_machines(serve, draw, text):
    assert score(serve(near=False, keyless=True), text(draw(1)), text(draw(1))) == 1.0


def test_pages_of_other_sites_are_not_worked_for(near):
    assert near.post("/compare", json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "192.0.2.7"}, {"Via": "1.1 proxy"}])
def test_a_proxy_on_this_machine_brings_strangers(near, headers):
    assert near.post("/compare", json={}, headers=headers).status_code == 401


def test_forms_go_to_the_page_of_the_same_address(near, draw, encoded):
    answer = near.post("/compare", files={"a": encoded(draw(1))}, headers={"Accept": "text/html"})
    assert "similarity_score" not in answer.text
    assert near.get("/openapi.json").json()["paths"]["/compare"].keys() == {"post"}


def test_twenty_at_once(near, draw, text):
    pairs = [(text(draw(seed, 64, 64)), text(draw(seed + 1, 64, 64))) for seed in range(20)]
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(lambda pair: score(near, *pair), pairs))
    assert together == [score(near, *pair) for pair in pairs]
