"""Before a picture goes in: is it here already, as it is, edited, turned, or in another shot?"""

import numpy as np
import pytest

import lookalike
from lookalike.describers.hashes import hash_pictures, orientations
from lookalike.errors import ImageUnreadable, InvalidArgument
from lookalike.likeness import Judge, nearest_bits, turned_codes


@pytest.fixture
def collection(tmp_path, pictures):
    with lookalike.open(tmp_path / "space") as space:
        made = space.create("pictures")
        made.add([{"_id": str(n), "_file": str(pictures / f"{n}.jpg"), "even": n % 2 == 0} for n in range(5)])
        yield made


def test_the_same_bytes_are_identical(collection, pictures):
    first = collection.check(pictures / "3.jpg")[0]
    assert (first.id, first.verdict, first.probability) == ("3", "identical", 1.0)
    assert first.evidence["same_bytes"]
    assert first.record.fields["_file"] == str(pictures / "3.jpg")


@pytest.mark.parametrize("verify", [True, False])
def test_a_recompressed_half_is_an_edited_copy(collection, draw, save, tmp_path, verify):
    small = save(np.ascontiguousarray(draw(2)[::2, ::2]), tmp_path / "small.jpg", quality=50)
    first = collection.check(small, verify=verify)[0]
    assert (first.id, first.verdict) == ("2", "edited-copy")
    assert first.probability > 0.9


@pytest.mark.parametrize("how", range(1, 8))
def test_turned_and_mirrored_copies_are_found(collection, draw, how):
    held = draw(4)[:, ::-1] if how >= 4 else draw(4)
    first = collection.check(np.ascontiguousarray(np.rot90(held, how % 4)), verify=False)[0]
    assert (first.id, first.verdict) == ("4", "edited-copy")
    assert first.evidence["hash"]["orientation"] != "upright"


def test_another_picture_is_not_here(collection, draw):
    assert [one.id for one in collection.check(draw(50)) if one.verdict != "near-duplicate"] == []


def test_the_filter_and_k_hold(collection, pictures):
    assert collection.check(pictures / "3.jpg", where={"even": True}) == [] or all(
        one.record.fields["even"] for one in collection.check(pictures / "3.jpg", where={"even": True})
    )
    collection.add([{"_id": f"copy {n}", "_file": str(pictures / "3.jpg")} for n in range(5)])
    assert [one.id for one in collection.check(pictures / "3.jpg", k=3)] == ["3", "copy 0", "copy 1"]


def test_bad_questions(collection, tmp_path, pictures):
    for k in (0, 101, True):
        with pytest.raises(InvalidArgument):
            collection.check(pictures / "3.jpg", k=k)
    with pytest.raises(ImageUnreadable):
        collection.check(pictures / "notes.txt")


def test_stored_hashes_turn_nearly_as_pictures_do(draw):
    pictures = [draw(seed) for seed in range(30)]
    codes = hash_pictures("phash", pictures).bits.view(">u8")[:, 0].astype(np.uint64)
    exact = orientations("phash", pictures).view(">u8")[..., 0].astype(np.uint64)
    off = np.bitwise_count(turned_codes(codes) ^ exact)
    assert off[:, 0].max() == 0
    assert off.mean() < 4
    how, bits = nearest_bits(turned_codes(codes), exact[:, 6])
    assert (how == 6).mean() > 0.8
    assert (bits <= 7).mean() > 0.8


def test_probability_falls_with_every_bit_and_rises_with_the_cosine():
    judge = Judge({})
    bits = np.arange(0, 65)
    for cosine in (0.2, 0.9, 1.0):
        assert (np.diff(judge.probabilities(bits, cosine)) <= 0).all()
    for count in (0, 8, 14, 64):
        assert (np.diff(judge.probabilities(count, np.linspace(-1, 1, 50))) >= 0).all()
    assert judge.probabilities(0, 0.0) > 0.9, "a hash that agrees convinces alone"
    assert judge.probabilities(64, 1.0) < 0.5, "the copy vector alone does not"
