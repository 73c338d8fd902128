"""Hashes: bit for bit those of the references they name, in all orientations, and the same forever."""

import csv
import io
import tarfile

import cv2
import imagehash
import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from lookalike.describers.hashes import (
    HASHES,
    MIN_QUALITY,
    ORIENTATIONS,
    HashDescriber,
    dhash,
    dhash_orientations,
    hamming,
    hash_pictures,
    orientations,
    phash,
    phash_orientations,
    phash_quality,
    thumbnail,
)
from lookalike.errors import InvalidArgument, ShapeMismatch
from lookalike.images.resize import to_gray

seeds = st.integers(0, 2**32 - 1)


def turn(picture: np.ndarray, orientation: int) -> np.ndarray:
    held = picture[:, ::-1] if orientation >= 4 else picture
    return np.ascontiguousarray(np.rot90(held, -(orientation % 4)))


def noise(seed: int, *shape: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    low, high = sorted(random.integers(0, 257, 2))
    return random.integers(low, max(high, low + 30), shape).clip(0, 255).astype(np.uint8)


def bits_off(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.bitwise_count(a ^ b).sum(axis=-1)


def packed(reference: imagehash.ImageHash) -> np.ndarray:
    return np.packbits(reference.hash.ravel())


def stripes(height: int, width: int) -> np.ndarray:
    """A picture drawn without any library's help."""
    y, x = np.mgrid[:height, :width]
    red = (x * 7 // 5 + y * y // 90) % 256
    green = np.where((x - width / 3) ** 2 + (y - height / 2) ** 2 < 2500, 220, 40 + x // 4)
    blue = (x // 37 + y // 23) % 2 * 190
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    data = pytest.importorskip("skimage.data", reason="the photographs come with scikit-image")
    names = (
        "astronaut",
        "coffee",
        "chelsea",
        "rocket",
        "brick",
        "grass",
        "gravel",
        "camera",
        "coins",
        "moon",
        "text",
        "retina",
    )
    found = [getattr(data, name)() for name in names]
    return [np.stack([one] * 3, axis=2) if one.ndim == 2 else one for one in found]


# --- Hamming distance ---


@given(npst.arrays(np.uint8, st.tuples(st.integers(0, 20), st.sampled_from([1, 5, 8, 32]))), seeds)
def test_hamming_counts_differing_bits(rows, seed):
    query = np.random.default_rng(seed).integers(0, 256, rows.shape[1], dtype=np.uint8)
    naive = [sum(bin(a ^ b).count("1") for a, b in zip(query.tolist(), row, strict=True)) for row in rows.tolist()]
    assert hamming(query, rows).tolist() == naive


def test_hamming_reaches_the_whole_width():
    rows = np.array([[0] * 32, [255] * 32], np.uint8)
    assert hamming(rows[0], rows).tolist() == [0, 256]


def test_hamming_takes_rows_of_a_larger_table():
    table = noise(1, 40, 16)
    assert hamming(table[3, 4:12], table[::2, 4:12])[0] == bits_off(table[3, 4:12], table[0, 4:12])


def test_hamming_refuses_hashes_of_other_widths():
    with pytest.raises(ShapeMismatch):
        hamming(np.zeros(8, np.uint8), np.zeros((3, 32), np.uint8))


# --- Against the references, thumbnail by thumbnail ---


@settings(max_examples=200)
@given(seeds)
def test_phash_is_imagehash_of_the_same_thumbnail(seed):
    gray = noise(seed, 32, 32)
    assert (phash(gray[None])[0] == packed(imagehash.phash(Image.fromarray(gray)))).all()


@given(npst.arrays(np.uint8, (8, 9)))
def test_dhash_is_imagehash_of_the_same_thumbnail(gray):
    assert (dhash(gray[None])[0] == packed(imagehash.dhash(Image.fromarray(gray)))).all()


def test_many_thumbnails_hash_as_each_alone():
    grays, small = noise(2, 50, 32, 32), noise(3, 50, 8, 9)
    assert (phash(grays) == np.concatenate([phash(gray[None]) for gray in grays])).all()
    assert (dhash(small) == np.concatenate([dhash(gray[None]) for gray in small])).all()


def test_drawn_and_real_pictures_hash_as_imagehash_but_for_a_bit(draw, photographs):
    pictures = [draw(seed) for seed in range(60)] + photographs
    for name, reference in (("phash", imagehash.phash), ("dhash", imagehash.dhash)):
        made = hash_pictures(name, pictures)
        off = bits_off(made.bits, np.array([packed(reference(Image.fromarray(one))) for one in pictures]))
        assert off[made.quality >= MIN_QUALITY].mean() <= 0.6, name
        assert off[made.quality >= MIN_QUALITY].max() <= 6, name


def test_real_photographs_hash_as_imagehash_but_for_a_bit(shared_data):
    with tarfile.open(shared_data / "eval-flickr8k.tar") as archive:
        members = [one for one in archive.getmembers() if one.name.endswith(".jpg")][:150]
        pictures = [np.asarray(Image.open(archive.extractfile(one)).convert("RGB")) for one in members]
    for name, reference in (("phash", imagehash.phash), ("dhash", imagehash.dhash)):
        made = hash_pictures(name, pictures)
        off = bits_off(made.bits, np.array([packed(reference(Image.fromarray(one))) for one in pictures]))
        assert off.mean() <= 0.4, name
        assert off.max() <= 6, name


def test_thumbnails_are_pillows_within_two_levels_on_average(photographs):
    for picture in photographs:
        ours = thumbnail(to_gray(picture), 32, 32)
        theirs = np.asarray(Image.fromarray(picture).convert("L").resize((32, 32), Image.Resampling.LANCZOS))
        assert np.abs(ours.astype(int) - theirs).mean() < 2


def test_thumbnails_of_a_wrong_shape_are_refused():
    for refused in (
        lambda: phash(noise(1, 2, 16, 16)),
        lambda: dhash(noise(1, 2, 9, 8)),
        lambda: phash(noise(1, 32, 32)),
    ):
        with pytest.raises(ShapeMismatch):
            refused()


# --- PDQ ---


@settings(max_examples=20)
@given(seeds, st.integers(1, 90), st.integers(1, 90))
def test_pdq_is_pdqhash(seed, height, width):
    picture = noise(seed, height, width, 3)
    bits, quality = pdqhash.compute(picture)
    made = hash_pictures("pdq", [picture])
    assert (made.bits[0] == np.packbits(bits)).all()
    assert made.quality[0] == quality


def test_pdq_is_near_the_hashes_its_authors_publish(shared_data):
    with tarfile.open(shared_data / "eval-pdq-reference.tar") as archive:
        labels = csv.DictReader(io.TextIOWrapper(archive.extractfile("labels.csv")))
        rows = [(row["file"], row["pdq_cpp_readme"] or row["pdq_python_readme"]) for row in labels]
        known = {file: bytes.fromhex(code) for file, code in rows if code}
        pictures = [np.asarray(Image.open(archive.extractfile(file)).convert("RGB")) for file in known]
    made = hash_pictures("pdq", pictures)
    off = bits_off(made.bits, np.array([list(code) for code in known.values()], np.uint8))
    assert len(known) == 20
    assert off.max() <= 12
    assert off.mean() <= 6
    assert (made.quality == 100).all()


# --- Orientations ---


@settings(max_examples=60)
@given(seeds, st.integers(1, 150), st.integers(1, 150))
def test_orientations_are_the_hashes_of_really_turned_pictures(seed, height, width):
    picture = noise(seed, height, width, 3)
    for name in ("phash", "dhash"):
        turned = [turn(picture, orientation) for orientation in range(8)]
        assert (orientations(name, [picture])[0] == hash_pictures(name, turned).bits).all(), name


def test_orientations_of_drawn_and_real_pictures(draw, photographs):
    pictures = [draw(seed) for seed in range(20)] + photographs
    for name in ("phash", "dhash"):
        made = orientations(name, pictures)
        for orientation in range(8):
            turned = hash_pictures(name, [turn(one, orientation) for one in pictures]).bits
            assert (made[:, orientation] == turned).all(), (name, ORIENTATIONS[orientation])


def test_orientations_of_thumbnails_are_hashes_of_turned_thumbnails():
    grays, wide, tall = noise(4, 30, 32, 32), noise(5, 30, 8, 9), noise(6, 30, 9, 8)
    for orientation in range(8):
        turned = np.array([turn(gray, orientation) for gray in grays])
        assert (phash_orientations(grays)[:, orientation] == phash(turned)).all()
        held = np.array([turn(gray, orientation) for gray in (tall if orientation % 2 else wide)])
        assert (dhash_orientations(wide, tall)[:, orientation] == dhash(held)).all()


def test_the_nearest_orientation_names_how_the_copy_was_turned(draw):
    pictures = [cv2.resize(draw(seed), (1200, 900)) for seed in (1, 2)]
    for name, most in (("phash", 0), ("dhash", 0), ("pdq", 40)):
        for picture in pictures:
            made = orientations(name, [picture])[0]
            for orientation in range(8):
                copy = hash_pictures(name, [turn(picture, orientation)]).bits[0]
                off = hamming(copy, made)
                assert off.argmin() == orientation
                assert off.min() <= most


def test_the_names_of_orientations_are_the_turns_of_these_tests():
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert turn(picture, ORIENTATIONS.index("rotated 90")).tolist() == [[3, 0], [4, 1], [5, 2]]
    assert turn(picture, ORIENTATIONS.index("mirrored")).tolist() == [[2, 1, 0], [5, 4, 3]]
    assert turn(picture, ORIENTATIONS.index("mirrored and rotated 180")).tolist() == [[3, 4, 5], [0, 1, 2]]


# --- Quality ---


def plain_pictures() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    y, x = np.mgrid[:240, :320]
    grays = {
        "black": np.zeros_like(x),
        "white": np.full_like(x, 255),
        "noisy wall": 128 + random.normal(0, 8, x.shape),
        "gradient": 20 + x * 200 / 320,
        "noisy gradient": 20 + y * 200 / 240 + random.normal(0, 3, x.shape),
    }
    return {name: np.stack([gray.clip(0, 255).astype(np.uint8)] * 3, axis=2) for name, gray in grays.items()}


@pytest.mark.parametrize("name", ["phash", "dhash"])
def test_plain_pictures_are_of_low_quality(name):
    quality = hash_pictures(name, list(plain_pictures().values())).quality
    assert (quality < MIN_QUALITY / 2).all()


def test_flat_pictures_are_of_low_quality_under_pdq():
    plain = plain_pictures()
    assert (hash_pictures("pdq", [plain["black"], plain["white"]]).quality < MIN_QUALITY).all()


@pytest.mark.parametrize("name", HASHES)
def test_photographs_are_of_good_quality(name, photographs):
    assert (hash_pictures(name, photographs[:8]).quality >= MIN_QUALITY).all()


def test_quality_foretells_how_many_bits_recompression_changes(draw):
    pictures = [draw(seed) for seed in range(40)]
    smaller = [cv2.resize(one, (200, 150), interpolation=cv2.INTER_AREA) for one in pictures]
    saved = [cv2.imdecode(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1) for one in smaller]
    before, after = hash_pictures("phash", pictures), hash_pictures("phash", saved)
    good = before.quality >= MIN_QUALITY
    assert good.sum() >= 30
    assert bits_off(before.bits, after.bits)[good].max() <= 6


def test_quality_is_nothing_where_nothing_stands_out_and_full_in_noise():
    flat = np.full((1, 32, 32), 90, np.uint8)
    assert phash_quality(flat).tolist() == [0]
    assert phash_quality(np.random.default_rng(1).integers(0, 256, (1, 32, 32), dtype=np.uint8)).tolist() == [100]


# --- What is stored ---

GOLDEN = {
    "phash": "870c385cc9f1a75e",
    "dhash": "f7e7cfc4e1c7b8e7",
    "pdq": "f5c539332aeec692dc3d54faa345bb181f066728e4726e470389ec88fc0ecd98",
}


@pytest.mark.parametrize("name", HASHES)
def test_stored_bits_never_change(name):
    # pdqhash sums in float32, in an order that its compiler chooses.
    allowed = 2 if name == "pdq" else 0
    bits = hash_pictures(name, [stripes(240, 320)]).bits[0]
    assert bits_off(bits, np.frombuffer(bytes.fromhex(GOLDEN[name]), np.uint8)) <= allowed, bits.tobytes().hex()
    assert HASHES[name].version == 1


@pytest.mark.parametrize("name", HASHES)
def test_flat_pictures_hash_alike_at_every_size(name):
    flats = [np.full((height, width, 3), 77, np.uint8) for height, width in ((1, 1), (3, 200), (64, 64), (301, 17))]
    made = hash_pictures(name, flats)
    assert (made.quality < MIN_QUALITY).all()
    if name == "phash":
        assert {row.tobytes().hex() for row in made.bits} == {"8000000000000000"}  # the mean alone


def test_symmetric_pictures_hash_alike_upright_and_mirrored(draw):
    half = draw(3, 160, 240)
    picture = np.concatenate([half, half[:, ::-1]], axis=1)
    made = orientations("phash", [picture])[0]
    assert (made[0] == made[4]).all()


def test_pictures_over_four_megapixels_hash_as_their_halves(draw):
    picture = draw(7, 2600, 1800)
    half = cv2.resize(picture, (1300, 900), interpolation=cv2.INTER_AREA)
    for name in HASHES:
        made = hash_pictures(name, [picture, half]).bits
        assert bits_off(made[0], made[1]) == 0, name


def test_a_scaled_decode_down_to_what_is_wanted_changes_few_bits(photographs):
    for name, spec in HASHES.items():
        large = [one for one in photographs if min(one.shape[:2]) >= 4 * spec.wants]
        halves = [cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in large]
        assert large, name
        off = bits_off(hash_pictures(name, large).bits, hash_pictures(name, halves).bits)
        assert off.max() <= spec.bytes / 2, name


# --- The describer ---


def test_the_describer_gives_a_row_for_each_picture_in_order(draw):
    pictures = [draw(1), draw(2, 50, 40), draw(3, 7, 300)]
    describer = HashDescriber(("phash", "pdq"))
    rows = describer.describe(pictures)
    assert {name: (row.shape, row.dtype.name) for name, row in rows.items()} == {
        "phash": ((3, 8), "uint8"),
        "pdq": ((3, 32), "uint8"),
    }
    assert [(spec.name, spec.width, spec.metric) for spec in describer.vectors] == [
        ("phash", 8, "hamming"),
        ("pdq", 32, "hamming"),
    ]
    for i, picture in enumerate(pictures):
        alone = describer.describe([picture])
        assert all((alone[name][0] == rows[name][i]).all() for name in rows)


def test_the_describer_of_no_pictures_gives_no_rows():
    rows = HashDescriber(("phash", "dhash", "pdq")).describe([])
    assert [row.shape for row in rows.values()] == [(0, 8), (0, 8), (0, 32)]
    assert orientations("pdq", []).shape == (0, 8, 32)


def test_the_signature_tells_kinds_and_versions():
    assert HashDescriber().signature == "phash/1+dhash/1"
    assert HashDescriber(("pdq",)).signature == "pdq/1"


def test_the_describer_wants_what_its_neediest_hash_wants():
    assert HashDescriber(("phash",)).wants == 32
    assert HashDescriber(("phash", "pdq")).wants == 256


@pytest.mark.parametrize("kinds", [(), ("phash", "phash"), ("ahash",)])
def test_unknown_or_repeated_kinds_are_refused(kinds):
    with pytest.raises(InvalidArgument):
        HashDescriber(kinds)


@pytest.mark.parametrize("name", HASHES)
def test_what_is_no_picture_is_refused(name):
    for wrong in (
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3)),
        np.zeros((0, 5, 3), np.uint8),
    ):
        with pytest.raises(InvalidArgument):
            hash_pictures(name, [wrong])
