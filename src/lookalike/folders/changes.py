"""What one file's picture is beside another's, in words and as facts: only what was really measured of the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.hashes import ORIENTATIONS
from lookalike.folders.alignment import Aligner, Laid
from lookalike.folders.differences import Difference, Surroundings, difference, surroundings
from lookalike.folders.findings import PictureFile
from lookalike.folders.placement import CORNERS, MIRROR, Placement, held, moved, nearest_held, placed, share_within
from lookalike.folders.shown import Shown
from lookalike.judgment import FIRM
from lookalike.keypoints import Overlap
from lookalike.signals import Signals

__all__ = [
    "AROUND_A",
    "AROUND_B",
    "LOSSY",
    "Changes",
    "aligned",
    "changes_between",
    "changes_by",
    "changes_of_whole",
    "known_changes",
    "overlap_of_whole",
]

Floats = NDArray[np.float64]

_FIRM: Final = 14  # aligned keypoints from which a transform is believed
_AGREED: Final = 0.4  # and the agreement of what it aligns
_TURNED: Final = 12  # bits of 64 up to which a hash says how the whole picture is held
_NEARLY: Final = 0.06  # share of a side by which a corner may be off in a transform of the whole picture by keypoints
_WHOLE: Final = 0.01  # and in one that was refined
_AS_GOOD: Final = 0.005  # of agreement that may be lost by that
_PART: Final = 0.97  # share of a picture that is less than all of it
_SAME_WHOLE: Final = 0.9  # agreement from which a picture is the other one as a whole, if a hash says so, too
_EVERYWHERE: Final = 0.9  # and that of windows, where the hash is less sure
LOSSY: Final = {"JPEG", "WEBP", "HEIF", "AVIF"}
"""Formats of which two files, as good as never, have the same pixels and other bytes."""

_SHARP: Final = 100  # pixels along the longer side of the shared part from which fine detail is compared
_PATCHED: Final = 1.6  # times harder: of 10 overlays of every kind 6 are told so, and very few the wrong way

# What b is beside a, by what is around the part of b that a is, and the other way around.
AROUND_B: Final[Mapping[Surroundings, str]] = {
    "border": "bordered",
    "caption": "captioned",
    "page": "screenshot",
    "picture": "inset",
    "scene": "uncropped, the first is {}",
}
AROUND_A: Final[Mapping[Surroundings, str]] = {
    "border": "without the border",
    "caption": "without the caption",
    "page": "cut out of a screenshot",
    "picture": "cut out of another picture",
    "scene": "cropped to {}",
}


@dataclass(frozen=True, slots=True)
class Changes:
    """What b is beside a; the fields are those of `findings.FilePair`.

    words: "mirrored", "rotated 90" (clockwise), "rotated by -12 degrees", "stretched wider by 40 %" or "taller",
    "slanted", "in perspective"; "cropped to 61 %", "cut out of a screenshot", "cut out of another picture", "without
    the border", "without the caption", or the other way around "uncropped, the first is 61 %", "screenshot", "inset",
    "bordered", "captioned"; "overlay on 12 %", "without the overlay on 12 %", or "different on 12 %" where it can't
    be told which of them was altered; "gray", "toned" (as by sepia), "in color", "recolored", "brighter", "darker",
    "more contrast", "less contrast", "blurred", "sharpened", "noisy", "resized from 400x300 to 200x150",
    "recompressed", "converted from JPEG to PNG". Of whole files also `frames.OTHER_FRAMES` and `frames.OTHER_ALPHA`.
    """

    words: tuple[str, ...] = ()
    overlap_a: float = 1.0
    overlap_b: float = 1.0
    transform: tuple[float, ...] | None = None

    @classmethod
    def of_equal_bytes(cls) -> Changes:
        """Return those of a file and its like: none."""
        return cls(transform=_flat(held(0)))


def aligned(signals: Signals) -> bool:
    """Whether keypoints say firmly where one of the pictures lies in the other, be it the same picture or not."""
    overlap = signals.overlap
    return overlap is not None and overlap.inliers >= _FIRM and overlap.agreement >= _AGREED


def known_changes(a: PictureFile, b: PictureFile, turned: int) -> Changes:
    """Return what b is beside a as far as that is known without their pixels; turned as for `changes_of_whole`."""
    transform = held(turned)
    words = list(_words_of_whole(turned, ((a.width, a.height), (b.width, b.height))))
    if not words and a.format == b.format and a.format in LOSSY:
        words.append("recompressed")
    words += _conversion(a, b)
    return Changes(tuple(words), transform=_flat(transform))


@lru_cache(256)  # most folders have pictures of few sizes
def _words_of_whole(turned: int, sizes: tuple[tuple[int, int], tuple[int, int]]) -> tuple[str, ...]:
    transform = held(turned)
    return *_turns(placed(transform, *sizes)), *_resized(sizes, transform)


def changes_between(a: Shown, b: Shown, signals: Signals) -> Changes:
    """Return what b is beside a. signals: of a against b. Little where nothing aligns the two."""
    if signals.overlap is not None and aligned(signals):
        transform = signals.overlap.transform @ MIRROR if signals.mirrored else signals.overlap.transform
    elif signals.phash_bits <= _TURNED and not signals.plain:
        transform = held(signals.turned)
    else:
        return Changes(tuple(_conversion(a.file, b.file)))
    exact, laid = _exact(a, b, transform)
    return _told(a, b, exact, laid)


def changes_of_whole(a: Shown, b: Shown, turned: int) -> Changes | None:
    """Return what b is beside a, if it is the whole picture held that way and at most cropped a little; else None.

    turned: index into `hashes.ORIENTATIONS`, of how a is held to be like b.
    """
    place = _laid_whole(a, b, turned)
    return None if place is None or place[1].agreement < _SAME_WHOLE else _told(a, b, *place)


def overlap_of_whole(a: Shown, b: Shown, turned: int) -> tuple[Overlap, Changes] | None:
    """Return where a lies in b and what b is beside a, if they agree everywhere as edits of one whole picture do.

    Of 752 pairs of strangers whose hashes differ in 9 to 16 bits none agrees by more than 0.85.
    """
    place = _laid_whole(a, b, turned)
    if place is None or (agreed := place[1].agreement_everywhere) < _EVERYWHERE:
        return None
    found = _told(a, b, *place)
    straight = place[0] @ MIRROR if turned >= 4 else place[0]
    return Overlap(FIRM, straight, found.overlap_a, found.overlap_b, 1.0, agreed), found


def changes_by(a: Shown, b: Shown, transform: Floats) -> Changes | None:
    """Return what b is beside a by a transform from a's unit square to b's, or None if they don't agree by it."""
    way, shift = nearest_held(transform)
    transform = held(way) if shift <= _WHOLE else transform
    laid = Aligner(a, b, transform).laid(transform)
    return None if laid is None or laid.agreement < _SAME_WHOLE else _told(a, b, transform, laid)


def _laid_whole(a: Shown, b: Shown, turned: int) -> tuple[Floats, Laid] | None:
    aligner = Aligner(a, b, held(turned))
    found = aligner.refined()
    if found is None:
        return None
    if nearest_held(found)[1] <= _WHOLE:
        found = held(turned)
    laid = aligner.laid(found)
    return None if laid is None else (found, laid)


def _exact(a: Shown, b: Shown, transform: Floats) -> tuple[Floats, Laid | None]:
    """Refine a transform, and make it that of the whole picture where nothing speaks against that."""
    aligner = Aligner(a, b, transform)
    best = aligner.refined()
    best = transform if best is None else best
    laid = aligner.laid(best)
    way, shift = nearest_held(best)
    if shift > _NEARLY:
        return best, laid
    straight = Aligner(a, b, held(way))
    whole = straight.refined()
    if whole is None or nearest_held(whole)[1] > _WHOLE:
        return best, laid
    as_whole = straight.laid(held(way))
    if as_whole is None or (laid is not None and as_whole.agreement < laid.agreement - _AS_GOOD):
        return best, laid
    return held(way), as_whole


def _told(a: Shown, b: Shown, transform: Floats, laid: Laid | None) -> Changes:
    """laid: a on b by the transform."""
    place = placed(transform, a.size, b.size)
    back = np.asarray(np.linalg.inv(transform), np.float64)
    overlap_a, overlap_b = share_within(transform), share_within(back)
    whole = overlap_a >= _PART and overlap_b >= _PART
    differs = None if laid is None else difference(laid)
    words = list(_turns(place))
    if overlap_a < _PART <= overlap_b:
        around = surroundings(a, moved(back, CORNERS))
        words.append(AROUND_A[around].format(_percent(overlap_a)))
    elif overlap_b < _PART <= overlap_a:
        around = surroundings(b, moved(transform, CORNERS))
        words.append(AROUND_B[around].format(_percent(overlap_b)))
    if differs is not None:
        sharp = min(max(a.pixels.shape) * overlap_a**0.5, max(b.pixels.shape) * overlap_b**0.5) >= _SHARP
        words += _tones(differs, sharp and whole and 0.95 < place.wider < 1.05)
    if whole:
        words += _resized((a.size, b.size), transform)
    if not words and a.file.format == b.file.format and a.file.format in LOSSY:
        words.append("recompressed")
    words += _conversion(a.file, b.file)
    return Changes(tuple(words), overlap_a, overlap_b, _flat(transform))


def _turns(place: Placement) -> Iterator[str]:
    if place.mirrored:
        yield "mirrored"
    quarters = round(place.degrees / 90)
    rest = place.degrees - 90 * quarters
    if abs(rest) >= 2:
        yield f"rotated by {place.degrees:.0f} degrees"
    elif quarters % 4:
        yield ORIENTATIONS[quarters % 4]
    if place.tilt > 0.06:
        yield "in perspective"
        return
    if abs(place.slant) > 0.03:
        yield "slanted"
    if place.wider > 1.05:
        yield f"stretched wider by {_percent(place.wider - 1)}"
    elif place.wider < 0.95:
        yield f"stretched taller by {_percent(1 / place.wider - 1)}"


def _lost_hues(before: float, after: float) -> bool:
    """Of 60 small JPEGs tinted by sepia hues were 1.8 in the median, of photographs 5.7."""
    return after < 2.0 and before > max(2.5, 2 * after)


def _tones(found: Difference, sharp: bool) -> Iterator[str]:
    """sharp: whether both are large enough, and laid exactly enough, to compare fine detail."""
    if found.covered > 0.015:
        how = "overlay on" if found.patched > _PATCHED else "different on"
        yield f"{'without the overlay on' if found.patched < 1 / _PATCHED else how} {_percent(found.covered)}"
    noisy = sharp and found.detail > 1.3 and found.clear < 0.7
    blurred = sharp and found.detail < 0.6
    if found.color_a > 4 and _lost_hues(found.hues_a, found.hues_b):
        yield "gray" if found.color_b < 1.5 else "toned"
    elif found.color_b > 4 and _lost_hues(found.hues_b, found.hues_a):
        yield "in color"
    elif found.recolored > max(6.0, 0.45 * found.color_a) and not noisy:
        yield "recolored"
    if abs(found.brighter) > 14:
        yield "brighter" if found.brighter > 0 else "darker"
    if not blurred and not 0.9 <= found.contrast <= 1.1:
        yield "more contrast" if found.contrast > 1 else "less contrast"
    if noisy:
        yield "noisy"
    elif blurred:
        yield "blurred"
    elif sharp and found.detail > 1.4:
        yield "sharpened"


def _resized(sizes: tuple[tuple[int, int], tuple[int, int]], transform: Floats) -> Iterator[str]:
    (width, height), new = sizes
    if new != ((height, width) if nearest_held(transform)[0] % 2 else (width, height)):
        yield f"resized from {width}x{height} to {new[0]}x{new[1]}"


def _conversion(a: PictureFile, b: PictureFile) -> Iterator[str]:
    if a.format != b.format:
        yield f"converted from {a.format} to {b.format}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _flat(transform: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in transform.ravel())
