"""A collection judges by its own curves and threshold, if it has some; orders stay as they were."""

import numpy as np
import pytest

import lookalike
from lookalike.describers.calibration import Calibration
from lookalike.errors import InvalidArgument
from lookalike.kinds import CollectionSettings, changed
from lookalike.likeness import Judge
from lookalike.stores.base import Row

MODEL = {"copy": Calibration(20.0, -10.0), "meaning": Calibration(10.0, -5.0)}


def row(name, code, *copy):
    vector = np.array(copy, np.float32) / np.linalg.norm(copy)
    return Row(name, {"copy": vector, "meaning": vector}, {"_phash": f"{code:016x}", "_sha256": name})


A, B = row("a", 0x5555_5555_5555_5555, 1, 0.2), row("b", 0x5555_5555_5555_5AAA, 1, 0.4)


def test_without_settings_it_is_the_models():
    assert Judge.of(MODEL, CollectionSettings()) == Judge(MODEL)


def test_a_joined_curve_moves_probabilities_and_keeps_their_order():
    bits, cosines = np.arange(64), np.linspace(1, 0, 64)
    plain = Judge(MODEL).probabilities(bits, cosines)
    stricter = Judge.of(MODEL, CollectionSettings(curves={"same": {"scale": 1.0, "offset": -2.0}}))
    moved = stricter.probabilities(bits, cosines)
    odds = plain / (1 - plain) * np.exp(-2)
    assert moved == pytest.approx(odds / (1 + odds), abs=1e-3)
    assert (np.diff(moved) <= 0).all()


def test_a_vector_s_curve_takes_the_place_of_the_models():
    own = Judge.of(MODEL, CollectionSettings(curves={"meaning": {"scale": 10.0, "offset": -9.9}}))
    assert own.curves["copy"] == MODEL["copy"]
    assert Judge(MODEL).judge(A, B)[2]["meaning"]["probability"] > 0.9 > own.judge(A, B)[2]["meaning"]["probability"]


def test_the_threshold_decides_what_is_a_copy():
    probability = Judge(MODEL).judge(A, B)[1]
    assert 0.5 < probability < 0.999
    assert Judge(MODEL, threshold=probability).judge(A, B)[0] == "edited-copy"
    assert Judge(MODEL, threshold=probability + 1e-6).judge(A, B)[0] != "edited-copy"


def test_check_and_duplicates_follow_the_settings(tmp_path, draw, save):
    save(draw(1), tmp_path / "a.jpg", 90)
    save(draw(1), tmp_path / "b.jpg", 30)
    with lookalike.open(tmp_path / "space") as space:
        shop = space.create("shop")
        shop.add([tmp_path / "a.jpg"])
        shop.add([{"_id": "b", "_file": tmp_path / "b.jpg"}])
        (one,) = shop.duplicates()
        sure = one.pairs[0].probability
        space.configure("shop", threshold=1.0)
        assert shop.duplicates() == []
        assert len(shop.duplicates(probability=sure)) == 1, "what is asked for goes first"
        save(draw(1), tmp_path / "c.jpg", 60)
        assert "edited-copy" not in {found.verdict for found in shop.check(tmp_path / "c.jpg")}
        space.configure("shop", threshold=0.5, curves={"same": {"scale": 1.0, "offset": -30.0}})
        assert shop.duplicates() == []
        space.configure("shop", curves={})
        assert len(shop.duplicates()) == 1
    with lookalike.open(tmp_path / "space") as space:
        assert space.get("shop").settings == CollectionSettings()


@pytest.mark.parametrize(
    "bad",
    [
        {"threshold": 0},
        {"threshold": 1.2},
        {"threshold": True},
        {"threshold": "0.9"},
        {"curves": [1, 2]},
        {"curves": {"smell": {"scale": 1, "offset": 0}}},
        {"curves": {"same": {"scale": 1}}},
        {"curves": {"same": {"scale": 0, "offset": 0}}},
        {"curves": {"same": {"scale": 1, "offset": 0, "top": 1.5}}},
        {"curves": {"same": {"scale": 1, "offset": 0, "bottom": 0}}},
        {"curves": {"same": {"scale": float("inf"), "offset": 0}}},
        {"curves": {"same": {"scale": 1, "offset": "x"}}},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(InvalidArgument):
        changed("shop", CollectionSettings(), bad)


def test_a_turned_hash_is_believed_further_where_the_copy_vector_agrees():
    judge = Judge(MODEL)
    assert judge.turned_bits([0.3, 0.9]).tolist() == [7, 12]
    assert (np.diff(judge.turned_bits(np.linspace(-1, 1, 99))) >= 0).all()


def test_a_mirrored_photograph_is_a_copy_though_its_stored_hash_turns_but_nearly(tmp_path, save):
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    save(data.chelsea(), tmp_path / "cat.png")
    save(np.ascontiguousarray(data.chelsea()[:, ::-1]), tmp_path / "mirrored.jpg")
    save(data.coffee(), tmp_path / "coffee.png")
    with lookalike.open(tmp_path / "space") as space:
        photos = space.create("photos")
        photos.add([{"_id": path.stem, "_file": str(path)} for path in sorted(tmp_path.glob("*.*g"))])
        (group,) = photos.duplicates()
        (resemblance,) = [one for one in photos.check(tmp_path / "mirrored.jpg") if one.id == "cat"]
    assert group.members == ["cat", "mirrored"]
    assert (group.pairs[0].verdict, resemblance.verdict) == ("edited-copy", "edited-copy")
