"""Answers as JSON, written where they were made."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import pydantic_core
from fastapi import Response

__all__ = ["written"]

P = ParamSpec("P")


def written(endpoint: Callable[P, Any]) -> Callable[P, Response]:
    """Have a route's answer written by the thread that made it, for routes that tell of records or are asked often.

    The framework would check it first, and fetch another thread to do so; and it could not tell of a file whose name
    on disk is no UTF-8: JSON can, in ASCII.
    """

    @wraps(endpoint)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
        return Response(_json(endpoint(*args, **kwargs)), media_type="application/json")

    return answered


def _json(answer: Any) -> bytes:
    try:
        return pydantic_core.to_json(answer, by_alias=True, inf_nan_mode="null")
    except pydantic_core.PydanticSerializationError:
        plain = pydantic_core.to_jsonable_python(answer, by_alias=True, inf_nan_mode="null")
        return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()
