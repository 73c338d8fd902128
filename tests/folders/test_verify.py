"""Pairs of files judged: by hashes where they are clear, by pixels where not, and never by a likeness of shapes."""

import cv2
import numpy as np
import pytest

from lookalike import signals
from lookalike.folders import verify
from lookalike.folders.selection import Selection
from lookalike.folders.survey import take_survey
from lookalike.folders.triage import describe
from lookalike.folders.verify import Verifier
from lookalike.settings import Settings


@pytest.fixture
def verifier(tmp_path):
    """Return verifier(memory=..., pixels=...) of the files below pictures/, closed in the end."""
    made = []

    def make(**wanted):
        survey = take_survey(Selection([tmp_path / "pictures"]), ledger="")
        made.append(Verifier(survey, settings=Settings(), **{"memory": 64 << 20, **wanted}))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def save_all(tmp_path, save):
    def write(**pictures):
        for name, pixels in pictures.items():
            save(pixels, tmp_path / "pictures" / f"{name}.jpg", quality=92)

    return write


def test_a_clear_pair_is_confirmed_and_not_looked_at_closely(verifier, save_all, draw):
    picture = draw(1)
    save_all(a=picture, b=cv2.GaussianBlur(picture[:, ::-1], (0, 0), 2))
    one = verifier()
    seen = one.judged(0, 1)
    assert (seen.pair.tier, seen.pair.verdict) == ("hash", "edited-copy")
    assert "mirrored" in seen.pair.changes
    assert one.looks == 0


def test_the_order_of_the_files_does_not_matter(verifier, save_all, draw):
    picture = draw(1)
    save_all(a=picture, b=np.rot90(picture).copy(), c=picture[40:, 60:])
    one = verifier()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert one.judged(i, j) == one.judged(j, i)
    assert one.judged(1, 0).pair.changes[0] == "rotated 270"


def test_strangers_are_no_copies(verifier, save_all, draw):
    save_all(**{f"p{seed}": draw(seed) for seed in range(5)})
    one = verifier()
    for j in range(1, 5):
        assert one.judged(0, j).pair.probability < 0.5
    assert one.looks == 4


def test_little_memory_costs_time_and_changes_nothing(verifier, save_all, draw, monkeypatch):
    monkeypatch.setattr(verify, "_FEWEST", 2)
    pictures = {f"p{seed}": draw(seed) for seed in range(4)}
    save_all(**pictures, **{f"{name}c": pixels[50:, 50:] for name, pixels in pictures.items()})
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    small, large = verifier(memory=1), verifier(memory=1 << 30)
    assert [small.judged(*pair) for pair in pairs] == [large.judged(*pair) for pair in pairs]
    assert len(small._ready) <= 2


def test_shapes_that_look_alike_are_not_one_picture():
    """Hashes that are somewhat near, and keypoints that don't align."""
    from lookalike.signals import Signals

    shape = {
        "same_pixels": False, "turned": 0, "phash_bits": 8, "pdq_bits": 62, "plain": False, "copy": 0.75,
        "copy_probability": 0.98, "meaning": 0.9, "meaning_probability": 0.9, "ssim": 0.7, "color": 0.9,
        "keypoints": 90, "overlap": None, "mirrored": False, "looked": True,
    }  # fmt: skip
    assert verify._only_alike(Signals(**shape))
    assert not verify._only_alike(Signals(**{**shape, "pdq_bits": 30}))


def test_a_doubtful_copy_of_the_whole_needs_no_keypoints(verifier, save_all, draw, monkeypatch):
    texture = cv2.GaussianBlur(np.random.default_rng(3).normal(size=(240, 320)), (0, 0), 3)
    picture = np.clip(0.6 * draw(3) + 50 + 300 * texture[..., None], 0, 255).astype(np.uint8)
    faded = np.clip(picture * np.linspace(0.3, 1.2, 320)[:, None], 0, 255).astype(np.uint8)
    save_all(a=picture, b=faded)
    monkeypatch.setattr(signals, "find_keypoints", lambda *pixels, **how: pytest.fail("keypoints were looked for"))
    one = verifier()
    known = describe(one.survey, np.array([0]), np.array([1]))
    assert not known.clear()[0]
    seen = one.judged(0, 1)
    assert (seen.pair.verdict, one.looks) == ("edited-copy", 1)
    assert seen.pair.probability > 0.95
