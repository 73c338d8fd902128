"""Plans on disk: versioned JSON, written whole or not at all, and a folder of the user's where the last ones are."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TypeVar

import platformdirs

from lookalike.cleaning import disk
from lookalike.cleaning.journal import ENDING, is_journal
from lookalike.cleaning.keeper import parse_rules
from lookalike.cleaning.plan import Companion, Fate, Plan, PlannedGroup, Terms
from lookalike.errors import InvalidArgument, PlanNotFound, PlanUnreadable
from lookalike.folders.findings import FileGroup, FilePair, PictureFile, Unused

__all__ = [
    "VERSION", "find_journal", "journal_of", "last_plan", "plans_folder", "plans_of", "read_plan", "save_plan",
    "to_json", "write_plan",
]  # fmt: skip

VERSION: Final = 1
_FORMAT: Final = "lookalike plan"
_ID: Final = re.compile(r"[0-9a-z][0-9a-z-]{0,63}\Z")
_NUMBERS: Final = (int, float)

T = TypeVar("T", PictureFile, FilePair, Companion)


def plans_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where plans and journals are kept: LOOKALIKE_PLANS, or in the user's data folder."""
    given = environment.get("LOOKALIKE_PLANS")
    return Path(given) if given else Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "plans"


def save_plan(plan: Plan, folder: Path | None = None) -> Path:
    """Write a plan into the folder of plans, under its id; a reviewed one takes the place of the one before.

    Returns its path. Raises OSError.
    """
    path = (folder or plans_folder()) / f"{plan.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_plan(plan, path)
    return path


def last_plan(folder: Path | None = None) -> Path:
    """Return the newest plan of the folder of plans. Raises PlanNotFound."""
    place = folder or plans_folder()
    found = sorted(path for path in place.glob("*.json") if _ID.match(path.stem))
    if not found:
        raise PlanNotFound(str(place), "plan")
    return found[-1]


def plans_of(root: Path, folder: Path | None = None) -> Iterator[tuple[Path, Plan]]:
    """Yield (path, plan) of a folder that was scanned, the newest first. Raises PlanUnreadable for one met before."""
    named = str(root.expanduser().absolute())
    for path in sorted((folder or plans_folder()).glob("*.json"), reverse=True):
        if _ID.match(path.stem) and named in (plan := read_plan(path)).roots:
            yield path, plan


def journal_of(plan: Plan, folder: Path | None = None) -> Path:
    """Return where the journal of a plan is, or will be."""
    return (folder or plans_folder()) / f"{plan.id}{ENDING}"


def find_journal(named: Path, folder: Path | None = None) -> Path:
    """Return the journal that is meant by its own path, by that of its plan, or by a folder that was scanned.

    A plan's journal is looked for by the plan's id, in the folder of plans and then beside the plan, wherever that
    is. Of a folder's plans the newest counts that has a journal. Raises PlanUnreadable; PlanNotFound for a plan
    without a journal, and a folder without such a plan.
    """
    if named.is_dir():
        journals = (journal_of(plan, folder) for _, plan in plans_of(named, folder))
        found = next((journal for journal in journals if journal.is_file()), None)
        if found is None:
            raise PlanNotFound(str(named.expanduser().absolute()), "journal")
        return found
    if named.suffix == ENDING or is_journal(named):
        return named
    plan = read_plan(named)
    places = dict.fromkeys([(folder or plans_folder()).absolute(), named.absolute().parent])
    for place in places:
        journal = journal_of(plan, place)
        if journal.is_file():
            return journal
    raise PlanNotFound(" or ".join(map(str, places)), "journal", plan.id)


def write_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write a plan so that whoever reads it finds the one before or the whole of this one. Raises OSError."""
    aside = f"{os.fspath(path)}.new"
    disk.remove_ours(aside)
    disk.write_new(aside, _blocks(plan))
    Path(aside).replace(path)
    disk.sync_folder(os.fspath(path))


def _blocks(plan: Plan) -> Iterator[bytes]:
    """Yield a plan as it is written, in ASCII: what is of all of it, and each group, on a line of its own.

    A group at a time, and each only once, for the checksum too: there may be thousands.
    """
    facts, groups = to_json(plan)
    parts = {name: _canonical(value) for name, value in facts.items()}
    before = "".join(f'"{name}":{parts[name]},' for name in sorted(parts) if name < "groups")
    after = "".join(f',"{name}":{parts[name]}' for name in sorted(parts) if name > "groups")
    checksum = hashlib.sha256(f'{{{before}"groups":['.encode())
    lines = "".join(f'"{name}": {value},\n' for name, value in parts.items())
    yield f'{{\n{lines}"groups": ['.encode()
    comma = ""
    for group in map(_canonical, groups):
        checksum.update(f"{comma}{group}".encode())
        yield f"{comma}\n{group}".encode()
        comma = ","
    checksum.update(f"]{after}}}".encode())
    yield f'\n],\n"checksum": "{checksum.hexdigest()}"\n}}\n'.encode()


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan. Raises PlanUnreadable for what is missing, damaged, of another version, or something else."""
    name = os.fspath(path)
    try:
        body = json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise PlanUnreadable(name, "there is no such file") from None
    except OSError as error:
        raise PlanUnreadable(name, error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise PlanUnreadable(name, "it is no plan of Lookalike, or it breaks off") from None
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        raise PlanUnreadable(name, "it is no plan of Lookalike")
    if body.get("version") != VERSION:
        raise PlanUnreadable(name, f"it is of version {body.get('version')!r}, and this Lookalike reads {VERSION}")
    if body.pop("checksum", None) != _checksum(body):
        raise PlanUnreadable(name, "it is damaged, or was changed other than by a review")
    try:
        return _plan(body)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidArgument) as error:
        raise PlanUnreadable(name, f"it is damaged ({type(error).__name__}: {error})") from None


def to_json(plan: Plan) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """Return a plan as JSON values: what is of all of it, with what is unreadable; and its groups one by one, with
    keeper, members, pairs and bytes freed, for there may be thousands.
    """
    facts = {
        "format": _FORMAT,
        "version": VERSION,
        "id": plan.id,
        "made": plan.made,
        "roots": list(plan.roots),
        "keep": [str(rule) for rule in plan.terms.keep],
        "bar": plan.terms.bar,
        "bytes_freed": plan.bytes_freed,
        "unreadable": [{"path": one.path, "reason": one.reason} for one in plan.unused],
    }
    return facts, map(_group_to_json, plan.groups)


def _group_to_json(planned: PlannedGroup) -> dict[str, Any]:
    keeper = planned.keeper
    members = []
    for member, fate in zip(planned.group.members, planned.fates, strict=True):
        told = _plain(fate)
        told["carries"] = [_plain(companion) for companion in told.pop("companions")]
        members.append({**_plain(member), **told})
    return {
        "keeper": keeper.path if keeper else None,
        "bytes_freed": planned.bytes_freed,
        "reopened": planned.group.reopened,
        "members": members,
        "pairs": [_plain(pair) for pair in planned.group.pairs],
    }


def _plain(value: PictureFile | FilePair | Fate | Companion) -> dict[str, Any]:
    kind: Any = type(value)
    names, read = _columns(kind)
    return {name: list(one) if isinstance(one, tuple) else one for name, one in zip(names, read(value), strict=True)}


@cache
def _columns(kind: type) -> tuple[tuple[str, ...], attrgetter[Any]]:
    """Return the names of a value's fields, and what reads them all: of thousands of values this is what it costs."""
    names = tuple(one.name for one in fields(kind))
    return names, attrgetter(*names)


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(body).encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _plan(body: Mapping[str, Any]) -> Plan:
    if not _ID.match(body["id"]):
        raise ValueError(f"{body['id']!r} is no id of a plan")
    unused = tuple(Unused(one["path"], one["reason"]) for one in body["unreadable"])
    groups = tuple(_group(group) for group in body["groups"])
    terms = Terms(parse_rules(body["keep"]), body["bar"])
    return Plan(groups, tuple(body["roots"]), terms, unused, body["id"], body["made"])


def _group(told: Mapping[str, Any]) -> PlannedGroup:
    members = [_take(PictureFile, one) for one in told["members"]]
    fates = [_fate(one) for one in told["members"]]
    group = PlannedGroup(
        FileGroup(tuple(members), tuple(_take(FilePair, pair) for pair in told["pairs"]), told["reopened"]),
        tuple(fates),
    )
    kept = [fate.path for fate in fates if fate.does == "keep"]
    if kept != ([told["keeper"]] if told["keeper"] is not None else []):
        raise ValueError("a group doesn't have the one keeper that it names")
    if not kept and group.removed:
        raise ValueError("files go from a group without a keeper")
    return group


def _fate(told: Mapping[str, Any]) -> Fate:
    if told["does"] not in ("keep", "remove", "leave"):
        raise ValueError(f"nothing is known of {told['does']!r}")
    companions = tuple(_take(Companion, one) for one in told["carries"])
    own = ("path", "does", "reason", "verdict", "probability", "by_hand")
    return Fate(**{name: told[name] for name in own}, companions=companions)


def _take(kind: type[T], told: Mapping[str, Any]) -> T:
    """Make a value of what JSON says, of the same types as when it was written."""
    values: dict[str, Any] = {}
    for known in fields(kind):
        value = told[known.name]
        values[known.name] = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
        wanted = (
            _NUMBERS if known.type == "float" else {"str": str, "int": int, "bool": bool}.get(str(known.type), object)
        )
        if not isinstance(value, wanted):
            raise TypeError(f"{known.name} is {value!r}")
    return kind(**values)
