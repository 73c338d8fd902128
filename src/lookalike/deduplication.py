"""The duplicates of a whole collection, as groups: candidates by digest, hash and copy vector, then judged in pairs.

No picture is held against every other. What is kept of each record meanwhile is its id, its hash and a number for its
digest, some 200 bytes; vectors are read for the candidates of one group at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, repeat
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates import average_groups, connected_groups
from lookalike.errors import InvalidArgument
from lookalike.filters import Filter
from lookalike.hashjoin import near_codes
from lookalike.likeness import SAME, TURNED_BITS, Judge, code_of, is_plain, nearest_bits, turned_codes
from lookalike.records import DuplicateGroup, DuplicatePair
from lookalike.stores.base import Nearest, Row, Store

__all__ = ["Linkage", "Rules", "duplicate_groups"]

Linkage = Literal["average", "transitive"]
"""average: a member is like the whole group, so that a chain joins no strangers. transitive: like one of it."""

_PAGE: Final = 1000
_NEAR_BITS: Final = 11
_NEIGHBORS: Final = 8  # by the copy vector, of each record
_LARGEST: Final = 1000  # members judged all with all; a larger crowd is first cut at higher probabilities
_CUTS: Final = (0.9, 0.99, 0.999)
_MOST_TWINS: Final = 100
_ALL_PAIRS: Final = 10  # members up to which a group tells each of its pairs


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as duplicates.

    probability: that both show the same picture, from which a pair counts; above 0 up to 1, 1 being equal bytes.
    apart: pairs of ids that were said to be different; they never share a group by average linkage, and by
    transitive linkage only through others.
    """

    where: Filter | None = None
    probability: float = SAME
    linkage: Linkage = "average"
    apart: Collection[tuple[str, str]] = ()

    def check(self) -> None:
        """Raise InvalidArgument for what makes no sense."""
        if not 0.0 < self.probability <= 1.0:
            raise InvalidArgument("probability", self.probability, "above 0 and at most 1")
        if self.linkage not in get_args(Linkage):
            raise InvalidArgument("linkage", self.linkage, f"one of {', '.join(get_args(Linkage))}")


def duplicate_groups(
    store: Store, judge: Judge, rules: Rules, progress: Callable[[int], None] | None = None
) -> list[DuplicateGroup]:
    """Return the groups of two and more, largest first, ties by their first member.

    progress: called with the number of records looked at since the last call; each is looked at once.
    Raises InvalidArgument, StoreFailed.
    """
    rules.check()
    finder = _Finder(store, judge, rules)
    finder.read()
    edges = list(finder.edges(progress or (lambda count: None)))
    found = [finder.told(members) for members in finder.groups(edges)]
    return sorted(found, key=lambda group: (-len(group.members), group.members[0]))


@dataclass(slots=True)
class _Finder:
    """Records by number, in the store's order.

    ids, codes: of each; a code of 0 says nothing. twins: of the first record with some bytes, the others with them,
    which are looked into no further.
    """

    store: Store
    judge: Judge
    rules: Rules
    ids: list[str] = field(default_factory=list)
    codes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    twins: dict[int, list[int]] = field(default_factory=dict)

    def read(self) -> None:
        """Read ids, hashes and digests."""
        codes: list[int] = []
        first: dict[str, int] = {}
        apart = {id_ for pair in self.rules.apart for id_ in pair}
        for row in self._rows(with_vectors=False):
            at = len(self.ids)
            self.ids.append(row.id)
            codes.append(code_of(row.payload) or 0)
            digest = row.payload.get("_sha256")
            if isinstance(digest, str) and row.id not in apart:
                original = first.setdefault(digest, at)
                if original != at:
                    self.twins.setdefault(original, []).append(at)
        self.codes = np.array(codes, np.uint64)

    def edges(self, progress: Callable[[int], None]) -> Iterator[tuple[int, int, float]]:
        """Yield the pairs that count, with their probability; each once, none of twins."""
        doubles = {at for group in self.twins.values() for at in group}
        alone = np.array([at for at in range(len(self.ids)) if at not in doubles], np.intp)
        progress(len(doubles))
        known = {id_: at for at, id_ in enumerate(self.ids)}
        apart = {frozenset((known[a], known[b])) for a, b in self.rules.apart if a in known and b in known}
        seen: set[tuple[int, int]] = set()
        fresh: list[tuple[int, int]] = []
        for a, b in chain(self._by_hash(alone), self._by_copy(known, doubles, progress)):
            pair = (min(a, b), max(a, b))
            if a == b or pair in seen or frozenset(pair) in apart:
                continue
            seen.add(pair)
            fresh.append(pair)
            if len(fresh) == _PAGE:
                yield from self._judged(fresh)
                fresh.clear()
        if fresh:
            yield from self._judged(fresh)

    def groups(self, edges: Sequence[tuple[int, int, float]]) -> Iterator[list[int]]:
        """Yield the groups of two and more, each one's twins beside it."""
        crowds = _crowds(edges)
        for at in self.twins.keys() - {at for crowd in crowds for at in crowd}:
            yield [at, *self.twins[at]]
        for crowd in crowds:
            for group in [crowd] if self.rules.linkage == "transitive" else self._average(crowd, edges, _CUTS):
                members = [member for at in group for member in (at, *self.twins.get(at, ()))]
                if len(members) > 1:
                    yield members

    def told(self, members: Sequence[int]) -> DuplicateGroup:
        """Return a group with its pairs judged."""
        rows = sorted(self._read_rows(members), key=lambda row: row.id)
        chosen = combinations(rows, 2) if len(rows) <= _ALL_PAIRS else zip(repeat(rows[0]), rows[1:], strict=False)
        pairs = [DuplicatePair(a.id, b.id, *self.judge.judge(a, b)[:2]) for a, b in chosen]
        return DuplicateGroup(
            [row.id for row in rows], sorted(pairs, key=lambda pair: (-pair.probability, pair.a, pair.b))
        )

    def _by_hash(self, alone: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
        """Hashes that nearly agree, however the pictures are held; of equal ones each meets the first."""
        told = alone[~is_plain(self.codes[alone])]
        codes, firsts, inverse = np.unique(self.codes[told], return_index=True, return_inverse=True)
        yield from zip(told[firsts[inverse]].tolist(), told.tolist(), strict=True)
        turned, leaders = turned_codes(codes), told[firsts]
        for how in range(8):
            for i, j in near_codes(turned[:, how], codes, _NEAR_BITS if how == 0 else TURNED_BITS):
                yield from zip(leaders[i].tolist(), leaders[j].tolist(), strict=True)

    def _by_copy(
        self, known: Mapping[str, int], doubles: Collection[int], progress: Callable[[int], None]
    ) -> Iterator[tuple[int, int]]:
        """The nearest by the copy vector, as the store finds them."""
        least = self.judge.least_cosine()
        for row in self._rows(with_vectors="copy" in self.store.dims):
            at = known.get(row.id)
            if at is None or at in doubles:
                continue
            progress(1)
            if "copy" not in row.vectors:
                continue
            most = 1 + _NEIGHBORS + min(len(self.twins.get(at, ())), _MOST_TWINS)
            for hit in self.store.nearest(Nearest("copy", row.vectors["copy"], most, None, least)):
                other = known.get(hit.id)
                if other is not None and other not in doubles:
                    yield at, other

    def _judged(self, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int, float]]:
        numbers = sorted({at for pair in pairs for at in pair})
        place = {at: n for n, at in enumerate(numbers)}
        known = self._known(numbers)
        i, j = (np.array([place[pair[side]] for pair in pairs], np.intp) for side in (0, 1))
        likely = known.likeness(self.judge, i, j)
        return [
            (a, b, float(value)) for (a, b), value in zip(pairs, likely, strict=True) if value >= self.rules.probability
        ]

    def _average(
        self, crowd: list[int], edges: Sequence[tuple[int, int, float]], cuts: Sequence[float]
    ) -> Iterator[list[int]]:
        """Split a crowd by average linkage; one too large to be judged all with all is first cut at surer edges."""
        if len(crowd) > _LARGEST and cuts:
            inside = set(crowd)
            sure = [edge for edge in edges if edge[2] >= cuts[0] and edge[0] in inside]
            for smaller in _crowds(sure):
                yield from self._average(smaller, sure, cuts[1:])
            return
        if len(crowd) > _LARGEST:  # all but equal, in their thousands
            yield crowd
            return
        known = self._known(crowd)
        every = np.arange(len(crowd))
        likeness = np.stack([known.likeness(self.judge, np.full(len(crowd), at), every) for at in every])
        place = {self.ids[at]: n for n, at in enumerate(crowd)}
        apart = [(place[a], place[b]) for a, b in self.rules.apart if a in place and b in place]
        for group in average_groups(np.maximum(likeness, likeness.T), self.rules.probability, apart):
            yield [crowd[n] for n in group]

    def _known(self, numbers: Sequence[int]) -> _Known:
        rows = self._read_rows(numbers)
        width = self.store.dims.get("copy", 1)
        copies = [row.vectors.get("copy", np.zeros(width, np.float32)) for row in rows]
        codes = np.array([code_of(row.payload) or 0 for row in rows], np.uint64)
        return _Known(codes, turned_codes(codes), np.stack(copies), [row.payload.get("_sha256") for row in rows])

    def _read_rows(self, numbers: Sequence[int]) -> list[Row]:
        """Read rows with vectors; one deleted meanwhile comes back empty and resembles nothing."""
        ids = [self.ids[at] for at in numbers]
        return [row or Row(id_, {}, {}) for id_, row in zip(ids, self.store.get(ids, with_vectors=True), strict=True)]

    def _rows(self, *, with_vectors: bool) -> Iterator[Row]:
        after: str | None = None
        while True:
            part = self.store.scroll(where=self.rules.where, after=after, limit=_PAGE, with_vectors=with_vectors)
            yield from part.rows
            if part.next is None:
                return
            after = part.next


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of n records: pHashes, also (n, 8) turned; copy vectors (n, d), zeros if there is none; digests."""

    codes: NDArray[np.uint64]
    turned: NDArray[np.uint64]
    copies: NDArray[np.float32]
    digests: Sequence[str | None]

    def likeness(self, judge: Judge, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the probabilities of the pairs (i, j), (m,)."""
        cosines = np.einsum("nd,nd->n", self.copies[i], self.copies[j])
        most = judge.turned_bits(cosines)
        bits = np.minimum(
            nearest_bits(self.turned[i], self.codes[j], most)[1], nearest_bits(self.turned[j], self.codes[i], most)[1]
        )
        plain = is_plain(self.codes)
        bits = np.where(plain[i] | plain[j], 64, bits)
        likely = judge.probabilities(bits, cosines)
        same = [self.digests[a] is not None and self.digests[a] == self.digests[b] for a, b in zip(i, j, strict=True)]
        return np.where(same, 1.0, likely)


def _crowds(edges: Iterable[tuple[int, int, float]]) -> list[list[int]]:
    """Return the connected components of two and more, members ascending."""
    edges = list(edges)
    members = sorted({at for edge in edges for at in edge[:2]})
    place = {at: n for n, at in enumerate(members)}
    groups = connected_groups(len(members), [(place[a], place[b]) for a, b, _ in edges])
    return [[members[n] for n in group] for group in groups]
