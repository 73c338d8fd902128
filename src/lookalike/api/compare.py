"""POST /v1/compare."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, File, Form, Request

from lookalike.api.answers import written
from lookalike.api.pictures import picture_bytes
from lookalike.comparison import Method, compare
from lookalike.describers.ensemble import standard_ensemble
from lookalike.images.sources import Encoded
from lookalike.settings import Settings
from lookalike.wire.pictures import CompareRequest, ComparisonBody

router = APIRouter(tags=["compare"])

_NAMES: Final = ("picture a", "picture b")
"""What messages call the two."""


@router.post("/compare", summary="Hold two pictures against each other")
@written
def compare_json(body: CompareRequest, request: Request) -> ComparisonBody:
    """Both pictures as base64 text. Symmetric; the same pixels score exactly 1."""
    settings: Settings = request.app.state.workspace.settings
    a, b = (picture_bytes(text, name, settings.limits) for text, name in zip((body.a, body.b), _NAMES, strict=True))
    return _compared(a, b, body.method, settings)


@router.post("/compare/files", summary="The same, with the pictures as files")
@written
def compare_files(
    a: Annotated[bytes, File()],
    b: Annotated[bytes, File()],
    request: Request,
    method: Annotated[Method, Form()] = "auto",
) -> ComparisonBody:
    """Both pictures as multipart fields, which needs a quarter less transfer than base64."""
    return _compared(a, b, method, request.app.state.workspace.settings)


def _compared(a: bytes, b: bytes, method: Method, settings: Settings) -> ComparisonBody:
    first, second = (Encoded(data, name) for data, name in zip((a, b), _NAMES, strict=True))
    found = compare(first, second, method=method, settings=settings)
    return ComparisonBody(
        score=found.score,
        verdict=found.verdict,
        probability=found.probability,
        method=found.method,
        calibration=found.calibration,
        reasons=list(found.reasons),
        evidence=dict(found.evidence),
        model=standard_ensemble(settings.model).neural.signature,
    )
