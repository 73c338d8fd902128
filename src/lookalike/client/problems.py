"""A problem document (RFC 9457) becomes the error that the library itself would have raised."""

from __future__ import annotations

from typing import Any, Final

import httpx

from lookalike import errors
from lookalike.errors import LookalikeError, ServiceError

__all__ = ["error_of"]

_KINDS: Final[dict[str, type[LookalikeError]]] = {
    kind.code: kind for name in errors.__all__ if issubclass(kind := getattr(errors, name), LookalikeError)
}


def error_of(answer: httpx.Response) -> LookalikeError:
    """Return the error of an answer of status 400 or more: by its `code`, with the facts that the service tells."""
    document = _document(answer)
    code, detail = str(document.get("code", "")), str(document.get("detail", answer.reason_phrase))
    kind = _KINDS.get(code)
    if kind is None or kind is ServiceError:
        return ServiceError(answer.status_code, detail, code or ServiceError.code)
    # The sentence is the service's own: the class's __init__ would write it anew from facts that may be missing.
    error = kind.__new__(kind)
    Exception.__init__(error, detail)
    facts = document.get("facts")
    vars(error).update(facts if isinstance(facts, dict) else {})
    retry_after = answer.headers.get("retry-after", "")
    if retry_after.isdigit():
        vars(error)["retry_after"] = float(retry_after)
    return error


def _document(answer: httpx.Response) -> dict[str, Any]:
    if answer.headers.get("content-type", "").partition(";")[0] != "application/problem+json":
        return {}
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
