"""What follows for copies of whole pictures: the same as a look at each pair would find, without one."""

import numpy as np
import pytest

from lookalike.folders import crowds
from lookalike.folders.finding import find_duplicates
from lookalike.folders.wholes import Wholes
from lookalike.images.resize import thumbnail


@pytest.mark.parametrize("seed", range(20))
def test_ways_are_those_of_the_members_in_whatever_order_they_join(seed):
    random = np.random.default_rng(seed)
    place = [np.eye(3)] + [np.eye(3) + random.normal(0, 0.2, (3, 3)) for _ in range(5)]
    pairs = [(int(random.integers(at)), at) for at in range(1, 6)]
    random.shuffle(pairs)
    wholes, sure = Wholes(), random.uniform(0.9, 1, 5)
    for (a, b), likely in zip(pairs, sure, strict=True):
        a, b = (a, b) if random.random() < 0.5 else (b, a)
        wholes.join(a, b, np.linalg.inv(place[b]) @ place[a], likely)
    for member in range(6):
        way, likely = wholes.way(member)
        assert wholes.pair(member, 0) == (0, 0)
        assert way == pytest.approx(place[member], abs=1e-6)
        assert likely >= min(sure)


def test_others_stand_for_themselves():
    wholes = Wholes()
    wholes.join(3, 1, np.diag([2.0, 1, 1]), 0.9)
    assert wholes.pair(2, 3) == (2, 1)
    assert wholes.way(2)[1] == 1.0


@pytest.fixture
def folder(tmp_path, save):
    """A photograph, its mirror image and a darker copy, and a part of it."""
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    photo = thumbnail(data.chelsea(), 400)
    save(photo, tmp_path / "p" / "cat.png")
    save(photo[:, ::-1], tmp_path / "p" / "mirror.png")
    save((photo * 0.7).astype(np.uint8), tmp_path / "p" / "dark.png")
    save(photo[20:220, 40:340], tmp_path / "p" / "part.png")
    return tmp_path / "p"


def found(folder):
    search = find_duplicates(folder, ledger="")
    (group,) = search.groups
    return search.looks, {(pair.a[-8:], pair.b[-8:]): pair for pair in group.pairs}


def test_a_part_is_looked_at_once_however_many_copies_there_are(folder, monkeypatch):
    looks, pairs = found(folder)
    assert looks == 1
    monkeypatch.setattr(crowds._Crowd, "_note_whole", lambda crowd, pair: None)
    more, looked = found(folder)
    assert more == 3
    assert pairs.keys() == looked.keys()
    for key, pair in pairs.items():
        assert (pair.verdict, pair.tier, pair.changes) == (looked[key].verdict, looked[key].tier, looked[key].changes)
        assert pair.transform == pytest.approx(looked[key].transform, abs=0.01)
