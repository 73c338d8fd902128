"""POST /v1/group."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Request

from lookalike.api.pictures import picture_bytes
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.stream import Job, describe_stream
from lookalike.duplicates import connected_groups, group_by_ssim
from lookalike.errors import ImageError
from lookalike.images import read_image
from lookalike.search import score_of
from lookalike.settings import Settings
from lookalike.ssim import Gray, to_gray
from lookalike.wire.duplicates import GroupRequest, GroupsBody, UnreadableBody

router = APIRouter(tags=["compare"])


@router.post("/group", summary="Which of these pictures look alike")
def group(body: GroupRequest, request: Request) -> GroupsBody:
    """Two belong together if their score is at least `grade`, or if a chain of such pairs joins them.

    Pictures are told by their places, from 0. One that can't be used is listed and the others go on.
    """
    settings: Settings = request.app.state.workspace.settings
    errors: dict[int, ImageError] = {}
    pictures: dict[int, bytes] = {}
    for place, text in enumerate(body.pictures):
        try:
            pictures[place] = picture_bytes(text, f"pictures[{place}]", settings.limits)
        except ImageError as error:
            errors[place] = error
    places, groups = (_by_ssim if body.method == "ssim" else _by_vector)(pictures, body, settings, errors)
    return GroupsBody(
        groups=[[places[i] for i in members] for members in groups],
        unreadable=[
            UnreadableBody(place=place, code=error.code, reason=error.reason) for place, error in sorted(errors.items())
        ],
    )


def _by_ssim(
    pictures: dict[int, bytes], body: GroupRequest, settings: Settings, errors: dict[int, ImageError]
) -> tuple[list[int], list[list[int]]]:
    grays: dict[int, Gray] = {}
    for place, data in pictures.items():
        try:
            grays[place] = to_gray(read_image(data, limits=settings.limits).pixels)
        except ImageError as error:
            errors[place] = error
    return list(grays), group_by_ssim(list(grays.values()), body.grade)


def _by_vector(
    pictures: dict[int, bytes], body: GroupRequest, settings: Settings, errors: dict[int, ImageError]
) -> tuple[list[int], list[list[int]]]:
    rows = {}
    jobs = (Job(data, place) for place, data in pictures.items())
    for found in describe_stream(
        jobs, standard_ensemble(settings.model), limits=settings.limits, workers=settings.workers
    ):
        if found.error:
            errors[found.job.item] = found.error
        else:
            rows[found.job.item] = found.rows[body.method]
    if not rows:
        return [], []
    stacked = np.stack(list(rows.values()))
    alike = np.vectorize(score_of)(stacked @ stacked.T) >= body.grade
    pairs = [(int(i), int(j)) for i, j in np.argwhere(np.triu(alike, 1))]
    return list(rows), connected_groups(len(rows), pairs)
