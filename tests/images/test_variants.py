"""What built-in formats can also be: pages, tiles, planes, depths, origins, disposals."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from lookalike.images import decode


def tiff(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tile": (64, 64)},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"rowsperstrip": 7},
    ],
    ids=str,
)
@pytest.mark.parametrize("depth", [8, 16])
def test_pages_of_tiff_in_color(photo, options, depth):
    pages = np.stack([photo, 255 - photo])
    deep = pages.astype(np.uint16) * 257 if depth == 16 else pages
    assert np.array_equal(decode(tiff(deep, photometric="rgb", **options)).pixels, photo)


def test_planes_of_tiff(photo):
    planes = np.ascontiguousarray(np.moveaxis(photo, 2, 0))
    assert np.array_equal(decode(tiff(planes, photometric="rgb", planarconfig="separate")).pixels, photo)


@pytest.mark.parametrize(("depth", "order"), [(8, "<"), (8, ">"), (16, "<")])
def test_gray_tiff_where_zero_is_white(photo, depth, order):
    gray = photo[:, :, 0].astype(np.uint16) * 257 if depth == 16 else photo[:, :, 0]
    assert np.array_equal(decode(tiff(gray, photometric="minisblack", byteorder=order)).pixels[..., 1], photo[..., 0])
    white = decode(tiff(gray, photometric="miniswhite", byteorder=order)).pixels
    assert np.array_equal(white[..., 1], 255 - photo[..., 0])


def test_alpha_of_sixteen_bits(photo):
    half = np.dstack([photo, np.full(photo.shape[:2], 128, np.uint8)]).astype(np.uint16) * 257
    blended = decode(tiff(half, photometric="rgb", extrasamples=["unassalpha"])).pixels
    assert np.abs(blended - (photo * (128 / 255) + 127)).max() <= 1


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_png_of_sixteen_bits(photo, png, color_type, channels):
    opaque = np.full(photo.shape[:2], 255, np.uint8)
    picture = np.dstack([photo[..., : channels - (channels % 2 == 0)], *([opaque] if channels % 2 == 0 else [])])
    deep = (picture.astype(">u2") * 257).astype(">u2").reshape(300, -1)
    pixels = decode(png((451, 300), color_type, 16, b"".join(b"\0" + row.tobytes() for row in deep))).pixels
    assert np.array_equal(pixels, photo if channels > 2 else np.repeat(photo[..., :1], 3, axis=2))


@pytest.mark.parametrize("origin", [0x00, 0x10, 0x20, 0x30])
@pytest.mark.parametrize("packed", [False, True])
def test_tga_from_every_corner(corner_marked, origin, packed):
    stored = corner_marked[::-1] if not origin & 0x20 else corner_marked
    stored = stored[:, ::-1] if origin & 0x10 else stored
    body = stored[..., ::-1].tobytes()
    if packed:  # runs of 32 equal pixels
        body = b"".join(b"\x9f" + body[at : at + 3] for at in range(0, len(body), 96))
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 10 if packed else 2, 0, 0, 0, 0, 0, 64, 40, 24, origin)
    picture = decode(head + body)
    assert picture.format == "TGA"
    assert np.array_equal(picture.pixels, corner_marked)


def test_a_first_frame_smaller_than_its_canvas(encode):
    """GIF, APNG and WebP show what is outside it as transparent."""
    canvas = Pil.new("RGBA", (40, 30), (0, 0, 0, 0))
    canvas.paste((200, 30, 30, 255), (10, 5, 30, 25))
    after = Pil.new("RGBA", (40, 30), (10, 200, 10, 255))
    for kind, options in (("GIF", {"disposal": 2}), ("PNG", {}), ("WEBP", {"lossless": True})):
        pixels = decode(encode(canvas, kind, save_all=True, append_images=[after], **options)).pixels
        assert pixels.shape == (30, 40, 3)
        assert (pixels[0, 0] == 255).all()
        assert np.abs(pixels[15, 20].astype(int) - (200, 30, 30)).max() <= 2
