"""What people decided of pictures in folders, as it bears on groups: said to be different, and set aside for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lookalike.folders.survey import Survey
from lookalike.likeness import is_plain

if TYPE_CHECKING:
    from lookalike.catalog.decisions import Decision

__all__ = ["Decided"]

_NEAR_BITS: Final = 6  # of 64 up to which a picture is one that was set aside, recompressed or resized


class Decided:
    """Decisions about pictures named by the SHA-256 of their bytes."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self.aside: set[str] = set()
        self._different: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
        for decision in decisions:
            if decision.verdict == "set-aside":
                self.aside.update(decision.members)
            else:
                members = frozenset(decision.members)
                for member in members:
                    self._different[member].append(members)

    def apart(self, digests: Sequence[str]) -> tuple[set[tuple[int, int]], bool]:
        """Return which members of a group were said to be different, and whether that is open again.

        digests: of the members, each once. It is open again when one of them came later, who is in no such decision
        about this group: the newcomer may be a copy of any, and the whole group is shown.
        """
        concerned = [place for place, digest in enumerate(digests) if digest in self._different]
        said = {
            (i, j)
            for i, j in combinations(concerned, 2)
            if any(digests[j] in members for members in self._different[digests[i]])
        }
        known = {member for pair in said for member in pair}
        return (set(), True) if said and len(known) < len(digests) else (said, False)

    def set_aside(self, survey: Survey, hash_of: Callable[[str], int]) -> NDArray[np.bool_]:
        """Return for each file whether its picture was set aside: by its bytes or by a hash that nearly agrees.

        hash_of: digest -> pHash of a picture that was set aside, 0 where it is not known; files of the survey need
        none. Hashes of plain pictures say nothing: of these only the same bytes are set aside.
        """
        found = np.zeros(len(survey), np.bool_)
        if not self.aside:
            return found
        for number in range(len(survey)):
            found[number] = survey.file(number).sha256 in self.aside
        codes = np.array([*survey.codes[found], *(hash_of(digest) for digest in self.aside)], np.uint64)
        for code in np.unique(codes[(codes != 0) & ~is_plain(codes)]):
            found |= (np.bitwise_count(survey.codes ^ code) <= _NEAR_BITS) & (survey.codes != 0)
        return found
