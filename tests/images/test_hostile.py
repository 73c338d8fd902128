"""719 files from the test corpora of other decoders and fuzzers: each gives a picture or a clear refusal."""

import csv
import io
import json
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image as Pil
from PIL import ImageOps

from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable
from lookalike.images import decode
from lookalike.images.decode import FORMATS

TOLERANCE = 2  # levels: libjpeg-turbo's CMYK conversion against Pillow's; everything else is within 1

# Files the list says Pillow can read, and why they give no pixels here. By their number in the set.
DAMAGED_PNG = {
    "0016", "0019", "0025", "0070", "0126", "0185", "0196", "0221",
    "0231", "0418", "0435", "0436", "0445", "0484", "0524", "0542",
}  # the compressed pixels are corrupt or cut off: Pillow itself refuses them (see the test below)  # fmt: skip
DAMAGED_JPEG = {"0410"}  # its data ends before its last pixel: libjpeg says so, and Pillow does not listen


@pytest.fixture(scope="module")
def hostile(shared_data):
    """Each file's row of labels.csv with its bytes."""
    with tarfile.open(shared_data / "hostile.tar") as archive:
        labels = archive.extractfile("labels.csv").read().decode()
        rows = list(csv.DictReader(io.StringIO(labels)))
        return [(row, archive.extractfile(row["file"]).read()) for row in rows]


@pytest.fixture(scope="module")
def unpacked(hostile, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for row, data in hostile:
        (folder / row["file"]).write_bytes(data)
    return folder


SCRIPT = """
import json, sys, warnings
from pathlib import Path
from lookalike.errors import ImageError
from lookalike.images import read_image

warnings.simplefilter("error")
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        picture = read_image(path)
        answer = [picture.width, picture.height, *picture.pixels.shape]
    except ImageError as error:
        answer = error.reason
    print(json.dumps([path.name, answer]), flush=True)
"""


def test_none_of_them_crashes_or_hangs_a_process(unpacked, hostile):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(unpacked)], capture_output=True, text=True, timeout=120, check=False
    )
    answers = dict(json.loads(line) for line in run.stdout.splitlines())
    last = max(answers, default="before the first file")
    assert run.returncode == 0, f"the process died after {last}: {run.stderr[-500:]}"
    assert len(answers) == len(hostile) == 719
    for name, answer in answers.items():
        if isinstance(answer, str):
            assert answer.strip(), name
        else:
            width, height, *shape = answer
            assert shape == [height, width, 3], name


def as_pillow_shows_it(data):
    """Upright, on white; 16-bit gray by its high byte, which Pillow's own conversion clips."""
    picture = ImageOps.exif_transpose(Pil.open(io.BytesIO(data)))
    if picture.mode.startswith("I"):
        gray = np.asarray(picture) >> 8
        if isinstance(key := picture.info.get("transparency"), int):
            gray = np.where(np.asarray(picture) == key, 255, gray)
        return np.repeat(gray[..., None], 3, axis=2).astype(np.uint8)
    picture = picture.convert("RGBA")
    white = Pil.new("RGBA", picture.size, "white")
    return np.asarray(Pil.alpha_composite(white, picture).convert("RGB"))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_what_pillow_reads_gives_the_same_pixels(hostile):
    wrong, compared = [], 0
    for row, data in hostile:
        number = row["file"][:4]
        if row["pillow13_outcome"] != "ok" or row["format"] not in FORMATS:
            continue
        if number in DAMAGED_PNG | DAMAGED_JPEG:
            continue
        try:
            picture = decode(data)
        except ImageError as error:
            wrong.append(f"{row['file']}: {error.reason}")
            continue
        expected = as_pillow_shows_it(data)
        if picture.pixels.shape != expected.shape:
            wrong.append(f"{row['file']}: shape {picture.pixels.shape}, Pillow's {expected.shape}")
        elif (off := np.abs(picture.pixels.astype(int) - expected).max()) > TOLERANCE:
            wrong.append(f"{row['file']}: {off} levels off")
        compared += 1
    assert wrong == []
    assert compared > 370


def test_the_exceptions_are_exceptions_for_the_reasons_given(hostile):
    for row, data in hostile:
        number = row["file"][:4]
        if number in DAMAGED_PNG:
            with pytest.raises(ImageUnreadable, match="damaged PNG"):
                decode(data)
            with pytest.raises(OSError, match=r".+"):
                Pil.open(io.BytesIO(data)).load()
        if number in DAMAGED_JPEG:
            with pytest.raises(ImageUnreadable, match="premature end of data segment"):
                decode(data)


def test_formats_off_the_list_are_refused_even_where_pillow_could(hostile):
    for row, data in hostile:
        if row["pillow13_outcome"] == "ok" and row["format"] not in FORMATS:
            with pytest.raises(ImageUnreadable):
                decode(data)


def test_bombs_are_refused_as_too_large(hostile):
    bombs = [(row, data) for row, data in hostile if row["pillow13_outcome"] == "DecompressionBombError"]
    assert len(bombs) == 6
    for row, data in bombs:
        expected = ImageUnreadable if row["file"].endswith(".icns") else ImageTooLarge
        with pytest.raises(expected):
            decode(data)
