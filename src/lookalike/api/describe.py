"""POST /v1/describe."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request

from lookalike.api.pictures import picture_bytes
from lookalike.describers import Description, describe_each
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import ImageError
from lookalike.images.image import Limits
from lookalike.settings import Settings
from lookalike.wire import DescribeRequest, DescriptionBody, DescriptionsBody, LabelBody

router = APIRouter(tags=["describe"])


@router.post("/describe", summary="Vectors, hashes, colors and labels of pictures")
def describe_json(body: DescribeRequest, request: Request) -> DescriptionsBody:
    """Pictures as base64 text. One that can't be read has `error` and `code`; the others are described."""
    settings: Settings = request.app.state.workspace.settings
    sources = [_inline(text, f"pictures[{i}]", settings.limits) for i, text in enumerate(body.pictures)]
    return _describe(sources, settings, body.labels)


@router.post("/describe/files", summary="The same, with the pictures as files")
def describe_files(
    files: Annotated[list[bytes], File()], request: Request, labels: Annotated[int, Form(ge=0, le=100)] = 5
) -> DescriptionsBody:
    """Pictures as the repeated multipart field `files`."""
    return _describe(list(files), request.app.state.workspace.settings, labels)


def _inline(text: str, name: str, limits: Limits) -> bytes | ImageError:
    try:
        return picture_bytes(text, name, limits)
    except ImageError as error:
        return error


def _describe(sources: list[Any], settings: Settings, labels: int) -> DescriptionsBody:
    readable = [source for source in sources if not isinstance(source, ImageError)]
    described = iter(describe_each(readable, settings=settings, labels=labels))
    found = [source if isinstance(source, ImageError) else next(described) for source in sources]
    return DescriptionsBody(
        model=standard_ensemble(settings.model).neural.signature, pictures=[_body(entry) for entry in found]
    )


def _body(found: Description | ImageError) -> DescriptionBody:
    if isinstance(found, ImageError):
        return DescriptionBody(error=found.reason, code=found.code)
    return DescriptionBody(
        width=found.image.width,
        height=found.image.height,
        sha256=found.image.sha256,
        vectors={name: [round(float(x), 7) for x in row] for name, row in found.vectors.items()},
        hashes=dict(found.hashes),
        colors=[{"hex": color.hex, "name": color.name, "share": color.share} for color in found.colors],
        labels=[LabelBody(name=label.name, probability=label.probability) for label in found.labels],
    )
