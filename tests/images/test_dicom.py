"""DICOM, by the extra: what a viewer would first show."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable
from lookalike.images import Limits, decode
from lookalike.images.image import Decoding

pydicom = pytest.importorskip("pydicom", reason="needs the extra dicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.uid import (  # noqa: E402
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)


def dicom(array, *, bits=None, photometric=None, syntax=None, **attributes):
    """A file of an array, (H, W), (H, W, 3), or (frames, H, W) where NumberOfFrames is given."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = SecondaryCaptureImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    file = Dataset()
    file.file_meta, file.SOPClassUID, file.SOPInstanceUID = meta, SecondaryCaptureImageStorage, "1.2.3"
    color = array.ndim == 3 and array.shape[2] == 3
    file.Rows, file.Columns = array.shape[:2] if color else array.shape[-2:]
    file.SamplesPerPixel = 3 if color else 1
    file.PhotometricInterpretation = photometric or ("RGB" if color else "MONOCHROME2")
    if color:
        file.PlanarConfiguration = 0
    file.BitsAllocated = 8 * array.dtype.itemsize
    file.BitsStored = bits or file.BitsAllocated
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(np.issubdtype(array.dtype, np.signedinteger))
    for name, value in attributes.items():
        setattr(file, name, value)
    file.PixelData = array.tobytes()
    file["PixelData"].VR = "OB" if file.BitsAllocated == 8 else "OW"
    if syntax:
        file.compress(syntax)
    target = io.BytesIO()
    file.save_as(target, enforce_file_format=True)
    return target.getvalue()


@pytest.fixture(scope="module")
def gray(photo):
    return np.ascontiguousarray(photo[:, :450, 1])  # an even number of bytes in a row


@pytest.fixture(scope="module")
def deep(gray):
    """Twelve bits, from 300 to 2340, as a scanner may give."""
    return gray.astype(np.uint16) * 8 + 300


def shown(data):
    pixels = decode(data).pixels
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    return pixels[..., 0].astype(int)


def test_eight_bits_are_as_they_are(gray):
    picture = decode(dicom(gray))
    assert (picture.format, picture.width, picture.height) == ("DICOM", 450, 300)
    assert np.array_equal(picture.pixels[..., 1], gray)
    assert np.array_equal(shown(dicom(gray, photometric="MONOCHROME1")), 255 - gray)


def test_sixteen_bits_without_a_window_are_spread_over_what_there_is(gray, deep):
    low, high = int(gray.min()), int(gray.max())
    expected = np.rint((gray.astype(int) - low) / (high - low) * 255)
    assert np.abs(shown(dicom(deep, bits=12)) - expected).max() <= 1
    assert np.abs(shown(dicom(deep.astype(np.int16) - 2000)) - expected).max() <= 1
    assert np.unique(shown(dicom(deep, bits=12))).size > 150


def test_a_window_is_obeyed(deep):
    got = shown(dicom(deep, bits=12, WindowCenter="1000", WindowWidth="801"))
    assert (got[deep <= 599] == 0).all()
    assert (got[deep >= 1400] == 255).all()
    between = (deep > 599) & (deep < 1400)
    assert np.abs(got - (deep.astype(float) - 599.5) / 800 * 255)[between].max() <= 1


def test_the_first_of_several_windows_counts_and_slopes_come_before_it(deep):
    one = shown(dicom(deep, bits=12, WindowCenter="1000", WindowWidth="801"))
    two = {"WindowCenter": ["-24", "0"], "WindowWidth": ["801", "9"]}
    assert np.abs(shown(dicom(deep, bits=12, RescaleSlope="1", RescaleIntercept="-1024", **two)) - one).max() <= 1
    exact = dicom(deep, bits=12, WindowCenter="1000", WindowWidth="801", VOILUTFunction="LINEAR_EXACT")
    assert np.abs(shown(exact) - one).max() <= 1
    curve = shown(dicom(deep, bits=12, WindowCenter="1000", WindowWidth="801", VOILUTFunction="SIGMOID"))
    assert abs(int(curve[deep == 996].mean()) - 127) <= 2


def test_a_window_in_a_functional_group_counts(deep):
    window, shared = Dataset(), Dataset()
    window.WindowCenter, window.WindowWidth = "1000", "801"
    shared.FrameVOILUTSequence = [window]
    grouped = dicom(deep, bits=12, SharedFunctionalGroupsSequence=[shared])
    assert np.array_equal(shown(grouped), shown(dicom(deep, bits=12, WindowCenter="1000", WindowWidth="801")))


def test_a_table_is_obeyed(gray):
    table = Dataset()
    table.LUTDescriptor = [256, 0, 16]
    table.add_new("LUTData", "OW", (np.arange(255, -1, -1) * 257).astype("<u2").tobytes())
    assert np.abs(shown(dicom(gray, VOILUTSequence=[table])) - (255 - gray.astype(int))).max() <= 1


def test_padding_is_black_and_spreads_nothing(deep):
    padded = deep.astype(np.int16)
    padded[:40] = -32768
    got = shown(dicom(padded, PixelPaddingValue=-32768))
    assert (got[:40] == 0).all()
    assert np.ptp(got[40:]) > 200


def test_color_and_palettes(photo):
    even = np.ascontiguousarray(photo[:, :450])
    assert np.array_equal(decode(dicom(even)).pixels, even)
    ramp = np.arange(256, dtype=np.uint16)
    tables = {
        f"{color}PaletteColorLookupTable{what}": value
        for color, levels in (("Red", ramp), ("Green", 255 - ramp), ("Blue", ramp // 2))
        for what, value in (("Descriptor", [256, 0, 16]), ("Data", (levels * 257).astype("<u2").tobytes()))
    }
    index = np.ascontiguousarray(even[..., 0])
    expected = np.dstack([index, 255 - index, index // 2])
    got = decode(dicom(index, photometric="PALETTE COLOR", **tables)).pixels
    assert np.abs(got.astype(int) - expected).max() <= 1


def test_the_first_of_many_frames(gray):
    frames = np.stack([gray, 255 - gray, gray // 2])
    assert np.array_equal(shown(dicom(frames, NumberOfFrames=3)), gray)


def test_run_lengths(deep):
    assert np.array_equal(shown(dicom(deep, bits=12, syntax=RLELossless)), shown(dicom(deep, bits=12)))


@pytest.mark.parametrize("codec", ["ljpeg", "jpegls", "jpeg2k"])
def test_compressions_of_scanners(deep, codec):
    """Lossless JPEG, JPEG-LS and JPEG 2000."""
    pytest.importorskip("gdcm", reason="needs the extra dicom")
    codecs = pytest.importorskip("imagecodecs", reason="nothing else here encodes these")
    coded = {
        "ljpeg": lambda: (JPEGLosslessSV1, codecs.ljpeg_encode(deep, bitspersample=16)),
        "jpegls": lambda: (JPEGLSLossless, codecs.jpegls_encode(deep)),
        "jpeg2k": lambda: (JPEG2000Lossless, codecs.jpeg2k_encode(deep, codecformat="j2k", reversible=True, level=0)),
    }
    file = pydicom.dcmread(io.BytesIO(dicom(deep)))
    file.file_meta.TransferSyntaxUID, data = coded[codec]()
    file.PixelData = encapsulate([data])
    target = io.BytesIO()
    file.save_as(target)
    assert np.array_equal(shown(target.getvalue()), shown(dicom(deep)))


def test_a_file_without_pixels_is_no_picture(gray):
    file = pydicom.dcmread(io.BytesIO(dicom(gray)))
    del file.Rows
    target = io.BytesIO()
    file.save_as(target)
    with pytest.raises(ImageUnreadable, match="it holds no picture"):
        decode(target.getvalue())


def test_pixels_are_limited_by_the_header(gray):
    with pytest.raises(ImageTooLarge, match="135,000 pixels"):
        decode(dicom(gray)[:2000], limits=Limits(pixels=134_999))


@pytest.mark.parametrize("length", [200, 700, 100_000])
def test_a_file_cut_short_is_refused(gray, length):
    with pytest.raises(ImageUnreadable, match="damaged DICOM"):
        decode(dicom(gray)[:length])


def test_in_processes_that_decode(deep):
    data = dicom(deep, bits=12)
    limits = Limits(decoding=Decoding(processes=1))
    assert np.array_equal(decode(data, limits=limits).pixels, decode(data).pixels)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=5))
def test_damage_raises_nothing_but_image_errors(flips):
    data = bytearray(dicom(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64), WindowCenter="9", WindowWidth="20"))
    for where, bit in flips:
        data[132 + int(where**4 * (len(data) - 133))] ^= 1 << bit
    assert outcome(bytes(data))


def outcome(data):
    """The pixels' shape, or why there are none. Anything raised but an ImageError fails the test."""
    try:
        return decode(data, limits=Limits(pixels=200_000)).pixels.shape
    except ImageError as error:
        return error.reason
