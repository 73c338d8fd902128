"""Thumbnails and uploads: re-encoded, bounded, and only what the visitor may see."""

import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import httpx
import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike.errors import ImageTooLarge
from lookalike.images import Limits
from lookalike.images.image import Fetching
from lookalike.pages.thumbnails import Thumbnails
from lookalike.pages.uploads import Upload, Uploads
from lookalike.settings import Settings


def test_a_thumbnail_is_a_small_jpeg_of_the_whole_picture(visitor, draw):
    answer = visitor.get("/collections/drawn/thumb?id=2&size=160")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"].startswith("private")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (160, 120)
        small = np.asarray(Image.fromarray(draw(2)).resize((160, 120)), dtype=float)
        assert np.abs(np.asarray(picture, dtype=float) - small).mean() < 8


def test_an_unchanged_thumbnail_is_not_sent_again(visitor):
    first = visitor.get("/collections/drawn/thumb?id=2&size=160")
    again = visitor.get("/collections/drawn/thumb?id=2&size=160", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("size", [-5, 1, 100_000])
def test_any_size_is_answered_with_one_of_few(visitor, size):
    answer = visitor.get(f"/collections/drawn/thumb?id=2&size={size}")
    assert Image.open(io.BytesIO(answer.content)).size in {(160, 120), (320, 240)}


def test_a_picture_that_is_gone_or_was_never_there_is_a_placeholder(visitor, space, save, draw, tmp_path):
    path = save(draw(9), tmp_path / "gone.png")
    space.create("going").add([{"_id": "gone", "_file": str(path)}])
    assert visitor.get("/collections/going/thumb?id=gone").status_code == 200
    path.write_text("secret words", "utf-8")
    changed = visitor.get("/collections/going/thumb?id=gone")
    path.unlink()
    gone = visitor.get("/collections/going/picture?id=gone")
    space.drop("going")
    never = visitor.get("/collections/many/thumb?id=r001")
    for answer in (changed, gone, never):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "image/svg+xml"
        assert b"secret" not in answer.content


@pytest.fixture
def website(tmp_path, draw, save):
    """A server of one.png, and of two.png, which is no picture: its address, and the paths it was asked for."""
    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    save(draw(1), tmp_path / "site" / "one.png")
    (tmp_path / "site" / "two.png").write_text("no picture", "utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_a_picture_behind_a_url_is_fetched_once_as_far_as_the_settings_allow(website):
    site, asked = website
    thumbnails = Thumbnails(Limits(fetching=Fetching("127.0.0.0/8")), at_once=1)
    for _ in range(2):
        made = thumbnails.of_address(f"{site}/one.png", 160)
        assert Image.open(io.BytesIO(made.data)).size == (160, 120)
        assert thumbnails.of_address(f"{site}/two.png", 160) is None
    assert asked == ["/one.png", "/two.png"]  # what gave no picture is not asked again soon
    assert (
        Thumbnails(Limits(), at_once=1).of_address(f"{site}/one.png", 160) is None
    )  # no network to be asked from here
    assert len(asked) == 2


def test_records_that_came_by_url_are_shown(website, tmp_path, serving, links):
    site, asked = website
    with lookalike.open(tmp_path / "far", Settings(fetch_networks="127.0.0.0/8")) as space:
        space.create("far").add([{"_id": "x", "_url": f"{site}/one.png"}])
        with serving(space, trusting=True) as address, httpx.Client(base_url=address, timeout=60) as browser:
            (thumb,) = links(browser.get("/collections/far", headers={"Accept": "text/html"}), "/thumb")
            assert browser.get(thumb).headers["content-type"] == "image/jpeg"
            record = browser.get("/collections/far/record?id=x", headers={"Accept": "text/html"})
            assert f"{site}/one.png" in record.text
            assert not links(record, "/compare?")  # its file is not here
    assert asked == ["/one.png"] * 2  # described, shown


def test_nobody_names_a_file(visitor):
    for target in ("id=../../etc/passwd", "id=/etc/passwd", "id=0&path=/etc/passwd", "id=%00"):
        answer = visitor.get(f"/collections/many/thumb?{target}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "image/svg+xml"


def test_thumbnails_keep_no_more_than_their_budget(drawn):
    thumbnails = Thumbnails(Limits(), at_once=1, budget=20_000)
    first = thumbnails.of_file(drawn / "0.png", 160)
    assert thumbnails.of_file(drawn / "0.png", 160).data is first.data
    for path in drawn.iterdir():
        thumbnails.of_file(path, 320)
    assert thumbnails.of_file(drawn / "0.png", 160).data is not first.data
    assert thumbnails.of_file(drawn / "0.png", 160).data == first.data


def test_a_changed_file_gets_another_thumbnail(tmp_path, draw, save):
    thumbnails = Thumbnails(Limits(), at_once=1)
    before = thumbnails.of_file(save(draw(1), tmp_path / "a.png"), 160)
    after = thumbnails.of_file(save(draw(2), tmp_path / "a.png"), 160)
    assert before.etag != after.etag
    assert before.data != after.data


def test_a_picture_over_the_limits_has_no_thumbnail(drawn):
    assert Thumbnails(Limits(pixels=100), at_once=1).of_file(drawn / "0.png", 160) is None


def test_uploads_are_bounded_in_number_and_the_longest_unused_goes_first():
    uploads = Uploads(count=2, total=100)
    first, second = (uploads.keep(Upload(b"x", name)) for name in ("first", "second"))
    assert uploads.get(first).name == "first"
    third = uploads.keep(Upload(b"x", "third"))
    assert uploads.get(second) is None
    assert uploads.get(first).name == "first"
    assert uploads.get(third).name == "third"


def test_uploads_are_bounded_in_bytes():
    uploads = Uploads(count=10, total=100)
    tokens = [uploads.keep(Upload(b"x" * 40, str(number))) for number in range(3)]
    assert [uploads.get(token) is not None for token in tokens] == [False, True, True]
    with pytest.raises(ImageTooLarge):
        uploads.keep(Upload(b"x" * 101, "huge"))
    assert uploads.get(tokens[2]) is not None


def test_uploads_of_one_service_are_unknown_to_another(visitor, drawn, tmp_path, serving):
    import httpx

    token = visitor.post("/compare", files={"a": ("0.png", (drawn / "0.png").read_bytes())}).headers["location"][-22:]
    assert visitor.get(f"/uploads/{token}").status_code == 200
    with lookalike.open(tmp_path / "other") as space, serving(space, trusting=True) as address:
        assert httpx.get(f"{address}/uploads/{token}").status_code == 410
