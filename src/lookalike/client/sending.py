"""What both clients do alike with requests and answers."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from lookalike.client.calls import Call
from lookalike.client.problems import error_of
from lookalike.client.records import plain
from lookalike.errors import InvalidArgument, ServiceError
from lookalike.records import Added, Failure

__all__ = ["AsyncPieces", "Pieces", "Tally", "arguments", "base_of", "parted", "result"]

T = TypeVar("T")

_PIECE: Final = 2**20


def base_of(address: str, key: str | None) -> dict[str, Any]:
    """Return what httpx's clients take: where to send to, and with which key, if there is one.

    key: None for LOOKALIKE_KEY of the environment. Raises InvalidArgument for what can't be sent to, or in a header.
    """
    if not address.lower().startswith(("http://", "https://")):
        raise InvalidArgument("address", address, "the address of a service, like http://localhost:8080")
    sent = (os.environ.get("LOOKALIKE_KEY", "") if key is None else key).strip()
    if not (sent.isascii() and sent.isprintable()):
        raise InvalidArgument("key", "not plain text", "the key as it was printed when it was made")
    return {"base_url": address, "headers": {"Authorization": f"Bearer {sent}"} if sent else {}}


class Pieces:
    """A file's content, piece by piece, as often as it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


class AsyncPieces:
    """The same for asynchronous clients."""

    def __init__(self, path: Path) -> None:
        self._pieces = Pieces(path)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def arguments(call: Call[Any], pieces: type[Pieces] | type[AsyncPieces]) -> dict[str, Any]:
    """Return what httpx's `request` takes; a file is sent by `pieces`."""
    given: dict[str, Any] = {"method": call.method, "url": call.path, "params": dict(call.params)}
    if isinstance(call.body, Path):
        return {**given, "content": pieces(call.body), "headers": dict(call.headers)}
    if call.body is None:
        return given
    content = call.body if isinstance(call.body, bytes) else _json(call.body)
    return {**given, "content": content, "headers": {**call.headers, "Content-Type": "application/json"}}


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, default=plain).encode()
    except (TypeError, ValueError) as error:
        raise InvalidArgument("the request", str(error), "made of JSON values and NumPy arrays") from None


def result(call: Call[T], answer: httpx.Response) -> T:
    """Return what the answer says, or raise what it refuses with."""
    if answer.is_error:
        raise error_of(answer)
    try:
        return call.read(answer.json() if answer.content else None)
    except (ValueError, KeyError, TypeError) as error:  # another version, or no Lookalike at all
        raise ServiceError(answer.status_code, f"nothing that this client can read ({type(error).__name__})") from error


def parted(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in runs of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


class Tally:
    """Adds up what became of chunks, and tells the progress."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self.failed: list[Failure] = []
        self._progress = progress or (lambda count: None)
        self._parts: list[Added] = []
        self._told = 0

    def take(self, added: Added, size: int) -> None:
        """Count a chunk of `size` records, and those before it that could not be sent."""
        self._parts.append(added)
        self._tell(size)

    def total(self) -> Added:
        """Return the sum."""
        if len(self.failed) > self._told:
            self._tell(0)
        return Added(
            inserted=[id_ for part in self._parts for id_ in part.inserted],
            updated=[id_ for part in self._parts for id_ in part.updated],
            skipped=[id_ for part in self._parts for id_ in part.skipped],
            failed=[*self.failed, *(one for part in self._parts for one in part.failed)],
        )

    def _tell(self, size: int) -> None:
        self._progress(size + len(self.failed) - self._told)
        self._told = len(self.failed)
