"""What visitors bring into a collection, by a form: pictures, addresses of pictures, and tables, as files to import."""

from __future__ import annotations

import json
import secrets
import shutil
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from starlette.datastructures import FormData, UploadFile

from lookalike.errors import InvalidArgument, StoreFailed
from lookalike.transfer import FileFormat
from lookalike.transfer.formats import format_of

__all__ = ["Brought", "address_id", "brought_by", "picture_ids", "write_files"]

_LIST = ".txt"


@dataclass(frozen=True, slots=True)
class Brought:
    """pictures, tables: files, each with the name it came by. addresses: URLs of pictures."""

    pictures: Sequence[tuple[str, IO[bytes]]]
    tables: Sequence[tuple[str, IO[bytes]]]
    addresses: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.pictures or self.tables or self.addresses)


def brought_by(form: FormData) -> Brought:
    """Return what the fields `files` and `addresses` hold; text files are lists of addresses."""
    files = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
    named = [(str(each.filename), cast(IO[bytes], each.file)) for each in files]
    lists = [file.read().decode("utf-8", "replace") for name, file in named if name.lower().endswith(_LIST)]
    texts = (str(form.get("addresses", "")), *lists)
    return Brought(
        pictures=[each for each in named if not _is_table(each[0]) and not each[0].lower().endswith(_LIST)],
        tables=[each for each in named if _is_table(each[0])],
        addresses=[line.strip() for text in texts for line in text.splitlines() if line.strip()],
    )


def picture_ids(names: Sequence[str]) -> list[str]:
    """Return the ids of pictures by the names they came with: the path below the folder that was chosen.

    Where another picture took that, the whole path; where that is taken too, the whole path with a number.
    """
    taken: dict[str, None] = {}
    for name in names:
        below = name.partition("/")[2] or name
        path = PurePosixPath(name)
        numbered = (str(path.with_stem(f"{path.stem}-{number}")) for number in range(2, len(names) + 2))
        taken[next(each for each in (below, name, *numbered) if each not in taken)] = None
    return list(taken)


def address_id(address: str) -> str:
    """Return the id of a picture by its address, which is the address without its beginning, http:// or https://."""
    return address.partition("://")[2] or address


def write_files(brought: Brought, folder: Path) -> Iterator[tuple[str, FileFormat]]:
    """Write files that an import takes, and yield the name and format of each.

    Pictures and addresses become one file, with the pictures' bytes in it; it is gone once it is imported. Raises
    StoreFailed.
    """
    try:
        if brought.pictures or brought.addresses:
            path = folder / f"{secrets.token_hex(8)}.jsonl"
            with path.open("w", encoding="ascii") as file:
                file.writelines(json.dumps(record) + "\n" for record in _records(brought))
            yield path.name, "jsonl"
        for name, table in brought.tables:
            form = format_of(Path(name))
            path = folder / f"{secrets.token_hex(8)}.{form}{'.gz' if name.endswith('.gz') else ''}"
            with path.open("wb") as copy:
                shutil.copyfileobj(table, copy)
            yield path.name, form
    except OSError as error:
        raise StoreFailed("keep what is to be imported", error.strerror or str(error)) from None


def _records(brought: Brought) -> Iterator[dict[str, Any]]:
    for id_, (_, file) in zip(picture_ids([name for name, _ in brought.pictures]), brought.pictures, strict=True):
        yield {"_id": id_, "_base64": b64encode(file.read()).decode("ascii")}
    for address in brought.addresses:
        yield {"_id": address_id(address), "_url": address}


def _is_table(name: str) -> bool:
    try:
        format_of(Path(name))
    except InvalidArgument:
        return False
    return True
