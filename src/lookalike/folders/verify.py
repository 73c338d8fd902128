"""Judges pairs of files: by what is known of them, by a look at their pixels where that is not enough, and in words.

Pictures are decoded small, each prepared once and kept for its further pairs, as many as memory allows. A file that
vanished or changed since it was read takes no part any more.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import Ensemble, calibrated, standard_ensemble
from lookalike.describers.hashes import MIN_QUALITY
from lookalike.errors import ImageError, ImageUnreadable, SourceNotFound
from lookalike.folders.changes import (
    LOSSY,
    Changes,
    aligned,
    changes_between,
    changes_by,
    changes_of_whole,
    known_changes,
    overlap_of_whole,
)
from lookalike.folders.differences import exactly_alike
from lookalike.folders.findings import FilePair, PictureFile, Tier
from lookalike.folders.frames import seen_throughout
from lookalike.folders.seen import Recollection, Seen
from lookalike.folders.shown import Shown
from lookalike.folders.survey import Survey
from lookalike.folders.triage import Described, describe, probabilities
from lookalike.images import read_image
from lookalike.images.image import Pixels
from lookalike.images.resize import thumbnail
from lookalike.judgment import judgment, witnesses
from lookalike.likeness import SAME, Judge
from lookalike.records import Verdict
from lookalike.settings import Settings
from lookalike.signals import (
    ALIKE,
    Portrait,
    Signals,
    Sketch,
    likely_alike,
    match_hashes,
    measure_portraits,
    portrait,
)

Floats = NDArray[np.float64]

__all__ = ["Verifier", "look_closely", "show"]

_SIDE: Final = 400  # pixels of the longer side at which pictures are looked at, that of keypoints
_BYTES: Final = 3 << 20  # about what is kept of one
_FEWEST: Final = 8
_FILES: Final = 4096  # that are kept as values
_BELOW_ONE: Final = 0.999999  # the probability 1 is kept for the same pixels
_UNLIKELY: Final = 0.2
_PDQ_BITS: Final = 40  # of 256
_SOME: Final = 0.3  # of what the geometry of keypoints can say
_BARELY: Final = 2  # bits of 64 up to which, and cosine from which, a look would find nothing that is worth telling
_HARDLY: Final = 0.97
_BY_HASH: Final = 8  # bits of 64 up to which it is the hash that decides
_WHOLE_BITS: Final = 14  # and up to which two pictures are first taken to be the same one as a whole


class Verifier:
    """Judges pairs of the files of a survey, by their numbers. Safe for several threads.

    file: number -> what is known of it. unused: number of a file -> why it can't be used any more; it has no pairs
    then. looks: how many pairs were looked at closely.
    """

    def __init__(self, survey: Survey, *, settings: Settings, memory: int, remember: str = "") -> None:
        """memory: bytes that pictures may take. remember: where what is found is kept, see `Recollection`."""
        self.survey = survey
        self.file = lru_cache(_FILES)(survey.file)
        self.unused: dict[int, str] = {}
        self.looks = 0
        self._settings, self._remember = settings, remember
        self._room = max(_FEWEST, memory // _BYTES)
        self._ready: OrderedDict[int, Future[tuple[Shown, Portrait] | None]] = OrderedDict()
        self._lock = threading.Lock()
        self._helpers = ThreadPoolExecutor(settings.workers, thread_name_prefix="verify")

    @cached_property
    def _kept(self) -> Recollection:
        return Recollection(self._remember, self._ensemble)

    @cached_property
    def judge(self) -> Judge:
        """Judges by descriptions."""
        return Judge(standard_ensemble(self._settings.model).curves if self.survey.copies.shape[1] else {})

    @cached_property
    def _ensemble(self) -> Ensemble:
        return calibrated(standard_ensemble(self._settings.model))

    def close(self) -> None:
        """Let go of threads and pictures."""
        self._helpers.shutdown(cancel_futures=True)
        if "_kept" in self.__dict__:
            self._kept.close()
        self._ready.clear()

    def prepare(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Make pictures ready in the background for a close look, those first that are wanted soonest."""
        fresh = [pair for pair in pairs if self._known(*pair) is None]
        i, j = np.array(fresh, np.intp).reshape(-1, 2).T
        parts = describe(self.survey, i, j).bits > _WHOLE_BITS
        numbers: dict[int, bool] = {}
        for pair, in_part in zip(fresh, parts.tolist(), strict=True):
            numbers.update((number, in_part or numbers.get(number, False)) for number in pair)
        for number, closely in islice(numbers.items(), self._room // (2 * self._settings.workers)):
            self._portrait(number, closely=closely)

    def judged(self, i: int, j: int) -> Seen | None:
        """Judge two files the cheapest way that is sure; None if one of them can't be used any more."""
        if self.survey.same[i] == self.survey.same[j]:
            return Seen(self._told((i, j), "identical", 1.0, "digest", Changes.of_equal_bytes()))
        if kept := self._known(i, j):
            return kept
        known = describe(self.survey, np.array([i]), np.array([j]))
        likely = min(_BELOW_ONE, round(float(probabilities(self.survey, self.judge, known)[0]), 6))
        seen = self._confirmed(known, likely) if known.clear()[0] else self.look(i, j)
        return None if seen is None else self._keep(seen, i, j)

    def follows(self, i: int, j: int, transform: Floats, probability: float, tier: Tier) -> Seen | None:
        """Judge two files by a transform that follows from other pairs; None if their pixels don't agree by it.

        None as well for two that need no look at their pixels. transform: (3, 3), from the unit square of i to j's.
        """
        if kept := self._known(i, j):
            return kept
        a, b = self._ordered(i, j)
        if self._evident(describe(self.survey, np.array([a]), np.array([b]))):
            return None
        first, second = self._portrait(a).result(), self._portrait(b).result()
        if first is None or second is None:
            return None
        way = transform if a == i else np.asarray(np.linalg.inv(transform), np.float64)
        found = changes_by(first[0], second[0], way)
        return None if found is None else self._keep(self._copied(first[0], second[0], probability, tier, found), a, b)

    def _keep(self, seen: Seen, i: int, j: int) -> Seen:
        a, b = (self.file(number) for number in self._ordered(i, j))
        seen = seen_throughout(seen, a, b, self._settings.limits)
        self._kept.put(a, b, seen)
        return seen

    def _known(self, i: int, j: int) -> Seen | None:
        """Return what a scan before found of two files."""
        a, b = (self.file(number) for number in self._ordered(i, j))
        return self._kept.get(a, b)

    def look(self, i: int, j: int) -> Seen | None:
        """Judge two files by their pixels; None if one of them can't be used any more."""
        i, j = self._ordered(i, j)
        first, second = self._portrait(i).result(), self._portrait(j).result()
        if first is None or second is None:
            return None
        with self._lock:
            self.looks += 1
        return look_closely(first, second, self._settings)

    def _confirmed(self, known: Described, likely: float) -> Seen | None:
        """Tell what changed between two that are clear, or look closely if they are not what their hashes say."""
        i, j = self._ordered(int(known.i[0]), int(known.j[0]))
        if self._evident(known):
            found = known_changes(self.file(i), self.file(j), _held(known, i))
            return Seen(self._told((i, j), "edited-copy", likely, "hash", found))
        first, second = self._portrait(i).result(), self._portrait(j).result()
        if first is None or second is None:
            return None
        (a, _), (b, _) = first, second
        seen = changes_of_whole(a, b, _held(known, i))
        if seen is None:
            return self.look(i, j)
        return self._copied(a, b, likely, _tier(known), seen)

    def _evident(self, known: Described) -> bool:
        """Whether a look at the pixels would find nothing that is worth telling."""
        one, other = (self.file(int(side[0])).format for side in (known.i, known.j))
        return bool(known.bits[0] <= _BARELY and known.cosine[0] >= _HARDLY and one == other in LOSSY)

    def _copied(self, a: Shown, b: Shown, likely: float, tier: Tier, found: Changes) -> Seen:
        """Return what is said of two that are the same picture; a is the one of the first path."""
        if np.array_equal(a.pixels, b.pixels) and _same_pixels(a.file, b.file, self._settings):
            return Seen(_pair(a.file, b.file, "identical", 1.0, tier, found))
        return Seen(_pair(a.file, b.file, "edited-copy", likely, tier, found))

    def _ordered(self, i: int, j: int) -> tuple[int, int]:
        return (i, j) if self.file(i).path <= self.file(j).path else (j, i)

    def _told(
        self, pair: tuple[int, int], verdict: Verdict, probability: float, tier: Tier, found: Changes
    ) -> FilePair:
        a, b = (self.file(number) for number in self._ordered(*pair))
        return _pair(a, b, verdict, probability, tier, found)

    def _portrait(self, number: int, *, closely: bool = False) -> Future[tuple[Shown, Portrait] | None]:
        with self._lock:
            if number in self._ready:
                self._ready.move_to_end(number)
                return self._ready[number]
            future = self._ready[number] = self._helpers.submit(self._read, number, closely)
            while len(self._ready) > self._room:
                self._ready.popitem(last=False)
            return future

    def _read(self, number: int, closely: bool) -> tuple[Shown, Portrait] | None:
        file = self.file(number)
        try:
            shown, made = show(file, self._settings, self._ensemble, self._sketch(number))
        except (SourceNotFound, FileNotFoundError):
            self.unused[number] = "it vanished while it was scanned"
            return None
        except (ImageError, OSError) as error:
            self.unused[number] = error.reason if isinstance(error, ImageError) else error.strerror or str(error)
            return None
        if closely:  # the costly parts, on this thread
            _ = made.keypoints, made.pdq()
        return shown, made

    def _sketch(self, number: int) -> Sketch:
        """Return what the survey knows of a file's picture. Its copy vector is of use to who describes likewise."""
        survey = self.survey
        alike = survey.copies.shape[1] and self._ensemble is standard_ensemble(self._settings.model)
        return Sketch(
            survey.turned[number].astype(">u8").view(np.uint8).reshape(8, 8),
            bool(survey.quality[number] < MIN_QUALITY),
            survey.copies[number].astype(np.float32) if alike else None,
        )


def show(
    file: PictureFile, settings: Settings, ensemble: Ensemble, sketch: Sketch | None = None
) -> tuple[Shown, Portrait]:
    """Return what is looked at of a file. Raises ImageError, OSError; ImageUnreadable if it isn't what was scanned."""
    small = thumbnail(_pixels(file, _SIDE, settings), _SIDE)
    return Shown(file, small), portrait(small, ensemble, sketch)


def look_closely(first: tuple[Shown, Portrait], second: tuple[Shown, Portrait], settings: Settings) -> Seen:
    """Judge two files by their pixels. The first is the one of the first path."""
    (a, one), (b, other) = first, second
    turned, bits, plain = match_hashes(one, other)
    whole = None if plain or bits > _WHOLE_BITS else overlap_of_whole(a, b, turned)
    signals = measure_portraits(one, other, needless=False, overlap=whole and whole[0])
    found = whole[1] if whole else changes_between(a, b, signals)
    if signals.same_pixels and _same_pixels(a.file, b.file, settings):
        return Seen(_pair(a.file, b.file, "identical", 1.0, "keypoints", found))
    likely = min(_BELOW_ONE, judgment().probability(replace(signals, same_pixels=False)))
    if _only_alike(signals) or (signals.plain and not exactly_alike(a, b)):
        likely = min(likely, _UNLIKELY)
    differs = likely < SAME and aligned(signals)
    verdict = _verdict(signals, likely, lambda: likely_alike(one, other, turned))
    return Seen(_pair(a.file, b.file, verdict, round(likely, 6), "keypoints", found), differs)


def _pair(a: PictureFile, b: PictureFile, verdict: Verdict, probability: float, tier: Tier, found: Changes) -> FilePair:
    overlaps = found.overlap_a, found.overlap_b
    return FilePair(a.path, b.path, verdict, probability, tier, found.words, *overlaps, found.transform)


def _pixels(file: PictureFile, wants: int | None, settings: Settings) -> Pixels:
    path = Path(file.path)
    found = path.stat()
    image = read_image(path, limits=settings.limits, wants=wants)
    if image.sha256 != file.sha256 or (found.st_size, found.st_mtime_ns) != (file.size, file.modified):
        raise ImageUnreadable(str(path), "it changed while it was scanned")
    return image.pixels


def _same_pixels(a: PictureFile, b: PictureFile, settings: Settings) -> bool:
    """Whether two files that look the same when small are so to the last pixel."""
    if (a.width, a.height) != (b.width, b.height):
        return False
    try:
        return bool(np.array_equal(_pixels(a, None, settings), _pixels(b, None, settings)))
    except (ImageError, OSError):
        return False


def _verdict(signals: Signals, likely: float, alike: Callable[[], float]) -> Verdict:
    """alike: P(same kind of thing), which costs something to know."""
    if likely >= SAME:
        return "edited-copy"
    if aligned(signals):
        return "near-duplicate"
    return "similar" if alike() >= ALIKE else "unrelated"


def _only_alike(signals: Signals) -> bool:
    """Whether the hashes are somewhat near and nothing else speaks of one picture.

    That is enough for two pictures that somebody compares. Of all pairs of ten thousand it is any two motorcycles on
    white: of 75 such pairs none was nearer than 42 bits, while 400 copies whose keypoints don't align lay within 34.
    """
    if signals.plain or signals.pdq_bits <= _PDQ_BITS or not signals.looked:
        return False
    return not aligned(signals) or witnesses(signals)["geometry"] < _SOME


def _tier(known: Described) -> Tier:
    return "hash" if known.bits[0] <= _BY_HASH else "copy"


def _held(known: Described, first: int) -> int:
    """Return how the first file is held to be like the other; known of them in either order."""
    turned = int(known.turned[0])
    return (4 - turned) % 4 if first != known.i[0] and turned < 4 else turned
