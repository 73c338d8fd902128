"""A picture is upright whichever way the camera was held, whatever the format that says so."""

import io
import struct
import tarfile

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pil
from PIL import ImageOps

from lookalike.images import decode, orientation, read_image

# How to store an upright picture so that showing it needs the turn of that number (the inverse turns).
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: p.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda p: np.rot90(p, -1),
}


def exif(value, *, order="<", kind=3):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    body = {1: "B3x", 3: "H2x", 4: "I"}[kind]
    entry = struct.pack(order + "HHI" + body, 0x0112, kind, 1, value)
    return mark + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_of_every_format(corner_marked, encode, kind, value):
    stored = Pil.fromarray(np.ascontiguousarray(STORED[value](corner_marked)))
    tags = Pil.Exif()
    tags[0x0112] = value
    options = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    picture = decode(encode(stored, kind, exif=tags.tobytes(), **options.get(kind, {})))
    assert (picture.width, picture.height) == (64, 40)
    assert picture.pixels.shape == (40, 64, 3)
    inner = np.s_[4:-4:8, 4:-4:8]  # away from edges that lossy formats soften
    assert np.abs(picture.pixels[inner].astype(int) - corner_marked[inner]).max() < 12


@pytest.mark.parametrize("value", range(1, 9))
def test_heic_is_turned_once(corner_marked, value):
    stored = Pil.fromarray(np.ascontiguousarray(STORED[value](corner_marked)))
    tags = Pil.Exif()
    tags[0x0112] = value
    file = io.BytesIO()
    heif = pillow_heif.from_pillow(stored)
    heif.save(file, quality=-1, chroma=444, exif=tags.tobytes())
    picture = decode(file.getvalue())
    assert (picture.width, picture.height) == (64, 40)
    assert np.abs(picture.pixels[10, 10].astype(int) - corner_marked[10, 10]).max() < 12


@pytest.mark.parametrize("value", range(1, 9))
def test_a_scaled_jpeg_is_turned_too(corner_marked, encode, value):
    large = np.kron(corner_marked, np.ones((8, 8, 1), np.uint8))
    tags = Pil.Exif()
    tags[0x0112] = value
    data = encode(np.ascontiguousarray(STORED[value](large)), "JPEG", exif=tags.tobytes())
    picture = decode(data, wants=20)
    assert (picture.width, picture.height) == (512, 320)
    assert picture.pixels.shape == (40, 64, 3)
    assert np.abs(picture.pixels[10, 10].astype(int) - corner_marked[10, 10]).max() < 12


@pytest.mark.parametrize("value", range(9))
def test_real_photographs_agree_with_pillow(shared_data, value, psnr):
    with tarfile.open(shared_data / "exif-orientation.tar") as archive:
        data = archive.extractfile(f"Landscape_{value}.jpg").read()
    expected = np.asarray(ImageOps.exif_transpose(Pil.open(io.BytesIO(data))).convert("RGB"))
    picture = decode(data)
    assert (picture.height, picture.width) == expected.shape[:2]
    assert psnr(picture.pixels, expected) > 45


def test_a_pil_image_is_turned(corner_marked, encode):
    tags = Pil.Exif()
    tags[0x0112] = 6
    data = encode(np.ascontiguousarray(STORED[6](corner_marked)), "PNG", exif=tags.tobytes())
    picture = read_image(Pil.open(io.BytesIO(data)))
    assert np.array_equal(picture.pixels, corner_marked)
    assert (picture.width, picture.height) == (64, 40)


@pytest.mark.parametrize("form", ['tiff:Orientation="{}"', "<tiff:Orientation>{}</tiff:Orientation>"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_xmp_counts_where_exif_is_silent(corner_marked, encode, form, kind):
    packet = f"<x:xmpmeta>{form.format(8)}</x:xmpmeta>".encode()
    stored = np.ascontiguousarray(STORED[8](corner_marked))
    if kind == "JPEG":
        data = encode(stored, "JPEG", xmp=packet)
    else:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        data = encode(stored, "PNG", pnginfo=info)
    picture = decode(data)
    assert (picture.width, picture.height) == (64, 40)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_both_byte_orders_and_every_integer_type(order, kind):
    for value in range(1, 9):
        assert orientation.of_exif(exif(value, order=order, kind=kind)) == value
        assert orientation.of_exif(b"Exif\0\0" + exif(value, order=order, kind=kind)) == value


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_value_out_of_range_counts_as_upright(value):
    assert orientation.of_exif(exif(value)) == 1


def test_no_tag_is_not_the_same_as_upright():
    assert orientation.of_exif(b"II*\0\x08\0\0\0\0\0\0\0\0\0") is None


@given(st.binary(max_size=80))
def test_broken_exif_never_raises(noise):
    for block in (noise, b"II*\0" + noise, b"MM\0*" + noise, exif(6)[: len(noise)]):
        assert orientation.of_exif(block) in (None, *range(1, 9))
    assert orientation.of_jpeg(b"\xff\xd8\xff\xe1" + noise) in (None, *range(1, 9))
    assert orientation.of_xmp(noise) in (None, *range(1, 9))


@pytest.mark.parametrize("value", range(1, 9))
def test_turning_agrees_with_the_definition(value):
    upright = np.random.default_rng(value).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    turned = orientation.upright(np.ascontiguousarray(STORED[value](upright)), value)
    assert np.array_equal(turned, upright)
    assert turned.flags.c_contiguous
