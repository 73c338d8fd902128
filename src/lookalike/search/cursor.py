"""Where to go on: an opaque text that says after which match, and of which question."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from lookalike.errors import InvalidArgument

__all__ = ["Cursor", "fingerprint"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last match given: its similarity and id. given: matches so far; seen: rows looked at, a hint of depth.

    question: `fingerprint` of what was asked, so that a cursor is not used for another question.
    """

    question: str
    similarity: float
    id: str
    given: int
    seen: int

    @property
    def key(self) -> tuple[float, str]:
        """Matches come in ascending order of this: most alike first, ties by id."""
        return -self.similarity, self.id

    def encode(self) -> str:
        """Return the text that `decode` reads: letters, digits, "-" and "_"."""
        fields = [_VERSION, self.question, self.similarity, self.id, self.given, self.seen]
        text = json.dumps(fields, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode("ascii")).rstrip(b"=").decode("ascii")

    @classmethod
    def decode(cls, text: str, question: str) -> Cursor:
        """Read a cursor. Raises InvalidArgument for one that is none, or of another question."""
        try:
            fields = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
            version, asked, similarity, id_, given, seen = fields
            found = cls(str(asked), float(similarity), str(id_), int(given), int(seen))
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error, OverflowError):
            raise InvalidArgument("after", text, "the `next` of an earlier answer") from None
        if version != _VERSION or found.question != question:
            raise InvalidArgument("after", text, "the `next` of an earlier answer to the same question")
        if not (0 <= found.given <= 2**31 and 0 <= found.seen <= 2**31 and -1 <= found.similarity <= 1):
            raise InvalidArgument("after", text, "the `next` of an earlier answer")
        return found


def fingerprint(*parts: object) -> str:
    """Return 16 characters that stand for these JSON values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
