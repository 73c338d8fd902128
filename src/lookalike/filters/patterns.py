"""Regular expressions whose cost no one who writes one can drive up: RE2, linear in the text.

Python's `re`, `regex` and MongoDB's PCRE backtrack: a short expression can take years over a short text, and a
time limit would make an answer depend on the machine. RE2 has no look-around and no back-references for that;
an expression with one is refused. Otherwise: `\\d`, `\\w`, `\\s` and `\\b` are ASCII's, `$` without the option m
is the very end of the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import re2

__all__ = ["LONGEST", "OPTIONS", "check", "found_in"]

LONGEST: Final = 1000
"""Characters an expression may have."""

OPTIONS: Final = "imsx"
"""i: case is of no account. m: ^ and $ at every line. s: the dot matches line breaks. x: blanks and comments."""


def check(expression: str, options: str) -> None:
    """Raise ValueError, with the reason, for an expression or options that can't be used."""
    if len(expression) > LONGEST:
        raise ValueError(f"it has {len(expression):,} characters, over the limit of {LONGEST:,}")
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"there is no option {unknown[0]!r}; known: {', '.join(OPTIONS)}")
    _compiled(expression, options)


def found_in(text: str, expression: str, options: str) -> bool:
    """Whether the expression, checked before, is found anywhere in a text."""
    return _compiled(expression, options).search(_bytes(text)) is not None


_TOKEN: Final = re.compile(r"\\Q.*?\\E|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\s+|#[^\n]*|.", re.DOTALL)
"""A quotation, an escape, a class, blanks, a comment, or a character."""


@lru_cache(maxsize=256)
def _compiled(expression: str, options: str) -> Any:
    settings = re2.Options()
    settings.log_errors = False
    if "x" in options:
        expression = _without_blanks(expression)
    flags = "".join(sorted(set(options) & set("ims")))
    try:
        return re2.compile(f"(?{flags}){expression}" if flags else expression, settings)
    except re2.error as problem:
        reason = problem.args[0]
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{said} (RE2 has no look-around and no back-references)") from None
    except UnicodeEncodeError:
        raise ValueError("it is not valid Unicode") from None


def _without_blanks(expression: str) -> str:
    """Leave out blanks and comments, save in a class, in a quotation and behind a backslash."""
    tokens = _TOKEN.findall(expression)
    return "".join(token for token in tokens if not token.isspace() and not token.startswith("#"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
