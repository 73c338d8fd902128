"""Pictures that visitors brought: kept in memory for a while, so that a search by upload is a URL like any other."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from lookalike.errors import ImageTooLarge, ImageUnreadable
from lookalike.images import read_image
from lookalike.settings import Settings

__all__ = ["Upload", "Uploads", "checked", "received", "upload_of"]

_COUNT = 64
_BYTES = 192 * 2**20
_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A picture as it came. name: the visitor's own file name, for showing only."""

    data: bytes
    name: str


class Uploads:
    """Keeps the pictures used last, limited in number and in total bytes. Safe to call from several threads."""

    def __init__(self, count: int = _COUNT, total: int = _BYTES) -> None:
        self._count, self._total = count, total
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def keep(self, upload: Upload) -> str:
        """Keep a picture and return its token, which can't be guessed. Raises ImageTooLarge if it alone is too much."""
        if len(upload.data) > self._total:
            raise ImageTooLarge(upload.name, size=len(upload.data), limit=self._total, unit="bytes")
        token = secrets.token_urlsafe(16)
        with self._guard:
            self._kept[token] = upload
            self._size += len(upload.data)
            while len(self._kept) > self._count or self._size > self._total:
                self._size -= len(self._kept.popitem(last=False)[1].data)
        return token

    def get(self, token: str) -> Upload | None:
        """Return a picture and count it as used, or None if it was never there or is gone."""
        with self._guard:
            if token in self._kept:
                self._kept.move_to_end(token)
            return self._kept.get(token)


async def received(request: Request) -> Mapping[str, str]:
    """Keep the pictures of a multipart form; return the name of each filled field -> token.

    A dependency of form routes. Raises ImageError for a file that is not a picture within the limits, and
    ImageUnreadable if the form has no picture at all.
    """
    settings: Settings = request.app.state.workspace.settings
    uploads: Uploads = request.app.state.uploads
    tokens = {}
    async with request.form(max_files=4, max_fields=16) as form:
        for field, value in form.multi_items():
            if isinstance(value, UploadFile) and (value.size or value.filename):
                upload = Upload(await value.read(), (value.filename or "picture")[:_NAME_LENGTH])
                tokens[field] = await run_in_threadpool(checked, upload, uploads, settings)
    if not tokens:
        raise ImageUnreadable("Your upload", "it holds no picture", "Choose, drop or paste one.")
    return tokens


def upload_of(request: Request, token: str) -> Upload:
    """Return the upload of a token. Raises HTTPException 410 if it is gone."""
    uploads: Uploads = request.app.state.uploads
    upload = uploads.get(token)
    if upload is None:
        raise HTTPException(410, "The picture of this link is no longer kept. Drop or choose it once more.")
    return upload


def checked(upload: Upload, uploads: Uploads, settings: Settings) -> str:
    """Keep an upload that can be decoded, and return its token. Raises ImageUnreadable, ImageTooLarge."""
    try:
        read_image(upload.data, limits=settings.limits, wants=64)
    except ImageUnreadable as error:
        raise ImageUnreadable(upload.name, error.reason, "Choose a picture file.") from None
    except ImageTooLarge as error:
        raise ImageTooLarge(upload.name, size=error.size, limit=error.limit, unit=error.unit) from None
    return uploads.keep(upload)
