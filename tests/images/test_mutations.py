"""Damage of any kind, in any format: a picture or an ImageError, never anything else."""

import io
from functools import cache

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import ImageError
from lookalike.images import Image, Limits, decode

LIMITS = Limits(pixels=200_000)  # small, so that a mutated header costs no time


def encoded(picture: Pil.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@cache
def seeds() -> dict[str, bytes]:
    noise = np.random.default_rng(3).integers(0, 256, (24, 32, 4), dtype=np.uint8)
    rgba = Pil.fromarray(noise)
    rgb, gray, palette = rgba.convert("RGB"), rgba.convert("L"), rgba.convert("RGB").quantize(16)
    tags = Pil.Exif()
    tags[0x0112] = 6
    heic = io.BytesIO()
    pillow_heif.from_pillow(rgb).save(heic)
    return {
        "jpeg": encoded(rgb, "JPEG", exif=tags.tobytes()),
        "progressive jpeg": encoded(rgb, "JPEG", progressive=True),
        "cmyk jpeg": encoded(rgb.convert("CMYK"), "JPEG"),
        "png": encoded(rgba, "PNG", exif=tags.tobytes()),
        "palette png": encoded(palette, "PNG", transparency=3),
        "deep png": encoded(Pil.fromarray(noise[..., 0].astype(np.uint16) * 257), "PNG"),
        "apng": encoded(rgba, "PNG", save_all=True, append_images=[rgba.rotate(180)]),
        "gif": encoded(palette, "GIF", save_all=True, append_images=[palette.rotate(90)], transparency=2),
        "bmp": encoded(palette, "BMP"),
        "tiff": encoded(rgb, "TIFF"),
        "lzw tiff": encoded(gray, "TIFF", compression="tiff_lzw", exif=tags.tobytes()),
        "webp": encoded(rgba, "WEBP", exif=tags.tobytes()),
        "avif": encoded(rgb, "AVIF"),
        "heic": heic.getvalue(),
        "ico": encoded(rgba, "ICO", sizes=[(16, 16), (24, 24)]),
        "bmp ico": encoded(rgba, "ICO", sizes=[(16, 16)], bitmap_format="bmp"),
        "tga": encoded(rgba, "TGA", compression="tga_rle"),
        "ppm": encoded(rgb, "PPM"),
        "plain pgm": b"P2 # gray\n4 3\n99\n" + b" ".join(b"%d" % level for level in range(0, 96, 8)),
        "pbm": encoded(gray.convert("1"), "PPM"),
    }


mutation = st.one_of(
    st.tuples(st.just("set"), st.floats(0, 1), st.integers(0, 255)),
    st.tuples(st.just("flip"), st.floats(0, 0.2), st.integers(0, 7)),  # headers are where it hurts
    st.tuples(st.just("cut"), st.floats(0, 1), st.integers(1, 64)),
    st.tuples(st.just("insert"), st.floats(0, 1), st.binary(min_size=1, max_size=16)),
    st.tuples(st.just("end"), st.floats(0, 1), st.none()),
)


def mutate(data: bytes, changes: list[tuple[str, float, object]]) -> bytes:
    changed = bytearray(data)
    for action, where, what in changes:
        if not changed:
            break
        at = min(int(where * len(changed)), len(changed) - 1)
        if action == "set":
            changed[at] = what
        elif action == "flip":
            changed[at] ^= 1 << what
        elif action == "cut":
            del changed[at : at + what]
        elif action == "insert":
            changed[at:at] = what
        else:
            del changed[at:]
    return bytes(changed)


@pytest.mark.parametrize("name", seeds())
def test_the_seed_is_valid(name):
    assert decode(seeds()[name], limits=LIMITS).pixels.size


def outcome(data: bytes, wants: int | None = None) -> Image | str:
    """The picture, or why there is none. Anything raised but an ImageError fails the test."""
    try:
        return decode(data, limits=LIMITS, wants=wants)
    except ImageError as error:
        return error.reason


@pytest.mark.parametrize("name", seeds())
@settings(max_examples=120)
@given(changes=st.lists(mutation, min_size=1, max_size=6), wants=st.sampled_from([None, 2]))
def test_damage_raises_nothing_but_image_errors(name, changes, wants):
    got = outcome(mutate(seeds()[name], changes), wants)
    if isinstance(got, str):
        assert got.strip()
    else:
        height, width, channels = got.pixels.shape
        assert channels == 3
        assert 0 < height <= got.height
        assert 0 < width <= got.width


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_noise_raises_nothing_but_image_errors(noise):
    for start in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"GIF89a", b"II*\0", b"P3 ", b"RIFF"):
        assert outcome(start + noise)
