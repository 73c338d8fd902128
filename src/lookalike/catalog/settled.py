"""What decisions leave to be looked at: groups of duplicates, less those that were settled; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from lookalike.catalog.decisions import Decision

__all__ = ["open_groups"]


def open_groups(groups: Iterable[Sequence[str]], decisions: Iterable[Decision]) -> list[list[str]]:
    """Return the groups that still want a person's eye, in the order given, members in their order.

    groups: names as the decisions use them, ids or digests. Members that were set aside leave their groups, and
    groups of one vanish. A group is settled if each two of its members were said to be different, in whatever
    decisions; when a new member joins, the whole group opens again, since the newcomer may be a copy of any.
    """
    aside: set[str] = set()
    apart: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for decision in decisions:
        if decision.verdict == "set-aside":
            aside.update(decision.members)
        elif decision.verdict == "different":
            members = frozenset(decision.members)
            for member in members:
                apart[member].append(members)
    left = ([member for member in group if member not in aside] for group in groups)
    return [group for group in left if len(set(group)) > 1 and not _settled(group, apart)]


def _settled(group: Sequence[str], apart: dict[str, list[frozenset[str]]]) -> bool:
    everyone = frozenset(group)
    return all(everyone <= frozenset((member,)).union(*apart.get(member, ())) for member in everyone)
