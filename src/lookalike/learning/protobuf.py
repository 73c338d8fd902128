"""Protocol buffers, as far as an ONNX file needs them: fields read and written, numbers kept as they are."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Field", "fields", "message", "number", "text"]

Field = tuple[int, bytes | int, bytes]
"""Number, value (bytes, or an int for a varint; empty for one of fixed width), and the field as it was written."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


def fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a message, in their order. Raises ValueError for what is none."""
    at = 0
    while at < len(data):
        start = at
        key, at = _read(data, at)
        kind = key & 7
        value: bytes | int = b""
        if kind == _VARINT:
            value, at = _read(data, at)
        elif kind == _BYTES:
            size, at = _read(data, at)
            value, at = data[at : at + size], at + size
        elif kind in (_FIXED_32, _FIXED_64):
            at += 4 if kind == _FIXED_32 else 8
        else:
            raise ValueError("no such kind of field")
        if at > len(data):
            raise ValueError("cut short")
        yield key >> 3, value, data[start:at]


def message(place: int, content: bytes) -> bytes:
    """Return a field of bytes: a message inside, packed numbers or raw data."""
    return _written(place << 3 | _BYTES) + _written(len(content)) + content


def text(place: int, value: str) -> bytes:
    """Return a field of text."""
    return message(place, value.encode())


def number(place: int, value: int) -> bytes:
    """Return a field of a number, 0 or above."""
    return _written(place << 3 | _VARINT) + _written(value)


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without an end")


def _written(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
