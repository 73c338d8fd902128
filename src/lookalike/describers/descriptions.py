"""`lookalike.describe`: everything the describers say of pictures, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.ahead import in_order
from lookalike.describers.cache import DescriptionCache, Entry, cache_key, user_cache
from lookalike.describers.colors import Color, dominant_colors
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.describers.labels import Answer, Label, Labels, labels_of, top_labels
from lookalike.describers.neural import unit
from lookalike.errors import ImageError
from lookalike.images.decode import decode
from lookalike.images.image import Image, Limits
from lookalike.images.sources import Encoded, check_several, load
from lookalike.settings import Settings

__all__ = ["Description", "Descriptions", "describe", "describe_each"]


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """What is known of one picture.

    image: its facts; the pixels are gone (shape (0, 0, 3)). vectors: name -> (d,) float32, of unit length
    unless others were asked for.
    hashes: name -> hex, most significant bit first. colors: dominant ones, most dominant first.
    labels: what it shows, of all vocabularies, most probable first. answers: of each vocabulary by itself. Both empty
    where the model has no labels or none were asked for. tags: labels and colors likely enough to file it under.
    taggers: name -> what a tagger of the user's says, as JSON; empty where none was asked.
    """

    image: Image
    vectors: Mapping[str, NDArray[np.float32]]
    hashes: Mapping[str, str]
    colors: Sequence[Color]
    labels: Sequence[Label]
    answers: Sequence[Answer] = ()
    tags: Sequence[str] = ()
    taggers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Descriptions:
    """What is known of several pictures, row by row in the order given.

    vectors: (n, 256) float32 of "meaning", copy: (n, 128) of "copy", unit rows unless others were asked for; color:
    (n, bins) of the Lab histogram.
    hashes: one mapping of hash name -> hex per picture. colors, labels, answers, tags: as in `Description`.
    model: signature of the neural describer.
    """

    vectors: NDArray[np.float32]
    copy: NDArray[np.float32]
    color: NDArray[np.float32]
    hashes: Sequence[Mapping[str, str]]
    colors: Sequence[Sequence[Color]]
    labels: Sequence[Sequence[Label]]
    answers: Sequence[Sequence[Answer]]
    tags: Sequence[Sequence[str]]
    model: str


def describe(
    sources: Iterable[Any],
    *,
    settings: Settings | None = None,
    labels: int = 5,
    cache: bool = True,
    normalized: bool = True,
) -> Descriptions:
    """Describe pictures: anything `read_image` takes, each. Raises the ImageError of the first that can't be read.

    sources: a list or any other iterable; one alone is an InvalidArgument. cache: whether pictures described before,
    told by their content, may come from the user's cache and new ones go there; the numbers are the same to the last
    bit. normalized: as in `describe_each`, which also goes on past pictures that can't be read.
    """
    settings = settings or Settings.load()
    ensemble = standard_ensemble(settings.model)
    found: list[Description] = []
    kept = user_cache() if cache else None
    for entry in describe_each(sources, settings=settings, labels=labels, cache=kept, normalized=normalized):
        if isinstance(entry, ImageError):
            raise entry
        found.append(entry)

    def stack(name: str) -> NDArray[np.float32]:
        rows = [one.vectors[name] for one in found]
        return np.stack(rows) if rows else np.empty((0, ensemble.dims[name]), np.float32)

    return Descriptions(
        vectors=stack("meaning"),
        copy=stack("copy"),
        color=stack("color"),
        hashes=[one.hashes for one in found],
        colors=[one.colors for one in found],
        labels=[one.labels for one in found],
        answers=[one.answers for one in found],
        tags=[one.tags for one in found],
        model=ensemble.neural.signature,
    )


def describe_each(
    sources: Iterable[Any],
    *,
    settings: Settings,
    labels: int = 5,
    cache: DescriptionCache | None = None,
    normalized: bool = True,
) -> Iterator[Description | ImageError]:
    """Yield for each source its description, or the error that says why there is none; in order.

    normalized: vectors of unit length, or else as the models make them (the color histogram always has unit length).
    Works ahead on `settings.workers` threads, by at most twice as many pictures. Raises InvalidArgument for one source
    without a list.
    """
    check_several("sources", sources)
    work = partial(
        _describe_one,
        ensemble=standard_ensemble(settings.model),
        limits=settings.limits,
        cache=cache,
        labels=labels,
        normalized=normalized,
    )
    workers = settings.workers
    yield from in_order(work, sources, threads=workers, ahead=2 * workers + 1, name="describe")


def _describe_one(
    source: Any, *, ensemble: Ensemble, limits: Limits, cache: DescriptionCache | None, labels: int, normalized: bool
) -> Description | ImageError:
    try:
        loaded = load(source, limits)
        digest = hashlib.sha256(loaded.data).hexdigest() if isinstance(loaded, Encoded) else loaded.sha256
        signatures = ensemble.signatures if normalized else {**ensemble.signatures, "": "raw"}
        key = cache_key(digest, signatures)
        # where vectors have a meaning in words, labels are read from them
        scored = labels > 0 and ensemble.book is None and bool(ensemble.neural.card.labels)
        entry = cache.get(key) if cache else None
        if entry is None or (entry.logits is None and scored):
            entry = _entry(loaded, ensemble, limits, scored=scored, normalized=normalized)
            if cache:
                cache.put(key, entry)
        name = loaded.name if isinstance(loaded, Encoded) else loaded.source
        limits.check_pixels(name, entry.width, entry.height)  # what was kept may be over today's limit
    except ImageError as error:
        return error
    return _description(entry, ensemble, labels, sha256=digest, source=name)


def _entry(loaded: Encoded | Image, ensemble: Ensemble, limits: Limits, *, scored: bool, normalized: bool) -> Entry:
    if isinstance(loaded, Encoded):
        loaded = decode(loaded.data, name=loaded.name, limits=limits, wants=ensemble.wants)
    logits = None
    if scored or not normalized:
        rows, logits = ensemble.describe_with_logits([loaded.pixels], normalized=normalized)
    else:
        rows = ensemble.describe([loaded.pixels])
    return Entry(
        width=loaded.width,
        height=loaded.height,
        format=loaded.format,
        sha1=loaded.sha1,
        rows={name: values[0] for name, values in rows.items()},
        logits=logits[0] if logits is not None and scored else None,
        colors=dominant_colors(loaded.pixels),
        taken=loaded.taken,
        exif=loaded.exif,
    )


def _description(entry: Entry, ensemble: Ensemble, labels: int, *, sha256: str, source: str) -> Description:
    no_pixels = np.empty((0, 0, 3), np.uint8)
    shown = _labels(entry, ensemble, labels)
    return Description(
        image=Image(
            no_pixels, entry.width, entry.height, entry.format, entry.sha1, sha256, source, entry.taken, entry.exif
        ),
        vectors={name: entry.rows[name] for name in ensemble.dims},
        hashes={name: entry.rows[name].tobytes().hex() for name in ensemble.hashes},
        colors=entry.colors,
        labels=shown.labels,
        answers=shown.answers,
        tags=ensemble.tags(_units(entry, ensemble)),
    )


def _labels(entry: Entry, ensemble: Ensemble, count: int) -> Labels:
    if count == 0:
        return Labels([], [])
    if ensemble.book is not None and "meaning" in entry.rows:
        return labels_of(_units(entry, ensemble)["meaning"][None], ensemble.book, count)[0]
    if entry.logits is None:
        return Labels([], [])
    best = top_labels(entry.logits[None], ensemble.neural.card.labels, count)[0]
    return Labels(best, [Answer(best[0].vocabulary, 1.0, best)] if best else [])


def _units(entry: Entry, ensemble: Ensemble) -> dict[str, NDArray[np.float32]]:
    return {name: unit(entry.rows[name][None])[0] for name in ensemble.dims}
