"""POST /v1/describe."""

from __future__ import annotations

import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Request
from fastapi.responses import Response

from lookalike.api.pictures import picture_bytes
from lookalike.describers.cache import user_cache
from lookalike.describers.descriptions import Description, describe_each
from lookalike.describers.tables import Makers, Named, line, makers_of, row_of, write_npz, write_parquet
from lookalike.errors import ImageError
from lookalike.images.image import Limits
from lookalike.settings import Settings
from lookalike.wire.pictures import (
    AnswerBody,
    DescribeOptions,
    DescribeRequest,
    DescriptionBody,
    DescriptionsBody,
    LabelBody,
)

router = APIRouter(tags=["describe"])

_KINDS = {
    "jsonl": "application/x-ndjson",
    "npz": "application/octet-stream",
    "parquet": "application/vnd.apache.parquet",
}


def _options(
    labels: Annotated[int | bool, Form(ge=0, le=100)] = True,
    top: Annotated[int, Form(ge=0, le=100)] = 5,
    vectors: Annotated[list[str] | None, Form()] = None,
    normalized: Annotated[bool, Form()] = True,
    form: Annotated[Literal["json", "jsonl", "npz", "parquet"], Form(alias="format")] = "json",
) -> DescribeOptions:
    names = None if vectors is None else [name.strip() for part in vectors for name in part.split(",")]
    return DescribeOptions(labels=labels, top=top, vectors=names, normalized=normalized, format=form)


@router.post(
    "/describe", summary="Vectors, hashes, labels, tags and colors of pictures", response_model=DescriptionsBody
)
def describe_json(body: DescribeRequest, request: Request) -> DescriptionsBody | Response:
    """Pictures as base64 text. One that can't be read has `error` and `code`; the others are described.

    With `format`, lines of JSON, NumPy arrays (npz) or a Parquet table, where pictures are named `pictures[0]` on.
    """
    settings: Settings = request.app.state.workspace.settings
    sources = [_inline(text, f"pictures[{i}]", settings.limits) for i, text in enumerate(body.pictures)]
    return _describe(sources, settings, body)


@router.post("/describe/files", summary="The same, with the pictures as files", response_model=DescriptionsBody)
def describe_files(
    files: Annotated[list[bytes], File()], request: Request, options: Annotated[DescribeOptions, Depends(_options)]
) -> DescriptionsBody | Response:
    """Pictures as the repeated multipart field `files`."""
    return _describe(list(files), request.app.state.workspace.settings, options)


def _inline(text: str, name: str, limits: Limits) -> bytes | ImageError:
    try:
        return picture_bytes(text, name, limits)
    except ImageError as error:
        return error


def _describe(sources: list[Any], settings: Settings, options: DescribeOptions) -> DescriptionsBody | Response:
    makers = makers_of(settings.model, options.vectors)
    readable = [source for source in sources if not isinstance(source, ImageError)]
    described = describe_each(
        readable,
        settings=settings,
        labels=options.count,
        cache=user_cache(),
        normalized=options.normalized,
    )
    answers = iter(described)
    found = [source if isinstance(source, ImageError) else next(answers) for source in sources]
    if options.format != "json":
        return _file(found, makers, options.format)
    return DescriptionsBody(
        model=makers.model, signatures=makers.signatures, pictures=[_body(entry, makers) for entry in found]
    )


def _body(found: Description | ImageError, makers: Makers) -> DescriptionBody:
    if isinstance(found, ImageError):
        return DescriptionBody(error=found.reason, code=found.code)
    row = row_of("", found, makers)
    return DescriptionBody(
        width=found.image.width,
        height=found.image.height,
        sha256=found.image.sha256,
        vectors=row["vectors"],
        hashes=dict(found.hashes),
        colors=row["colors"],
        labels=[LabelBody(**label) for label in row["labels"]],
        vocabularies={name: AnswerBody(**answer) for name, answer in row["vocabularies"].items()},
        tags=row["tags"],
    )


def _file(found: list[Description | ImageError], makers: Makers, form: str) -> Response:
    names = [f"pictures[{place}]" for place in range(len(found))]
    failed = [
        {"file": name, "error": entry.reason, "code": entry.code}
        for name, entry in zip(names, found, strict=True)
        if isinstance(entry, ImageError)
    ]
    if form == "jsonl":
        reasons = {entry["file"]: entry for entry in failed}
        rows = [
            reasons[name] if isinstance(entry, ImageError) else row_of(name, entry, makers)
            for name, entry in zip(names, found, strict=True)
        ]
        return Response("".join(map(line, rows)), media_type=_KINDS[form])
    readable: list[Named] = [
        (name, entry) for name, entry in zip(names, found, strict=True) if not isinstance(entry, ImageError)
    ]
    sink = io.BytesIO()
    (write_npz if form == "npz" else write_parquet)(readable, makers, sink, failed)
    return Response(sink.getvalue(), media_type=_KINDS[form])
