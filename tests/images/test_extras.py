"""Formats that need an extra: without it each file says which, and nothing else stops."""

import subprocess
import sys

import numpy as np
import pytest

from lookalike.errors import DecoderMissing, ImageUnreadable
from lookalike.folders.scan import scan
from lookalike.images import decode, extras, read_image
from lookalike.images.decode import FORMATS
from lookalike.images.endings import ENDINGS, EXTENSIONS
from lookalike.images.headers import sniff

HEADS = {
    "JXL": [b"\xff\x0a\x0e", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "RAW": [b"FUJIFILMCCD-RAW 0201", b"IIU\0\x08\0\0\0", b"IIRO\x08\0\0\0", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"],
    "DICOM": [bytes(128) + b"DICM\2\0\0\0"],
    "VIDEO": [
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
        b"\0\0\0\x14ftypqt  \0\0\2\0qt  ",
        b"\0\0\0\x08wide\0\0\0\0mdat",
        b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1f",
        b"RIFF\x10\0\0\0AVI LIST",
    ],
}
CASES = [(kind, head.ljust(200, b"\0")) for kind, heads in HEADS.items() for head in heads]


@pytest.mark.parametrize(("kind", "data"), CASES)
def test_bytes_tell_the_format(kind, data):
    assert sniff(data) == kind


@pytest.mark.parametrize(("kind", "data"), CASES)
def test_a_missing_extra_is_named_with_the_way_to_it(kind, data, monkeypatch):
    monkeypatch.setattr(extras, "_is_there", lambda module: False)
    with pytest.raises(DecoderMissing) as caught:
        decode(data, name="holiday")
    error = caught.value
    assert isinstance(error, ImageUnreadable)
    assert (error.code, error.extra, error.source) == ("decoder_missing", kind.lower(), "holiday")
    assert f'pip install "lookalike[{error.extra}]" reads it' in error.reason
    assert extras.installed() == []


@pytest.mark.parametrize(("kind", "data"), CASES)
def test_a_head_alone_is_no_picture(kind, data):
    if not extras.EXTRAS[kind].is_installed:
        pytest.skip(f"needs the extra {extras.EXTRAS[kind].name}")
    with pytest.raises(ImageUnreadable, match=f"damaged {kind}"):
        decode(data)


def test_every_format_has_its_endings():
    assert set(ENDINGS) == set(FORMATS) - {"ICO"}  # icons are read, and not looked for
    assert {".cr2", ".jxl", ".dcm", ".mp4", ".heic"} <= EXTENSIONS
    assert all(ending == ending.lower() and ending.startswith(".") for ending in EXTENSIONS)


def test_a_folder_goes_on_around_what_cannot_be_read(photo, encode, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "_is_there", lambda module: False)
    (tmp_path / "a.mp4").write_bytes(HEADS["VIDEO"][0])
    (tmp_path / "b.png").write_bytes(encode(photo, "PNG"))
    first, second = scan(tmp_path).pictures
    with pytest.raises(DecoderMissing, match=r"a\.mp4: a video; pip install"):
        read_image(first)
    assert np.array_equal(read_image(second).pixels, photo)


def test_no_extra_is_loaded_before_it_is_needed():
    modules = {extra.module for extra in extras.EXTRAS.values()}
    ours = "lookalike.images.decode, lookalike.images.video, lookalike.images.dicom, lookalike.images.jxl"
    probe = f"import sys, {ours}; print({modules} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
