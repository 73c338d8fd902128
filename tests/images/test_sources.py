"""Whatever a picture comes as, the same pixels come out; whatever is no picture gets a clear answer."""

import base64
import gc
import hashlib
import os
import warnings
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import ImageError, ImageUnreadable, SourceNotFound, UrlRefused
from lookalike.images import Image, Limits, read_image
from lookalike.images.sources import Encoded, from_base64, load


@pytest.fixture(scope="module")
def data(photo, encode):
    return encode(photo[:64, :96], "PNG")


@pytest.fixture
def file(data, tmp_path):
    path = tmp_path / "a cat.png"
    path.write_bytes(data)
    return path


def test_every_kind_of_source_gives_the_same_picture(data, file):
    text = base64.b64encode(data).decode()
    sources = {
        "path": file,
        "str": str(file),
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "base64": text,
        "url-safe base64": base64.urlsafe_b64encode(data).decode(),
        "base64 without padding": text.rstrip("="),
        "base64 in lines": base64.encodebytes(data).decode(),
        "data URI": "data:image/png;base64," + text,
        "data URI in capitals": "DATA:IMAGE/PNG;BASE64," + text,
        "data URI of another kind": "data:image/x-icon;base64," + text,
        "data URI with a parameter": "data:image/svg+xml;charset=utf-8;base64," + text,
        "data URI in percents": "data:image/png," + quote(data),
    }
    pictures = {kind: read_image(source) for kind, source in sources.items()}
    assert {picture.sha256 for picture in pictures.values()} == {hashlib.sha256(data).hexdigest()}
    assert pictures["path"].source == pictures["str"].source == str(file)
    assert pictures["bytes"].source == "bytes"
    assert pictures["data URI"].source == "data URI"
    assert pictures["base64"].source == "base64"


def test_paths_of_bytes_like_objects_and_relative_ones(file, monkeypatch):
    class Entry:
        def __fspath__(self):
            return os.fsencode(file)

    monkeypatch.chdir(file.parent)
    assert read_image(Entry()).width == read_image(file.name).width == read_image(Path(file.name)).width == 96


def test_a_name_that_is_not_utf8_is_printable(data, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.write_bytes(data)
    picture = read_image(path)
    assert picture.source.encode().endswith("caf\ufffd.png".encode())


@pytest.mark.parametrize(
    "source",
    [
        "data:image/png,\ud800",
        "data:image/png;base64,\ud800",
        "data:image/\ud800,x",
        "https://shop.example/\ud800",
        "\ud800" * 50,
        Path("/tmp/\ud800"),
    ],
)
def test_half_of_a_surrogate_pair_is_an_error_that_can_be_printed(source):
    with pytest.raises((ImageUnreadable, SourceNotFound)) as caught:
        read_image(source)
    assert str(caught.value).encode("utf-8")


def test_strides_of_a_memoryview_do_not_matter(data):
    doubled = bytes(byte for byte in data for _ in (0, 1))
    assert read_image(memoryview(doubled)[::2]).width == 96


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.jpg", "https://127.0.0.1/a.jpg", "HTTPS://127.0.0.1/A"])
def test_urls_go_to_the_one_that_fetches(url):
    with pytest.raises(UrlRefused, match="not on the public internet") as caught:
        read_image(url)
    assert caught.value.source == url


def test_a_missing_file_says_so():
    for source in ("no/such/cat.jpg", Path("no/such/cat.jpg")):
        with pytest.raises(SourceNotFound, match="no such file") as caught:
            read_image(source)
        assert caught.value.code == "source_not_found"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cat",
        "a" * 31,
        "/home/someone/Pictures/holidays/summer/IMG20240601",  # looks like base64, is a path that is missing
        "A" * 5000,
        "QUJD" * 50,
        "nul\0character.png",
        "x" * 100_000,
        "ünïcode" * 20,
    ],
)
def test_text_that_is_no_picture_is_not_found(text):
    with pytest.raises(SourceNotFound) as caught:
        read_image(text)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text", ["data:image/png;base64,!!!!", "data:text/plain;base64,QUJD", "data:,", "data:image/png"]
)
def test_a_wrong_data_uri_is_unreadable(text):
    with pytest.raises(ImageUnreadable):
        read_image(text)


@pytest.mark.parametrize("text", ["file:///etc/passwd", "ftp://example.org/cat.png"])
def test_a_url_of_another_kind_is_told_as_such_where_base64_is_meant(text):
    with pytest.raises(ImageUnreadable, match=f"a URL of {text[:3]}.*only http and https"):
        from_base64(text, Limits())


def test_base64_meant_as_a_picture_is_unreadable_when_it_is_not():
    assert from_base64("iVBO Rw0K\r\nGgo", Limits()) == Encoded(b"\x89PNG\r\n\x1a\n"[:8], "base64")
    for text in ("not base64!", "abcde", "ab=c", "ü" * 8):
        with pytest.raises(ImageUnreadable, match="not valid base64"):
            from_base64(text, Limits())


@given(st.binary(min_size=1, max_size=100), st.booleans(), st.booleans(), st.integers(0, 20))
def test_base64_round_trips_in_every_dress(blob, url_safe, padded, width):
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(blob).decode()
    text = text if padded else text.rstrip("=")
    if width:
        text = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    assert from_base64(text, Limits()).data == blob


def test_folders_pipes_and_devices_are_named_and_never_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, reason in (
        (tmp_path, "a folder"),
        (pipe, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
    ):
        with pytest.raises(SourceNotFound, match=reason):
            read_image(path)


def test_an_empty_file_is_unreadable(tmp_path):
    path = tmp_path / "empty.jpg"
    path.touch()
    with pytest.raises(ImageUnreadable, match="the file is empty"):
        read_image(path)


def test_a_broken_link_and_a_loop_are_errors(tmp_path):
    broken, loop = tmp_path / "broken.jpg", tmp_path / "loop.jpg"
    broken.symlink_to(tmp_path / "gone.jpg")
    loop.symlink_to(loop)
    with pytest.raises(SourceNotFound):
        read_image(broken)
    with pytest.raises(ImageUnreadable, match="can't be read"):
        read_image(loop)


def test_a_path_too_long_is_an_image_error():
    with pytest.raises(ImageError):
        read_image(Path("a" * 5000))


@pytest.mark.parametrize("source", [None, 3, 2.5, [1, 2], {"a": 1}, object()])
def test_what_can_be_no_picture_is_an_image_error_like_the_others(source):
    with pytest.raises(SourceNotFound, match=type(source).__name__):
        read_image(source)


class TestArrays:
    def test_three_channels_are_copied(self, photo):
        pixels = photo[::2, ::-1]
        picture = read_image(pixels)
        assert isinstance(picture, Image)
        assert np.array_equal(picture.pixels, pixels)
        assert not np.shares_memory(picture.pixels, photo)
        assert picture.pixels.flags.c_contiguous
        assert (picture.format, picture.source, picture.height, picture.width) == ("ARRAY", "array", 150, 451)

    @pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1)])
    def test_gray_becomes_three_channels(self, shape):
        gray = np.arange(35, dtype=np.uint8).reshape(shape)
        assert np.array_equal(read_image(gray).pixels, np.repeat(gray.reshape(5, 7, 1), 3, axis=2))

    def test_the_fourth_channel_is_alpha(self, photo):
        rgba = np.dstack([photo, np.zeros(photo.shape[:2], np.uint8)])
        assert (read_image(rgba).pixels == 255).all()
        rgba[..., 3] = 255
        assert np.array_equal(read_image(rgba).pixels, photo)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_floats_are_from_zero_to_one(self, photo, dtype):
        assert np.array_equal(read_image((photo / 255).astype(dtype)).pixels, photo)

    def test_sixteen_bits_and_booleans(self, photo):
        assert np.array_equal(read_image(photo.astype(np.uint16) * 257).pixels, photo)
        assert np.array_equal(read_image(photo > 100).pixels, (photo > 100) * np.uint8(255))

    @pytest.mark.parametrize(
        ("array", "reason"),
        [
            (np.zeros((4, 4), np.int64), "int64"),
            (np.zeros((4, 4), complex), "complex"),
            (np.full((4, 4), 1.5), "outside"),
            (np.full((4, 4), -0.1), "outside"),
            (np.full((4, 4), np.nan), "outside"),
            (np.zeros((4, 4, 2), np.uint8), "shape"),
            (np.zeros((4, 4, 5), np.uint8), "shape"),
            (np.zeros(4, np.uint8), "shape"),
            (np.zeros((1, 4, 4, 3), np.uint8), "shape"),
            (np.zeros((0, 4, 3), np.uint8), "shape"),
            (np.array(5, np.uint8), "shape"),
        ],
    )
    def test_others_are_refused_with_what_would_do(self, array, reason):
        with pytest.raises(ImageUnreadable, match=reason):
            read_image(array)

    def test_the_digest_is_of_shape_and_pixels(self):
        flat = np.arange(36, dtype=np.uint8)
        one, same = read_image(flat.reshape(3, 4, 3)), read_image(flat.reshape(3, 4, 3).copy())
        turned = read_image(flat.reshape(4, 3, 3))
        assert (one.sha1, one.sha256) == (same.sha1, same.sha256)
        assert one.sha256 != turned.sha256
        expected = hashlib.sha256(b"3x4x3:" + flat.tobytes()).hexdigest()
        assert one.sha256 == expected


class TestPilImages:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "I", "F"])
    def test_every_mode(self, photo, mode):
        picture = Pil.fromarray(photo)
        if mode in ("I;16", "I", "F"):
            picture = Pil.fromarray(photo[..., 0].astype({"I;16": "u2", "I": "i4", "F": "f4"}[mode]))
        else:
            picture = picture.convert(mode)
        got = read_image(picture)
        assert got.pixels.shape == photo.shape
        assert (got.format, got.source) == ("ARRAY", "PIL image")

    def test_an_rgb_image_equals_its_array(self, photo):
        assert read_image(Pil.fromarray(photo)).sha256 == read_image(photo).sha256

    def test_a_file_opened_but_cut_short_is_unreadable(self, photo, encode, tmp_path):
        path = tmp_path / "cut.jpg"
        path.write_bytes(encode(photo, "JPEG")[:4000])
        with Pil.open(path) as picture, pytest.raises(ImageUnreadable, match="truncated"):
            read_image(picture)

    def test_the_image_given_is_not_changed(self, photo):
        picture = Pil.fromarray(photo).convert("P")
        read_image(picture)
        assert picture.mode == "P"


def test_load_reads_no_pixels(data, file):
    assert load(file, Limits()) == Encoded(data, str(file))


def test_reading_leaves_no_file_open(file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(file)
        gc.collect()  # a file left open would warn now
