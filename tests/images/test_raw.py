"""Camera RAW: files as cameras build them, written here, their previews found without any library."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import DecoderMissing, ImageError, ImageTooLarge, ImageUnreadable
from lookalike.images import Limits, decode, extras, raw, read_image, tiff
from lookalike.images.image import Decoding

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 1, 2, 3, 4, 5, 7, 10
CFA, YCBCR = 32803, 6


class Writer:
    """A TIFF file from its parts, the inner ones first. magic: the first four bytes."""

    def __init__(self, magic=b"II*\0"):
        self.data = bytearray(magic + bytes(4))

    def blob(self, content):
        self.data += bytes(-len(self.data) % 2)
        self.data += content
        return len(self.data) - len(content)

    def directory(self, tags, following=0):
        """tags: tag -> (kind, values) in the order of their numbers; values of bytes are taken as they are."""
        letters = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i"}
        entries = b""
        for tag, (kind, values) in sorted(tags.items()):
            body = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{letters[kind]}", *values)
            count = len(values) // (2 if kind in (RATIONAL, SRATIONAL) else 1)
            place = body.ljust(4, b"\0") if len(body) <= 4 else struct.pack("<I", self.blob(body))
            entries += struct.pack("<HHI", tag, kind, count) + place
        return self.blob(struct.pack("<H", len(tags)) + entries + struct.pack("<I", following))

    def finish(self, first):
        self.data[4:8] = struct.pack("<I", first)
        return bytes(self.data)


def jpeg(pixels, **options):
    file = io.BytesIO()
    Pil.fromarray(pixels).save(file, "JPEG", quality=92, **options)
    return file.getvalue()


def size(width, height):
    return {256: (LONG, [width]), 257: (LONG, [height])}


def sensor(file, width=6000, height=4000):
    """The directory of a sensor's data, which is not there."""
    return file.directory({**size(width, height), 259: (SHORT, [34713]), 262: (SHORT, [CFA])})


def nef(preview, orientation=1):
    file = Writer()
    at = file.blob(preview)
    small = file.directory({513: (LONG, [at]), 514: (LONG, [len(preview)])})
    tags = {**size(160, 120), 262: (SHORT, [2]), 271: (ASCII, b"NIKON CORPORATION\0"), 274: (SHORT, [orientation])}
    return file.finish(file.directory({**tags, 330: (LONG, [small, sensor(file)])}))


def arw(preview, orientation=1):
    file = Writer()
    at, data = file.blob(preview), sensor(file)
    tags = {271: (ASCII, b"SONY\0"), 274: (SHORT, [orientation]), 330: (LONG, [data])}
    return file.finish(file.directory({**tags, 513: (LONG, [at]), 514: (LONG, [len(preview)])}))


def cr2(preview, orientation=1):
    file = Writer()
    file.blob(b"CR\x02\0" + bytes(4))
    at = file.blob(preview)
    lossless = b"\xff\xd8\xff\xc3\0\x0b\x0e" + struct.pack(">HH", 4000, 6000) + b"\1\1\x11\0\xff\xd9"
    last = file.directory({259: (SHORT, [6]), 273: (LONG, [file.blob(lossless)]), 279: (LONG, [len(lossless)])})
    tags = {**size(6000, 4000), 259: (SHORT, [6]), 274: (SHORT, [orientation])}
    return file.finish(file.directory({**tags, 273: (LONG, [at]), 279: (LONG, [len(preview)])}, last))


def rw2(preview, orientation=1):
    file = Writer(b"IIU\0")
    tags = {46: (UNDEFINED, preview), 274: (SHORT, [orientation])}
    return file.finish(file.directory(tags))


def raf(preview, orientation=1):
    """The preview of this format has the orientation itself."""
    marked = Pil.Exif()
    marked[0x0112] = orientation
    file = io.BytesIO()
    Pil.open(io.BytesIO(preview)).save(file, "JPEG", quality=92, exif=marked.tobytes())
    return b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 160, file.tell()) + bytes(68) + file.getvalue()


def box(kind, body):
    return struct.pack(">I", len(body) + 8) + kind + body


def cr3(preview, orientation=1):
    facts = Writer()
    block = facts.finish(facts.directory({**size(6000, 4000), 274: (SHORT, [orientation])}))
    shown = box(b"PRVW", bytes(4) + struct.pack(">HHHHI", 1, 1620, 1080, 1, len(preview)) + preview)
    brands = box(b"ftyp", b"crx \0\0\0\1crx isom")
    return brands + box(b"moov", box(b"uuid", bytes(16) + box(b"CMT1", block))) + box(b"uuid", bytes(24) + shown)


def dng(pixels, orientation=1, preview=None):
    """Linear light behind a Bayer pattern, in 16 bits, with a color matrix near that of sRGB."""
    light = (pixels / 255.0) ** 2.2
    mosaic = light[:, :, 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    height, width = mosaic.shape
    file = Writer()
    at = file.blob((mosaic * 65535).astype("<u2").tobytes())
    from_xyz = [32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572]  # to sRGB, in ten thousandths
    tags = {
        254: (LONG, [0]), **size(width, height), 258: (SHORT, [16]), 259: (SHORT, [1]), 262: (SHORT, [CFA]),
        271: (ASCII, b"Drawn\0"), 272: (ASCII, b"Drawn\0"), 273: (LONG, [at]), 274: (SHORT, [orientation]),
        277: (SHORT, [1]), 278: (LONG, [height]), 279: (LONG, [2 * width * height]),
        33421: (SHORT, [2, 2]), 33422: (BYTE, [0, 1, 1, 2]), 50706: (BYTE, [1, 4, 0, 0]),
        50708: (ASCII, b"Drawn\0"), 50717: (LONG, [65535]), 50778: (SHORT, [21]),
        50721: (SRATIONAL, [part for level in from_xyz for part in (level, 10000)]),
        50728: (RATIONAL, [1, 1, 1, 1, 1, 1]),
    }  # fmt: skip
    if preview is not None:
        strip, length = file.blob(preview), len(preview)
        small = {
            254: (LONG, [1]),
            259: (SHORT, [7]),
            262: (SHORT, [YCBCR]),
            273: (LONG, [strip]),
            279: (LONG, [length]),
        }
        tags[330] = (LONG, [file.directory(small)])
    return file.finish(file.directory(tags))


def outcome(data):
    """The pixels' shape, or why there are none. Anything raised but an ImageError fails the test."""
    try:
        hurried = Decoding(processes=1, seconds=1)  # some damage makes LibRaw go on and on
        return decode(data, limits=Limits(pixels=200_000, decoding=hurried)).pixels.shape
    except ImageError as error:
        return error.reason


CAMERAS = {"NEF": nef, "ARW": arw, "CR2": cr2, "RW2": rw2, "RAF": raf, "CR3": cr3}


@pytest.fixture(scope="module")
def shown(corner_marked):
    """What the preview shows, (600, 960, 3)."""
    return np.asarray(Pil.fromarray(corner_marked).resize((960, 600), Pil.Resampling.NEAREST))


@pytest.fixture
def without(monkeypatch):
    """Without the library for RAW."""
    monkeypatch.setattr(extras, "_is_there", lambda module: False)


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_preview_is_the_picture_upright_with_nothing_installed(camera, orientation, shown, psnr, without):
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    picture = decode(CAMERAS[camera](jpeg(shown), orientation))
    assert picture.format == "RAW"
    assert psnr(picture.pixels, np.rot90(shown, turns)) > 30
    whole = (960, 600) if camera in ("CR2", "RW2", "RAF") else (6000, 4000)
    assert (picture.width, picture.height) == (whole if turns % 2 == 0 else whole[::-1])


def test_a_large_preview_is_scaled_as_it_is_decoded(shown, without):
    picture = decode(nef(jpeg(shown)), wants=100)
    assert picture.pixels.shape == (300, 480, 3)
    assert (picture.width, picture.height) == (6000, 4000)


def test_the_largest_of_several_previews_counts(shown, without):
    small = jpeg(shown[::2, ::2])
    file = Writer()
    at, larger = file.blob(small), file.blob(jpeg(shown))
    large = file.directory({513: (LONG, [larger]), 514: (LONG, [len(jpeg(shown))])})
    tags = {330: (LONG, [large, sensor(file)]), 513: (LONG, [at]), 514: (LONG, [len(small)])}
    assert decode(file.finish(file.directory(tags))).pixels.shape == shown.shape


@pytest.mark.parametrize(("side", "wants"), [(120, None), (600, 400)])
def test_a_preview_too_small_names_the_extra(side, wants, shown, without):
    data = nef(jpeg(shown[:side, : side * 8 // 5]))
    with pytest.raises(DecoderMissing, match=r'cat\.nef: a RAW picture.*pip install "lookalike\[raw\]"') as caught:
        decode(data, name="cat.nef", wants=wants)
    assert caught.value.extra == "raw"


def test_a_scanned_tiff_of_a_camera_maker_is_no_raw_file(shown, encode):
    assert decode(encode(shown, "TIFF", tiffinfo={271: "NIKON", 272: "LS-5000"})).format == "TIFF"


def test_pixels_are_limited_in_the_preview_as_anywhere(shown, without):
    with pytest.raises(ImageTooLarge):
        decode(arw(jpeg(shown)), limits=Limits(pixels=500_000))


def test_offsets_out_of_the_file_and_circles_count_as_absent(without):
    circle = Writer()
    first = circle.directory({330: (LONG, [8]), 513: (LONG, [2**32 - 2]), 514: (LONG, [2**31])}, following=8)
    assert first == 8
    assert len(tiff.directories(circle.finish(8))) == 1
    assert raw.preview(circle.finish(8)) is None
    many = Writer()
    at = 0
    for _ in range(200):
        at = many.directory({262: (SHORT, [CFA])}, at)
    assert len(tiff.directories(many.finish(at))) < 50


class TestSensor:
    """What LibRaw makes of the sensor's data."""

    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("rawpy", reason="needs the extra raw")

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_it_is_developed_where_there_is_no_preview(self, shown, orientation):
        picture = decode(dng(shown, orientation))
        expected = np.rot90(shown, 3 if orientation == 6 else 0)
        assert (picture.width, picture.height) == (expected.shape[1], expected.shape[0])
        height, width = picture.pixels.shape[:2]
        for y in (height // 4, 3 * height // 4):  # the corners keep their hues; how bright they are is LibRaw's choice
            for x in (width // 4, 3 * width // 4):
                got, want = picture.pixels[y, x].astype(int), expected[y, x].astype(int)
                assert np.ptp(got) < 40 if np.ptp(want) == 0 else got.argmax() == want.argmax()

    def test_half_the_size_does_where_little_is_wanted(self, shown):
        picture = decode(dng(shown), wants=100)
        assert picture.pixels.shape == (300, 480, 3)
        assert (picture.width, picture.height) == (960, 600)

    def test_a_preview_goes_before_it(self, shown, psnr):
        picture = decode(dng(255 - shown, preview=jpeg(shown)))
        assert psnr(picture.pixels, shown) > 30

    def test_pixels_are_limited_before_anything_is_developed(self, shown):
        with pytest.raises(ImageTooLarge, match="576,000 pixels"):
            decode(dng(shown), limits=Limits(pixels=500_000))

    def test_in_processes_that_decode(self, shown):
        limits = Limits(decoding=Decoding(processes=1))
        assert np.array_equal(decode(dng(shown), limits=limits).pixels, decode(dng(shown)).pixels)

    @pytest.mark.parametrize("missing", [10, 10_000, 500_000])
    def test_a_file_cut_short_is_refused(self, shown, missing):
        data = dng(shown)
        strip = data.index(struct.pack("<HHII", 273, LONG, 1, 8))  # the pixels come first: let others come last
        data = data[: strip + 8] + struct.pack("<I", len(data)) + data[strip + 12 :] + data[8 : 8 + 2 * 600 * 960]
        assert decode(data).width == 960
        with pytest.raises(ImageUnreadable, match="damaged RAW"):
            decode(data[:-missing])

    def test_nothing_but_a_header_is_no_picture(self):
        with pytest.raises(ImageUnreadable, match="damaged RAW"):
            decode(cr2(b"no JPEG at all"))

    @settings(max_examples=20)
    @given(st.data())
    def test_damage_raises_nothing_but_image_errors(self, data):
        whole = bytearray(dng(np.full((64, 96, 3), 90, np.uint8)))
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(len(whole) - 700, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        assert outcome(bytes(whole[: data.draw(st.integers(100, len(whole)))]))


@settings(max_examples=300)
@given(camera=st.sampled_from(sorted(CAMERAS)), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7))))
def test_previews_of_damaged_files_are_found_or_not(camera, flips):
    data = bytearray(CAMERAS[camera](jpeg(np.full((512, 512, 3), 128, np.uint8))))
    for where, bit in flips:
        data[int(where * (len(data) - 1))] ^= 1 << bit
    found = raw.preview(bytes(data))
    assert found is None or found.jpeg in bytes(data)


def test_a_preview_that_is_damaged_is_refused(shown, tmp_path):
    preview = bytearray(jpeg(shown))
    del preview[len(preview) // 2 :]
    path = tmp_path / "cat.nef"
    path.write_bytes(nef(bytes(preview)))
    with pytest.raises(ImageUnreadable, match=r"cat\.nef: damaged"):
        read_image(path)
