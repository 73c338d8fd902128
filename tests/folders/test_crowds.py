"""Crowds settled with as few looks as it takes, and what people decided of them."""

import numpy as np
import pytest

from lookalike.catalog.decisions import Decision
from lookalike.folders.crowds import Candidates, Settling
from lookalike.folders.decided import Decided
from lookalike.folders.findings import FilePair, PictureFile
from lookalike.folders.seen import Seen
from lookalike.folders.survey import Survey


class Fake:
    """A verifier that knows all answers. alike: pairs of numbers -> probability; others are strangers."""

    def __init__(self, digests, alike, gone=()):
        n = len(digests)
        files = [PictureFile(f"/{at:04}", 1, 1, 1, at, digest, 10, 10, "PNG") for at, digest in enumerate(digests)]
        nothing = np.zeros(n, np.int32)
        self.survey = Survey(
            codes=np.zeros(n, np.uint64),
            turned=np.zeros((n, 8), np.uint64),
            quality=np.zeros(n, np.uint8),
            copies=np.zeros((n, 0), np.float16),
            same=np.arange(n),
            side=nothing.astype(np.uint8),
            reference=nothing.astype(bool),
            scope=nothing,
            files=files.__getitem__,
        )
        self.alike, self.gone, self.file = alike, set(gone), self.survey.file
        self.unused: dict[int, str] = {}
        self.asked: list[tuple[int, int]] = []

    def prepare(self, pairs):
        assert all(i not in self.unused and j not in self.unused for i, j in pairs)

    def judged(self, i, j):
        i, j = min(i, j), max(i, j)
        if missing := {i, j} & self.gone:
            self.unused.update(dict.fromkeys(missing, "gone"))
            return None
        self.asked.append((i, j))
        a, b = self.survey.file(i), self.survey.file(j)
        if a.sha256 == b.sha256:
            return Seen(FilePair(a.path, b.path, "identical", 1.0, "digest"))
        likely = self.alike.get((i, j), 0.01)
        return Seen(FilePair(a.path, b.path, "edited-copy" if likely >= 0.5 else "unrelated", likely, "keypoints"))


def settled(fake, pictures, doubtful, decisions=()):
    how = Settling(fake, Decided(decisions), 0.5)
    return [
        [int(member.path[1:]) for member in group.members] for group in how.groups(Candidates(pictures, [], doubtful))
    ]


def test_an_original_and_its_128_copies_take_a_look_each():
    """The candidates are copies with copies as well; what is connected by the original is looked at no more."""
    n = 129
    fake = Fake([str(at) for at in range(n)], {(0, at): 0.99 for at in range(1, n)})
    doubtful = [(0, at) for at in range(1, n)] + [(at, at + 1) for at in range(1, n - 1)]
    assert settled(fake, [[at] for at in range(n)], doubtful) == [list(range(n))]
    assert len(fake.asked) == len(set(fake.asked))
    assert len(fake.asked) < 2 * n


def test_strangers_cost_one_look_for_each_candidate():
    fake = Fake([str(at) for at in range(40)], {(3, 9): 0.9})
    doubtful = [(at, at + 1) for at in range(39)] + [(3, 9)]
    assert settled(fake, [[at] for at in range(40)], doubtful) == [[3, 9]]
    assert len(fake.asked) == 40


def test_equal_files_are_members_without_a_look():
    fake = Fake(["a", "a", "b", "c"], {(0, 2): 0.9})
    assert settled(fake, [[0, 1], [2], [3]], [(0, 1), (1, 2)]) == [[0, 1, 2]]
    assert settled(Fake(["a", "a"], {}), [[0, 1]], []) == [[0, 1]]


@pytest.mark.parametrize("gone", [[0], [2], [0, 1], [0, 1, 2]])
def test_files_that_are_gone_are_no_members(gone):
    fake = Fake(["a", "a", "b", "c"], {(0, 2): 0.9, (1, 2): 0.9, (2, 3): 0.9, (0, 3): 0.9, (1, 3): 0.9}, gone)
    found = settled(fake, [[0, 1], [2], [3]], [(0, 1), (1, 2), (0, 2)])
    left = [at for at in range(4) if at not in gone]
    assert found == ([left] if len(left) > 1 else [])


def said(*members, verdict="different"):
    return Decision(1, verdict, sorted(members), None, "", "", "")


def test_members_said_to_be_different():
    decided = Decided([said("a", "b"), said("b", "c"), said("x", "y")])
    assert decided.apart(["a", "b", "c"]) == ({(0, 1), (1, 2)}, False)
    assert decided.apart(["a", "b"]) == ({(0, 1)}, False)
    assert decided.apart(["a", "c"]) == (set(), False)
    assert decided.apart(["a", "b", "new"]) == (set(), True)


def test_equal_files_of_a_group_that_was_settled_are_still_duplicates():
    fake = Fake(["a", "a", "b"], {(0, 2): 0.9, (1, 2): 0.9})
    assert settled(fake, [[0, 1], [2]], [(0, 1)], [said("a", "b")]) == [[0, 1]]
