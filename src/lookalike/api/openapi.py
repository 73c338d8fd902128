"""What the OpenAPI document says beside the routes' own words: every problem that a route can answer with."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from lookalike.api.problems import codes_of

__all__ = ["complete"]

_EVERYWHERE: Final = (401, 403, 429, 503, 507)
_WITH_INPUT: Final = (422,)
_WITH_BODY: Final = (400, 413)
_BELOW: Final = {
    "/v1/collections/{name}": (404, 409, 410),
    "/v1/collections": (409,),
    "/v1/jobs": (404,),
    "/v1/jobs/{id}/file": (409, 410),
    "/v1/feeds/{id}": (404,),
    "/v1/keys": (404,),
    "/v1/users": (404, 409),
    "/v1/taggers": (404,),
    "/v1/usage": (404,),
    "/v1/backup": (409,),
    "/v1/describe": (501,),
}
"""Beginning of a path -> what the routes below may answer besides."""

_SENTENCES: Final = {
    400: "The body could not be parsed.",
    401: "No key, or one that isn't good.",
    403: "The key may not do this, or its plan allows no more records.",
    404: "There is none of this name.",
    409: "It contradicts what is there.",
    410: "It was there, and is gone.",
    413: "More bytes or pixels than are taken.",
    422: "Something in the request can't be meant; `detail` says what, and what would do.",
    429: "More than the key's plan allows; come back after Retry-After seconds.",
    501: "An optional part is not installed.",
    503: "Too much to do just now (come back after Retry-After seconds), or the model is not there.",
    507: "The disk, the engine or the catalog refused.",
}

_PROBLEM: Final = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. Branch on `code`, which is permanent; `facts` are what `detail` is about.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:lookalike:problem:collection_not_found"]},
        "title": {"type": "string", "examples": ["collection not found"]},
        "status": {"type": "integer", "examples": [404]},
        "code": {"type": "string", "examples": ["collection_not_found"]},
        "detail": {"type": "string"},
        "facts": {"type": "object"},
    },
}
_FILES: Final = ("application/x-ndjson", "application/octet-stream", "application/vnd.apache.parquet")
_OTHER_ANSWERS: Final = {
    ("post", "/v1/describe", "200"): _FILES,
    ("post", "/v1/describe/files", "200"): _FILES,
    ("get", "/v1/jobs/{id}/file", "200"): (*_FILES, "application/json", "application/gzip", "text/csv"),
    ("get", "/metrics", "200"): ("text/plain",),
}
_KITCHENS: Final = {"category": "kitchen"}
_EXAMPLES: Final[dict[str, list[dict[str, Any]]]] = {
    "DeleteRequest": [{"ids": ["1_1", "1_2"], "keep": True}, {"where": _KITCHENS}],
    "EraseRequest": [{"ids": ["1_1", "1_2"]}],
    "ExportRequest": [{"format": "parquet", "vectors": True}, {"where": _KITCHENS}],
    "GroupRequest": [{"pictures": ["iVBORw0KGgo...", "data:image/jpeg;base64,/9j/4AAQ..."], "grade": 0.9}],
    "KeyChange": [{"scope": "write", "collections": ["estates"]}, {"plan": "public"}],
    "SampleRequest": [{"size": 5, "where": _KITCHENS, "seed": 7}],
    "ScrollRequest": [{"where": _KITCHENS, "limit": 1000}],
    "UserChange": [{"role": "write"}],
}
"""Bodies whose fields show nothing by themselves."""

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


def complete(app: FastAPI) -> None:
    """Let the application's document name every problem of its own routes; those of replaced systems name theirs."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        made = app.openapi_schema is None
        document = described()
        if made:
            _complete(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schemas["Problem"] = _PROBLEM
    for name, examples in _EXAMPLES.items():
        schemas[name]["examples"] = examples
    count = document["paths"]["/v1/collections/{name}/count"]["post"]
    count["requestBody"]["content"]["application/json"]["example"] = _KITCHENS
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            for status in _statuses(method, path, operation):
                answers[str(status)] = _answer(status)
            for kind in _OTHER_ANSWERS.get((method, path, next(iter(answers))), ()):
                answers["200"].setdefault("content", {})[kind] = _BINARY
    document["paths"]["/v1/jobs/{id}"]["delete"]["responses"]["204"] = {"description": "It was over and is forgotten."}
    if "HTTPValidationError" not in str(document["paths"]):
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)


def _statuses(method: str, path: str, operation: dict[str, Any]) -> Iterator[int]:
    if path == "/metrics":
        yield from (401, 403, 429, 507)
    if not path.startswith("/v1/"):
        return
    yield from _EVERYWHERE
    if "requestBody" in operation:
        yield from _WITH_BODY
    if "requestBody" in operation or "parameters" in operation:
        yield from _WITH_INPUT
    for beginning, statuses in _BELOW.items():
        if path == beginning or path.startswith(f"{beginning}/"):
            yield from statuses


def _answer(status: int) -> dict[str, Any]:
    codes = codes_of(status)
    title = HTTPStatus(status).phrase
    said = f"{_SENTENCES[status]} Codes: {', '.join(f'`{code}`' for code in codes)}." if codes else _SENTENCES[status]
    code = codes[0] if codes else "http_error"
    example = {
        "type": f"urn:lookalike:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": _SENTENCES[status],
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    answer: dict[str, Any] = {"description": f"{title}. {said}", "content": {"application/problem+json": content}}
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer
