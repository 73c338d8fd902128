"""The duplicates in folders: surveyed, sorted, looked at where that is needed, and told as groups."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from lookalike.ahead import in_order
from lookalike.describers.hashes import MIN_QUALITY
from lookalike.duplicates import connected_groups
from lookalike.errors import InvalidArgument
from lookalike.folders.candidates import LEAST_COSINE, candidates
from lookalike.folders.crowds import Candidates, Settling
from lookalike.folders.decided import Decided
from lookalike.folders.findings import FileGroup, FilePair, PictureFile, Tier, Unused
from lookalike.folders.glance import Glance
from lookalike.folders.ledger import Ledger, user_ledger
from lookalike.folders.linkage import Linkage
from lookalike.folders.reading import Depth, Reader
from lookalike.folders.remembered import beside
from lookalike.folders.selection import Given, Selection
from lookalike.folders.survey import Progress, Survey, take_survey
from lookalike.folders.triage import Triage, triage
from lookalike.folders.verify import Verifier
from lookalike.images.threads import one_thread_each
from lookalike.likeness import SAME
from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.catalog.decisions import Decision  # the catalog is slow to load, and seldom needed here

__all__ = ["DuplicateSearch", "Wanted", "find_duplicates"]

Pair: TypeAlias = tuple[int, int]

_SMALL: Final = 20_000  # files up to which also unlikely neighbors are candidates: there are few, and time for them
_LEAST_OF_FEW: Final = 0.15
_AT_ONCE: Final = 500  # crowds of which what is known is looked up together
_AHEAD: Final = 8  # crowds a thread may be ahead of what was yielded
_TOLD: Final = 1000  # times that a stage tells how far it is
_FEWEST_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What counts as duplicates, and at what cost they are looked for.

    upto: how far pictures are looked into: "digest" finds equal bytes; "hash" what is resized, recompressed, mirrored
    or turned; "copy" most edits, unsure; "keypoints" looks at the pixels of the doubtful. probability: that two show
    the same picture, from which they count; above 0 up to 1, 1 being equal bytes or pixels. linkage: see `Linkage`.
    near: whether other shots of the same scene count. memory: bytes that pictures may take while they are looked at;
    what is known of the files takes some 300 bytes each beside it. ledger: where to remember what was read, and beside
    it what was found of pairs; "" for nowhere, by default the user's. decisions: what was decided of pictures in
    folders, by their digests.
    """

    upto: Tier = "keypoints"
    probability: float = SAME
    linkage: Linkage = "average"
    near: bool = False
    memory: int = 128 << 20
    ledger: str | os.PathLike[str] | None = None
    decisions: Sequence[Decision] = ()

    def check(self) -> None:
        """Raise InvalidArgument for what makes no sense."""
        if self.upto not in get_args(Tier):
            raise InvalidArgument("upto", self.upto, f"one of {', '.join(get_args(Tier))}")
        if not 0.0 < self.probability <= 1.0:
            raise InvalidArgument("probability", self.probability, "above 0 and at most 1")
        if self.linkage not in get_args(Linkage):
            raise InvalidArgument("linkage", self.linkage, f"one of {', '.join(get_args(Linkage))}")
        if self.near and self.upto != "keypoints":
            raise InvalidArgument("near", self.near, 'False, or upto="keypoints": only pixels tell another shot')
        if self.memory < _FEWEST_BYTES:
            raise InvalidArgument("memory", self.memory, f"at least {_FEWEST_BYTES >> 20} MB")


class DuplicateSearch:
    """Duplicates being found. Iterating yields each group as soon as it is settled; again, from the first one.

    All else is waited for when it is asked for. Not for several threads.
    """

    def __init__(self, selection: Selection, wanted: Wanted, settings: Settings, progress: Progress) -> None:
        selection.check()
        wanted.check()
        self._selection, self._wanted, self._settings, self._progress = selection, wanted, settings, progress
        self._found: list[FileGroup] = []
        self._passed_over = 0
        self._running = self._search()

    def __iter__(self) -> Iterator[FileGroup]:
        at = 0
        while True:
            while at < len(self._found):
                yield self._found[at]
                at += 1
            if (group := next(self._running, None)) is None:
                return
            self._found.append(group)

    def close(self) -> None:
        """Look no further: what was found by now is all."""
        self._running.close()

    @property
    def groups(self) -> list[FileGroup]:
        """All groups, those of the most files first, ties by their first path."""
        return sorted(self, key=lambda group: (-len(group.members), group.members[0].path))

    @property
    def pairs(self) -> list[FilePair]:
        """All pairs that the groups tell, most probable first, ties by their paths."""
        return sorted((pair for group in self for pair in group.pairs), key=lambda p: (-p.probability, p.a, p.b))

    @cached_property
    def survey(self) -> Survey:
        """What is known of the files."""
        upto: Depth = "copy" if self._wanted.upto == "keypoints" else self._wanted.upto
        ledger, settings = self._wanted.ledger, self._settings
        return take_survey(self._selection, upto=upto, settings=settings, ledger=ledger, progress=self._progress)

    @cached_property
    def _verifier(self) -> Verifier | Glance:
        if self._wanted.upto != "keypoints":
            return Glance(self.survey, settings=self._settings)
        return Verifier(self.survey, settings=self._settings, memory=self._wanted.memory, remember=self.remember)

    @property
    def remember(self) -> str:
        """The file in which what is found of pairs is kept, "" for none."""
        return beside(self._ledger)

    @property
    def _ledger(self) -> str | os.PathLike[str]:
        return user_ledger() if self._wanted.ledger is None else self._wanted.ledger

    @property
    def upto(self) -> Tier:
        """How far pictures are looked into."""
        return self._wanted.upto

    @property
    def files(self) -> int:
        """How many pictures there are among the files."""
        return len(self.survey)

    @property
    def unused(self) -> list[Unused]:
        """What took no part, and why; ascending by path."""
        self._finish()
        late = [Unused(self.survey.file(at).path, reason) for at, reason in self._verifier.unused.items()]
        return sorted([*self.survey.unused, *late], key=lambda unused: unused.path)

    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know, such as that nothing could be kept for the next time."""
        return self.survey.warnings

    @property
    def looks(self) -> int:
        """How many pairs were looked at closely."""
        self._finish()
        return self._verifier.looks

    @property
    def passed_over(self) -> int:
        """How many candidates were too unlikely to be looked at."""
        self._finish()
        return self._passed_over

    def _finish(self) -> None:
        for _ in self:
            pass

    def _search(self) -> Generator[FileGroup, None, None]:
        with closing(self._verifier):
            decided = Decided(self._wanted.decisions)
            aside = decided.set_aside(self.survey, self._hash_of)
            blocks = candidates(self.survey, least=self._least_cosine(), progress=self._progress)
            open_ = ((i[kept], j[kept]) for i, j in blocks for kept in [~(aside[i] | aside[j])])
            least = None if self._wanted.upto == "keypoints" else self._wanted.probability
            sorted_ = triage(self.survey, open_, self._verifier.judge, least)
            self._passed_over = sorted_.passed_over
            crowds = _crowds(self.survey, sorted_)
            wanted, tally = self._wanted, _Tally(self._progress, crowds)
            how = Settling(self._verifier, decided, wanted.probability, wanted.linkage, wanted.near, tally.count)
            for groups in self._settled(how, crowds):
                yield from groups

    def _settled(self, how: Settling, crowds: Sequence[Candidates]) -> Iterator[list[FileGroup]]:
        """Yield the groups of each crowd, in their order; where pixels are looked at, some crowds are settled ahead."""
        if isinstance(how.verifier, Glance):
            for start in range(0, len(crowds), _AT_ONCE):
                some = crowds[start : start + _AT_ONCE]
                how.verifier.prepare(pair for crowd in some for pair in crowd.asked())
                yield from map(how.groups, some)
            return
        workers = self._settings.workers
        with one_thread_each():
            yield from in_order(how.groups, crowds, threads=workers, ahead=_AHEAD * workers, name="crowds")

    def _least_cosine(self) -> float:
        return _LEAST_OF_FEW if len(self.survey) <= _SMALL else LEAST_COSINE

    def _hash_of(self, digest: str) -> int:
        """Return the pHash of a picture that some scan has read, 0 if none has."""
        with closing(Ledger(self._ledger, hasher=Reader("hash", self._settings).hasher)) as ledger:
            known = ledger.picture(bytes.fromhex(digest))
        return int.from_bytes(known.turned[:8], "big") if known and known.quality >= MIN_QUALITY else 0


class _Tally:
    """Tells how many candidates were compared: a crowd of thousands of pictures that are much alike takes minutes."""

    def __init__(self, progress: Progress, crowds: Sequence[Candidates]) -> None:
        self._progress, self._lock = progress, threading.Lock()
        self._done, self._total = 0, sum(len(crowd.clear) + len(crowd.doubtful) for crowd in crowds)
        self._every = max(1, self._total // _TOLD)
        progress("comparing", 0, self._total)

    def count(self) -> None:
        with self._lock:
            self._done += 1
            if self._done % self._every == 0 or self._done == self._total:
                self._progress("comparing", self._done, self._total)


def find_duplicates(
    paths: Given | Sequence[Given],
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    **wanted: Any,
) -> DuplicateSearch:
    """Find the pictures in folders that are copies of one another. Nothing is changed.

    paths: folders and files. wanted: the fields of `selection.Selection` (exclude, reference, against, scope,
    files_from, follow_links, defaults) and of `Wanted` (upto, probability, linkage, near, memory, ledger, decisions),
    as in `find_duplicates("~/Pictures", against=["~/Backup"], linkage="complete")`. progress: called with a stage
    ("listing", "reading", "hashes", "vectors", "comparing"), how much of it is done, and of how much; while pairs are
    compared from several threads, one at a time.
    The work begins when the result is first asked for something. Raises InvalidArgument; then also FolderNotFound,
    UnknownModel, ModelMissing, ModelUnusable, WeightsCorrupt.
    """
    roots = [paths] if isinstance(paths, str | bytes | os.PathLike) else list(paths)
    chosen = {one.name for one in fields(Selection)} - {"roots"}
    costs = {one.name for one in fields(Wanted)}
    for name in wanted.keys() - chosen - costs:
        raise InvalidArgument("option", name, f"one of {', '.join(sorted(chosen | costs))}")
    selection = Selection(roots, **{name: value for name, value in wanted.items() if name in chosen})
    rest = Wanted(**{name: value for name, value in wanted.items() if name in costs})
    return DuplicateSearch(selection, rest, settings or Settings.load(), progress or (lambda stage, done, total: None))


def _crowds(survey: Survey, found: Triage) -> list[Candidates]:
    """Divide pairs by what chains of them connect, in the order of their first files."""
    clear = found.clear.chosen(np.argsort(-found.likely, kind="stable"))
    numbers = np.unique(np.concatenate([clear.i, clear.j, found.doubtful.i, found.doubtful.j]))
    pairs = [
        np.stack([np.searchsorted(numbers, some.i), np.searchsorted(numbers, some.j)], axis=1)
        for some in (clear, found.doubtful)
    ]
    alike = connected_groups(len(numbers), pairs[0][clear.same].tolist())
    picture = np.zeros(len(numbers), np.intp)
    for n, group in enumerate(alike):
        picture[group] = n
    clear_pairs, doubtful_pairs = (_once(picture[some]) for some in pairs)
    crowds = connected_groups(len(alike), [*clear_pairs, *doubtful_pairs])
    crowd = {member: n for n, members in enumerate(crowds) for member in members}
    sorted_pairs: list[tuple[list[Pair], list[Pair]]] = [([], []) for _ in crowds]
    for kind, some in enumerate((clear_pairs, doubtful_pairs)):
        for pair in some:
            sorted_pairs[crowd[pair[0]]][kind].append(pair)
    made = []
    for members, (sure, open_) in zip(crowds, sorted_pairs, strict=True):
        files = {member: [int(numbers[at]) for at in alike[member]] for member in members}
        largest = sorted(members, key=lambda member: _size(survey.file(files[member][0])))
        place = {member: n for n, member in enumerate(largest)}
        made.append(
            Candidates(
                [files[member] for member in largest],
                [(place[a], place[b]) for a, b in sure],
                [(place[a], place[b]) for a, b in open_],
            )
        )
    return made


def _once(pairs: NDArray[np.intp]) -> list[Pair]:
    """Return pairs of different ends, each once, in the order they came."""
    ordered = dict.fromkeys((min(a, b), max(a, b)) for a, b in pairs.tolist())
    return [(a, b) for a, b in ordered if a != b]


def _size(file: PictureFile) -> tuple[int, str]:
    return -file.width * file.height, file.path
