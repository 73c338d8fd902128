"""`describe` and `describe_each`: everything in order, past what can't be read, and once per content."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike.describers.cache import DescriptionCache
from lookalike.describers.descriptions import describe_each
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable, InvalidArgument
from lookalike.settings import Settings

SETTINGS = Settings(threads=2)


@pytest.fixture
def cache(tmp_path):
    cache = DescriptionCache(tmp_path / "cache")
    yield cache
    cache.close()


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """The user's cache, in a folder of the test's own."""
    monkeypatch.setenv("LOOKALIKE_CACHE", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.fixture
def no_model(monkeypatch):
    """Return a function after which describing anything is an error: only what was kept can answer."""

    def forbid():
        def refuse(*_):
            raise AssertionError("the model was asked")

        monkeypatch.setattr(Ensemble, "describe", refuse)
        monkeypatch.setattr(Ensemble, "describe_with_logits", refuse)

    return forbid


def equal(one, other):
    assert list(one.vectors) == list(other.vectors)
    for name, row in one.vectors.items():
        assert row.tobytes() == other.vectors[name].tobytes()
    facts = ("width", "height", "format", "sha1", "sha256")
    assert [getattr(one.image, fact) for fact in facts] == [getattr(other.image, fact) for fact in facts]
    assert (one.hashes, list(one.colors), list(one.labels)) == (other.hashes, list(other.colors), list(other.labels))
    return True


def test_answers_come_in_order_and_go_on_past_bad_ones(pictures):
    files = [pictures / f"{number % 5}.jpg" for number in range(20)]
    files[7] = pictures / "notes.txt"
    files[11] = pictures / "gone.jpg"
    found = list(describe_each(files, settings=SETTINGS))
    failed = [found[7], found[11]]
    assert [one for one in found if isinstance(one, ImageError)] == failed
    assert all(one.image.source == str(file) for one, file in zip(found, files, strict=True) if one not in failed)
    assert equal(found[0], found[15])


def test_many_on_threads_are_what_each_is_alone(pictures):
    files = sorted(pictures.glob("*.jpg"))
    together = list(describe_each(files, settings=SETTINGS))
    for file, one in zip(files, together, strict=True):
        alone = next(describe_each([file], settings=dataclasses.replace(SETTINGS, threads=1)))
        assert equal(one, alone)


def test_it_works_only_a_little_ahead(pictures):
    taken = []

    def sources():
        for number in range(100):
            taken.append(number)
            yield pictures / "0.jpg"

    answers = describe_each(sources(), settings=SETTINGS)
    next(answers)
    answers.close()
    assert len(taken) <= 2 * SETTINGS.workers + 1


def test_the_second_time_nothing_is_described(pictures, cache, no_model, tmp_path):
    first = next(describe_each([pictures / "0.jpg"], settings=SETTINGS, cache=cache))
    no_model()
    renamed = shutil.copy(pictures / "0.jpg", tmp_path / "another.name")
    for source in (pictures / "0.jpg", renamed, (pictures / "0.jpg").read_bytes()):
        assert equal(next(describe_each([source], settings=SETTINGS, cache=cache)), first)


def test_arrays_are_kept_too(draw, cache, no_model):
    first = next(describe_each([draw(1)], settings=SETTINGS, cache=cache))
    no_model()
    assert equal(next(describe_each([draw(1)], settings=SETTINGS, cache=cache)), first)
    with pytest.raises(AssertionError, match="asked"):
        next(describe_each([draw(2)], settings=SETTINGS, cache=cache))


def test_labels_asked_for_later_are_made_then(pictures, cache):
    plain = next(describe_each([pictures / "0.jpg"], settings=SETTINGS, labels=0, cache=cache))
    assert list(plain.labels) == []
    three = next(describe_each([pictures / "0.jpg"], settings=SETTINGS, labels=3, cache=cache))
    fresh = next(describe_each([pictures / "0.jpg"], settings=SETTINGS, labels=3))
    assert equal(three, fresh)
    ten = next(describe_each([pictures / "0.jpg"], settings=SETTINGS, labels=10, cache=cache))
    assert list(ten.labels)[:3] == list(three.labels)
    assert cache.count() == 1


def test_what_was_kept_is_still_refused_when_limits_are_lower(pictures, cache):
    next(describe_each([pictures / "0.jpg"], settings=SETTINGS, cache=cache))
    strict = dataclasses.replace(SETTINGS, max_pixels=1000)
    assert isinstance(next(describe_each([pictures / "0.jpg"], settings=strict, cache=cache)), ImageTooLarge)


def test_other_describers_do_not_meet(pictures, cache, monkeypatch):
    next(describe_each([pictures / "0.jpg"], settings=SETTINGS, cache=cache))
    signatures = {**standard_ensemble().signatures, "meaning": "another/1"}
    monkeypatch.setattr(Ensemble, "signatures", signatures)
    next(describe_each([pictures / "0.jpg"], settings=SETTINGS, cache=cache))
    assert cache.count() == 2


def test_describe_keeps_in_the_users_cache_unless_told_not_to(pictures, own_cache, no_model):
    files = sorted(pictures.glob("*.jpg"))
    without = lookalike.describe(files, cache=False)
    assert not own_cache.exists()
    first = lookalike.describe(files)
    no_model()
    second = lookalike.describe(files)
    for name in ("vectors", "copy", "color"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes() == getattr(without, name).tobytes()
    assert first.hashes == second.hashes
    assert first.model == standard_ensemble().neural.signature


def test_describe_raises_at_the_first_that_can_not_be_read(pictures, own_cache):
    with pytest.raises(ImageUnreadable, match=r"notes\.txt"):
        lookalike.describe([pictures / "0.jpg", pictures / "notes.txt"])


def test_nothing_to_describe(own_cache):
    found = lookalike.describe([])
    assert found.vectors.shape == (0, 256)
    assert np.concatenate([found.copy, found.vectors], axis=1).shape == (0, 384)


@pytest.mark.parametrize("one", ["pics", Path("pics"), b"bytes", 5])
def test_one_source_without_a_list_is_told_and_not_taken_apart(one):
    with pytest.raises(InvalidArgument, match=r'sources is .*; it must be a list, like \["a.jpg", "b.jpg"\]'):
        lookalike.describe(one)
