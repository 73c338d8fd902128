"""Too large is known from the header, before any pixel is allocated."""

import base64
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pillow_heif
import pytest
import simplejpeg
from PIL import Image as Pil

from lookalike.errors import ImageTooLarge, ImageUnreadable
from lookalike.images import Limits, decode, read_image


def giant_jpeg():
    data = bytearray(simplejpeg.encode_jpeg(np.zeros((16, 16, 3), np.uint8)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 10_000, 20_000)
    return bytes(data)


def giant_webp():
    canvas = (19_999).to_bytes(3, "little") + (9_999).to_bytes(3, "little")
    return b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + b"VP8L\0\0\0\0"


def giant_icon(png):
    picture = png((20_000, 10_000), 2, 8, b"")
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(picture), 22)
    return b"\0\0\1\0\1\0" + entry + picture


def giant_tiff():
    tags = ((256, 20_000), (257, 10_000), (258, 8), (259, 1), (262, 1), (273, 8), (278, 10_000), (279, 8))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0\x10\0\0\0" + bytes(8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def giants(png):
    return {
        "JPEG": giant_jpeg(),
        "PNG": png((20_000, 10_000), 2, 8, b""),
        "GIF": b"GIF89a" + struct.pack("<HH", 20_000, 10_000) + b"\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
        "BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 20_000, 10_000, 1, 24, *[0] * 6) + bytes(64),
        "PPM": b"P6 20000 10000 255\n",
        "TGA": b"\0\0\2" + bytes(9) + struct.pack("<HHBB", 20_000, 10_000, 24, 0) + bytes(64),
        "WEBP": giant_webp(),
        "ICO": giant_icon(png),
        "TIFF": giant_tiff(),
    }


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "PPM", "TGA", "WEBP", "ICO", "TIFF"])
def test_a_small_file_that_promises_200_megapixels(png, kind):
    data = giants(png)[kind]
    assert len(data) < 2000
    decode_once(data)  # imports the decoder
    tracemalloc.start()
    with pytest.raises(ImageTooLarge) as caught:
        decode(data, name="bomb")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (caught.value.size, caught.value.limit, caught.value.unit) == (200_000_000, Limits().pixels, "pixels")
    assert peak < 1_000_000


def decode_once(data):
    with pytest.raises(ImageTooLarge):
        decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "AVIF", "ICO"])
def test_a_picture_of_exactly_the_limit_passes_and_one_pixel_more_does_not(photo, encode, kind):
    data = encode(photo[:128, :128], kind)
    assert decode(data, limits=Limits(pixels=128 * 128)).width == 128
    with pytest.raises(ImageTooLarge):
        decode(data, limits=Limits(pixels=128 * 128 - 1))


def test_heic_too(photo):
    file = io.BytesIO()
    pillow_heif.from_pillow(Pil.fromarray(photo)).save(file)
    with pytest.raises(ImageTooLarge):
        decode(file.getvalue(), limits=Limits(pixels=100_000))


def test_a_heic_that_holds_more_than_its_header_promises(photo):
    file = io.BytesIO()
    pillow_heif.from_pillow(Pil.fromarray(photo[:24, :32])).save(file)
    whole = file.getvalue().replace(b"clap", b"free")  # without its crop, 64 x 64 pixels are encoded
    assert decode(file.getvalue(), limits=Limits(pixels=64 * 64)).pixels.shape == (24, 32, 3)
    picture = decode(whole, limits=Limits(pixels=64 * 64))
    assert (picture.height, picture.width, 3) == picture.pixels.shape
    with pytest.raises(ImageTooLarge):
        decode(whole, limits=Limits(pixels=64 * 64 - 1))


def test_a_scaled_decode_does_not_get_around_the_limit(photo, encode):
    with pytest.raises(ImageTooLarge):
        decode(encode(photo, "JPEG"), limits=Limits(pixels=100_000), wants=8)


def test_arrays_and_pil_images_obey_the_limit():
    with pytest.raises(ImageTooLarge):
        read_image(np.zeros((10, 11, 3), np.uint8), limits=Limits(pixels=109))
    with pytest.raises(ImageTooLarge):
        read_image(Pil.new("RGB", (11, 10)), limits=Limits(pixels=109))


def test_encoded_bytes_have_a_limit_too(photo, encode, tmp_path):
    data = encode(photo, "PNG")
    limits = Limits(bytes=len(data) - 1)
    file = tmp_path / "large.png"
    file.write_bytes(data)
    for source in (data, bytearray(data), file, str(file)):
        with pytest.raises(ImageTooLarge) as caught:
            read_image(source, limits=limits)
        assert (caught.value.size, caught.value.unit) == (len(data), "bytes")
    assert read_image(data, limits=Limits(bytes=len(data))).width == 451


def test_base64_is_measured_before_it_is_decoded(photo, encode):
    text = base64.b64encode(encode(photo, "PNG")).decode()
    for source in (text, "data:image/png;base64," + text):
        with pytest.raises(ImageTooLarge):
            read_image(source, limits=Limits(bytes=10_000))


def test_a_frame_larger_than_the_screen_of_a_gif_counts():
    frame = b"," + struct.pack("<HHHH", 0, 0, 20_000, 20_000) + b"\0\2\2D\1\0;"
    data = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\0\0\0" + frame
    with pytest.raises((ImageTooLarge, ImageUnreadable)):
        decode(data)


def test_compressed_emptiness_is_refused_by_its_header(png):
    data = png((60_000, 60_000), 0, 1, zlib.decompress(zlib.compress(bytes(7501))))
    with pytest.raises(ImageTooLarge):
        decode(data)
