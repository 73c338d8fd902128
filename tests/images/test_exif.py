"""Facts of EXIF, read from the headers of every format that carries it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookalike.images import Limits, decode
from lookalike.images.exif import exif_facts
from lookalike.images.image import Decoding


@pytest.fixture
def exif():
    """EXIF of five fields: make, orientation, time of change, time of taking, latitude's hemisphere."""
    found = Image.Exif()
    found[0x010F] = "Maker"
    found[0x0112] = 6
    found[0x0132] = "2025:01:01 00:00:00"
    found.get_ifd(0x8769)[0x9003] = "2024:02:29 12:34:56"
    found.get_ifd(0x8825)[1] = "N"
    return found


def encoded(kind, exif):
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (10, 200, 30)).save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "fields"), [("JPEG", 5), ("PNG", 5), ("WEBP", 5), ("TIFF", 5), ("AVIF", 4)])
def test_time_and_number_of_fields(kind, fields, exif):
    """In AVIF the orientation is a property of the picture, not a field."""
    assert exif_facts(encoded(kind, exif.tobytes())) == ("2024-02-29T12:34:56", fields)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP"])
def test_none_is_none(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24)).save(buffer, kind)
    assert exif_facts(buffer.getvalue()) == ("", 0)


def test_how_a_tiff_stores_its_pixels_is_no_exif():
    """Or a TIFF made of a JPEG would be kept before it, as the richer of the two."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24)).save(buffer, "TIFF", dpi=(72, 72), compression="tiff_lzw")
    assert exif_facts(buffer.getvalue()) == ("", 0)


def test_another_time_stands_in(exif):
    del exif.get_ifd(0x8769)[0x9003]
    assert exif_facts(encoded("JPEG", exif.tobytes()))[0] == "2025-01-01T00:00:00"
    exif[0x0132] = "0000:00:00 00:00:00"
    assert exif_facts(encoded("JPEG", exif.tobytes()))[0] == ""


@given(st.binary(max_size=200), st.integers(0, 200), st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF"]))
def test_damage_counts_as_absence(noise, at, kind):
    found = Image.Exif()
    found[0x0132] = "2025:01:01 00:00:00"
    data = bytearray(encoded(kind, found))
    data[at : at + len(noise)] = noise
    when, count = exif_facts(bytes(data))
    assert isinstance(when, str)
    assert count >= 0


def test_a_ring_of_directories_ends():
    ring = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" + bytes(4)
    assert exif_facts(ring) == ("", 0)


def test_a_decoded_picture_tells_them(exif):
    image = decode(encoded("JPEG", exif.tobytes()))
    assert (image.taken, image.exif) == ("2024-02-29T12:34:56", 5)
    apart = Limits(decoding=Decoding(processes=1))
    again = decode(encoded("JPEG", exif.tobytes()), limits=apart)
    assert (again.taken, again.exif) == (image.taken, image.exif)
