"""What cleaning does to the disk, written down before it is done: an append-only file of checksummed lines.

A line is 16 hex digits (BLAKE2b of the rest), a space, and one JSON object. The first says what the file is. An entry
is a line with its steps, synced to the disk before the first of them begins; later lines say what became of it.
A line torn by a crash was never followed by what it announces: it is cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from lookalike.cleaning.disk import Facts, sync_folder
from lookalike.cleaning.links import Link
from lookalike.cleaning.moves import Move
from lookalike.cleaning.rewrites import Rewrite
from lookalike.errors import JournalUnreadable, PlanNotFound

__all__ = ["ENDING", "VERSION", "Entry", "Journal", "State", "Step", "is_journal", "last_journal"]

VERSION: Final = 1
ENDING: Final = ".journal"
_FORMAT: Final = "lookalike journal"

Step: TypeAlias = Move | Link | Rewrite
State = Literal["begun", "done", "undone"]
"""begun: some of its steps may be done. undone: all is as before, or where `places` says."""

_STEPS: Final[Mapping[str, type[Step]]] = {"move": Move, "link": Link, "rewrite": Rewrite}


@dataclass(slots=True)
class Entry:
    """One action, whole or not at all. path: the file it is about. action: in words of the user.

    places: number of a step -> where its file is put back, if not where it was.
    """

    number: int
    path: str
    action: str
    steps: Sequence[Step]
    state: State = "begun"
    places: dict[int, str] = field(default_factory=dict)


class Journal:
    """The journal of one plan. entries: number -> entry, ascending. damaged: lines that can't be read."""

    def __init__(self, path: Path) -> None:
        """Read a journal. Raises PlanNotFound, JournalUnreadable for another kind of file."""
        self.path = path
        self.entries: dict[int, Entry] = {}
        self.damaged = 0
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise PlanNotFound(str(path.absolute().parent), "journal") from None
        except OSError as error:
            raise JournalUnreadable(str(path), error.strerror or str(error)) from None
        self._whole = data.rfind(b"\n") + 1
        self._last = 0
        lines = data[: self._whole].splitlines()
        self.plan = self._heading(lines[0] if lines else b"")
        for line in lines[1:]:
            self._read(line)

    @classmethod
    def of_plan(cls, path: Path, plan: str) -> Journal:
        """Open the journal of a plan, or begin it. Raises JournalUnreadable, also for one that is damaged."""
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                heading = {"format": _FORMAT, "version": VERSION, "plan": plan, "made": _now()}
                aside = path.with_name(path.name + ".new")
                _append(aside, _line(heading), 0)
                aside.replace(path)
                sync_folder(str(path))
        except OSError as error:
            raise JournalUnreadable(str(path), error.strerror or str(error)) from None
        journal = cls(path)
        if journal.plan != plan:
            raise JournalUnreadable(str(path), f"it is of another plan, {journal.plan}")
        if journal.damaged:
            advice = "Undo what it says, move it away, and scan again."
            raise JournalUnreadable(str(path), f"{journal.damaged:,} of its lines are damaged", advice)
        return journal

    @property
    def next_number(self) -> int:
        """The number that the next entry gets."""
        return self._last + 1

    def open_entries(self) -> Iterator[Entry]:
        """Yield what is begun or done and not undone, the latest first."""
        for entry in sorted(self.entries.values(), key=lambda entry: -entry.number):
            if entry.state != "undone":
                yield entry

    def begin(self, path: str, action: str, steps: Sequence[Step]) -> Entry:
        """Write down what is about to be done. When this returns, it is on the disk. Raises JournalUnreadable."""
        entry = Entry(self.next_number, path, action, steps)
        told = [{"kind": step.kind, **asdict(step)} for step in steps]
        self._write({"entry": entry.number, "path": path, "action": action, "at": _now(), "steps": told}, sync=True)
        self._keep(entry)
        return entry

    def mark(self, entry: Entry, state: State) -> None:
        """Write down what became of an entry, and let the system bring it to the disk when it likes: a mark that a
        power cut takes away is made again, for undoing looks at what is there. Raises JournalUnreadable.
        """
        self._write({"of": entry.number, "state": state}, sync=False)
        entry.state = state

    def place(self, entry: Entry, step: int, to: str) -> None:
        """Write down, on the disk, that the file of a step is about to be put back elsewhere. Raises
        JournalUnreadable.
        """
        self._write({"of": entry.number, "step": step, "to": to}, sync=True)
        entry.places[step] = to

    def _write(self, record: Mapping[str, Any], *, sync: bool) -> None:
        line = _line(record)
        try:
            _append(self.path, line, self._whole, sync=sync)
        except OSError as error:
            reason = f"it can't be written to ({error.strerror or error})"
            raise JournalUnreadable(str(self.path), reason, "What isn't written down isn't done.") from None
        self._whole += len(line)

    def _heading(self, line: bytes) -> str:
        record = _parse(line)
        if record is None or record.get("format") != _FORMAT:
            raise JournalUnreadable(str(self.path), "it is no journal of Lookalike, or its beginning is damaged")
        if record.get("version") != VERSION:
            raise JournalUnreadable(str(self.path), f"it is of version {record.get('version')}, this one is {VERSION}")
        return str(record["plan"])

    def _read(self, line: bytes) -> None:
        record = _parse(line)
        try:
            if record is None:
                self.damaged += 1
            elif "entry" in record:
                steps = [_step(told) for told in record["steps"]]
                self._keep(Entry(record["entry"], record["path"], record["action"], steps))
            elif record.get("state") in get_args(State):
                self.entries[record["of"]].state = record["state"]
            else:
                self.entries[record["of"]].places[record["step"]] = record["to"]
        except (KeyError, TypeError):
            self.damaged += 1

    def _keep(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        self._last = max(self._last, entry.number)


def is_journal(path: Path) -> bool:
    """Tell whether a file begins as a journal does, whatever its name."""
    try:
        with path.open("rb") as file:
            record = _parse(file.readline().rstrip(b"\n"))
    except OSError:
        return False
    return record is not None and record.get("format") == _FORMAT


def last_journal(folder: Path) -> Path:
    """Return the journal that was written to last. Raises PlanNotFound."""
    found = sorted(folder.glob(f"*{ENDING}"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    if not found:
        raise PlanNotFound(str(folder), "journal")
    return found[-1]


def _append(path: Path, line: bytes, at: int, *, sync: bool = True) -> None:
    """Write a line at a place, over what a torn one left there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.ftruncate(handle, at)
        os.lseek(handle, at, os.SEEK_SET)
        view = memoryview(line)
        while view:
            view = view[os.write(handle, view) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()  # ASCII: names that are no UTF-8 are escaped
    return _sum(text) + b" " + text + b"\n"


def _sum(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=8).hexdigest().encode()


def _parse(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    if checksum != _sum(text):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _step(told: Mapping[str, Any]) -> Step:
    values = {name: value for name, value in told.items() if name != "kind"}
    if values.get("facts") is not None:
        values["facts"] = Facts(**values["facts"])
    if "made" in values:
        values["made"] = tuple(values["made"])
    return _STEPS[told["kind"]](**values)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
