"""The pipeline of every batch: pictures in, descriptions out, in order, on several threads, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from lookalike.ahead import in_order
from lookalike.describers.ensemble import Ensemble
from lookalike.errors import ImageError
from lookalike.images.decode import decode
from lookalike.images.image import Image, Limits
from lookalike.images.sources import Encoded, load

__all__ = ["Job", "Outcome", "describe_stream"]

_BATCH = 8  # pictures a thread takes at once: as many as the model runs at once
_AHEAD = 6  # batches a thread may be ahead of the caller, who may be busy writing


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One picture to describe.

    source: what `images.sources.load` takes; None passes through without rows. known: SHA-256 of the bytes
    described before; equal bytes are not described again. item: the caller's own, handed back with the outcome.
    """

    source: Any
    item: Any = None
    known: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of a job: described (`rows` and `image`), nothing to do (neither), or failed (`error`).

    rows: description name -> one row. image: the picture's facts; its pixels are gone (shape (0, 0, 3)).
    """

    job: Job
    rows: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    image: Image | None = None
    error: ImageError | None = None


def describe_stream(jobs: Iterable[Job], ensemble: Ensemble, *, limits: Limits, workers: int) -> Iterator[Outcome]:
    """Yield one outcome per job, in the order of the jobs; a picture that can't be used is an outcome too.

    Each of `workers` threads takes a few pictures from bytes to descriptions by itself (decoder and model
    release the GIL), so that no stage waits for another. At most 6 x workers small batches exist at once.
    """
    source = iter(jobs)
    batches: Iterator[list[Job]] = iter(lambda: list(islice(source, _BATCH)), [])
    work = partial(_describe_batch, ensemble=ensemble, limits=limits)
    for outcomes in in_order(work, batches, threads=workers, ahead=_AHEAD * workers, name="describe"):
        yield from outcomes


def _describe_batch(jobs: list[Job], ensemble: Ensemble, limits: Limits) -> list[Outcome]:
    outcomes: list[Outcome | Image] = [_load(job, ensemble.wants, limits) for job in jobs]
    images = [outcome for outcome in outcomes if isinstance(outcome, Image)]
    rows = ensemble.describe([image.pixels for image in images]) if images else {}
    done: list[Outcome] = []
    described = 0
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, Image):
            one = {name: values[described] for name, values in rows.items()}
            done.append(Outcome(job, one, _without_pixels(outcome)))
            described += 1
        else:
            done.append(outcome)
    return done


def _load(job: Job, wants: int, limits: Limits) -> Outcome | Image:
    if job.source is None:
        return Outcome(job)
    try:
        found = load(job.source, limits)
        if job.known is not None and job.known == _digest(found):
            return Outcome(job)
        return found if isinstance(found, Image) else decode(found.data, name=found.name, limits=limits, wants=wants)
    except ImageError as error:
        return Outcome(job, error=error)


def _digest(found: Encoded | Image) -> str:
    return found.sha256 if isinstance(found, Image) else hashlib.sha256(found.data).hexdigest()


def _without_pixels(image: Image) -> Image:
    return replace(image, pixels=image.pixels[:0, :0].copy())
