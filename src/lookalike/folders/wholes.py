"""Members of a crowd that are copies of another one as a whole: what is found of that one follows for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Wholes"]

Floats = NDArray[np.float64]


class Wholes:
    """Which members are a copy of which other one as a whole, and by what transform."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[int, Floats, float]] = {}

    def pair(self, a: int, b: int) -> tuple[int, int]:
        """Return the members that two are copies of, themselves for want of others."""
        return self._of.get(a, (a,))[0], self._of.get(b, (b,))[0]

    def way(self, member: int) -> tuple[Floats, float]:
        """Return the transform from a member to what it is a copy of, (3, 3), and how likely it is one."""
        return self._found(member)[1:]

    def join(self, a: int, b: int, transform: Floats, probability: float) -> None:
        """transform: from a to b. The smaller number stands for both, and for what either stood for."""
        (one, to_one, sure), (other, to_other, as_sure) = self._found(a), self._found(b)
        across = to_other @ transform @ np.linalg.inv(to_one)  # from one to other
        if one < other:
            one, other, across = other, one, np.linalg.inv(across)
        likely = min(sure, as_sure, probability)
        for member in [one, *(member for member, found in self._of.items() if found[0] == one)]:
            _, way, before = self._found(member)
            self._of[member] = other, across @ way, min(before, likely)

    def _found(self, member: int) -> tuple[int, Floats, float]:
        return self._of.get(member, (member, np.eye(3), 1.0))
