"""Answers as JSON, written where they were made."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from fastapi import Response
from pydantic import BaseModel

__all__ = ["written"]

P = ParamSpec("P")


def written(endpoint: Callable[P, BaseModel]) -> Callable[P, Response]:
    """Have a route's answer written by the thread that made it, for routes that are asked often.

    The framework would check it first, and fetch another thread to do so.
    """

    @wraps(endpoint)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
        return Response(endpoint(*args, **kwargs).model_dump_json(by_alias=True), media_type="application/json")

    return answered
