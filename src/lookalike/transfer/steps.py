"""An import, step by step: each step's lines are kept when it is told, so that it can stop and go on after any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from lookalike.errors import InvalidRecord
from lookalike.intake import MAX_ID
from lookalike.records import Added, Failure, Imported
from lookalike.transfer.reading import Line

__all__ = ["MOST_FAILURES", "import_steps", "summed"]

MOST_FAILURES: Final = 1000
"""Most failures that the sum of an import lists; all are counted, and all are told step by step."""

_STEP: Final = 1000
_COUNTS: Final = ("inserted", "updated", "skipped", "failed")


def import_steps(
    lines: Iterable[Line], add: Callable[[list[Mapping[str, Any]]], Added], *, after: int = 0
) -> Iterator[Imported]:
    """Add the records of a file's lines, and yield what became of each step's.

    add: `Collection.add` or the like. after: go on after this line, the `line` of an earlier step. Of two lines with
    one `_id` the second fails, however far apart they are.
    """
    first: dict[str, int] = {}
    source = iter(lines)
    for number, raw in source:
        if number > after:
            source = chain([(number, raw)], source)
            break
        if isinstance(raw, Mapping) and isinstance(raw.get("_id"), str):
            first.setdefault(raw["_id"], number)
    while step := list(islice(source, _STEP)):
        failures: list[Failure] = []
        fresh: dict[str, tuple[int, Mapping[str, Any]]] = {}
        for number, raw in step:
            try:
                id_, record = _fresh(number, raw, first)
            except InvalidRecord as error:
                code = raw.code if isinstance(raw, Failure) else error.code
                failures.append(Failure(f"line {number}{error.record}", code, error.reason))
            else:
                fresh[id_] = number, record
        added = add([record for _, record in fresh.values()])
        late = [Failure(f"line {fresh[one.source][0]} ({one.source})", one.code, one.reason) for one in added.failed]
        yield Imported(
            line=step[-1][0],
            inserted=len(added.inserted),
            updated=len(added.updated),
            skipped=len(added.skipped),
            failed=len(failures) + len(late),
            failures=[*failures, *late],
        )


def summed(steps: Iterable[Imported], progress: Callable[[int], None], cancel: Callable[[], bool]) -> Imported:
    """Go through the steps and return their sum. cancel: asked after each; once it says so, the rest is left."""
    total = Imported()
    for step in steps:
        counts = {name: getattr(total, name) + getattr(step, name) for name in _COUNTS}
        total = Imported(step.line, **counts, failures=[*total.failures, *step.failures][:MOST_FAILURES])
        progress(sum(getattr(step, name) for name in _COUNTS))
        if cancel():
            break
    return total


def _fresh(number: int, raw: Mapping[str, Any] | Failure, first: dict[str, int]) -> tuple[str, Mapping[str, Any]]:
    """Return a line's id and record. Raises InvalidRecord; its `record` is what to say after the line's number."""
    if isinstance(raw, Failure):
        raise InvalidRecord("", raw.reason)
    id_ = raw.get("_id")
    if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID:
        raise InvalidRecord("", f"_id must be text of 1 to {MAX_ID} characters")
    earlier = first.setdefault(id_, number)
    if earlier != number:
        raise InvalidRecord(f" ({id_})", f"its _id came before, on line {earlier}; the first one was taken")
    return id_, raw
