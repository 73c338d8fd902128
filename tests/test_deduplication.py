"""The duplicates of a whole collection: every planted group is found, strangers stay out, decisions are kept."""

import tracemalloc

import numpy as np
import pytest

import lookalike
from lookalike.deduplication import Rules, duplicate_groups
from lookalike.describers.calibration import Calibration
from lookalike.duplicates import average_groups
from lookalike.errors import InvalidArgument
from lookalike.likeness import Judge
from lookalike.stores.base import Row
from lookalike.stores.edge import EdgeStore
from lookalike.stores.memory import MemoryStore

JUDGE = Judge({"copy": Calibration(scale=17.0, offset=-11.0)})
WIDTH = 64


def unit(row):
    return (row / np.linalg.norm(row)).astype(np.float32)


def code(random, flipped=0, of=None):
    """A balanced hash as a picture has one, or `of` with some bits flipped."""
    bits = np.zeros(64, bool)
    bits[random.choice(64, 32, replace=False)] = True
    value = sum(1 << int(at) for at in np.flatnonzero(bits)) if of is None else of
    return value ^ sum(1 << int(at) for at in random.choice(64, flipped, replace=False))


def planted(count, seed=0, copies=40):
    """Rows of `count` different pictures, and `copies` groups among them: equal bytes, recompressed, cropped."""
    random = np.random.default_rng(seed)
    rows, groups = [], []
    for n in range(count):
        vector, own = unit(random.normal(size=WIDTH)), code(random)
        rows.append(Row(f"p{n:05}", {"copy": vector}, {"_sha256": f"{n:064x}", "_phash": f"{own:016x}", "n": n}))
        if n < copies:
            near = {"copy": unit(vector + 0.02 * random.normal(size=WIDTH))}
            rows += [
                Row(f"p{n:05} same", {"copy": vector}, dict(rows[-1].payload)),
                Row(f"p{n:05} jpeg", near, {"_sha256": f"a{n:063x}", "_phash": f"{code(random, 2, own):016x}"}),
                Row(f"p{n:05} crop", near, {"_sha256": f"b{n:063x}", "_phash": f"{code(random, 12, own):016x}"}),
            ]
            groups.append([f"p{n:05}", f"p{n:05} crop", f"p{n:05} jpeg", f"p{n:05} same"])
    return rows, groups


def filled(rows):
    store = MemoryStore({"copy": WIDTH})
    store.upsert(rows)
    return store


@pytest.fixture(scope="module")
def library():
    rows, groups = planted(400)
    return filled(rows), groups


@pytest.mark.parametrize("linkage", ["average", "transitive"])
def test_every_planted_group_is_found_and_nothing_else(library, linkage):
    store, groups = library
    counted = []
    found = duplicate_groups(store, JUDGE, Rules(linkage=linkage), counted.append)
    assert [list(group.members) for group in found] == groups
    assert sum(counted) == store.count()
    first = found[0]
    assert len(first.pairs) == 6
    assert (first.pairs[0].verdict, first.pairs[0].probability) == ("identical", 1.0)
    assert all(pair.a < pair.b and pair.probability >= 0.5 for pair in first.pairs)


def test_certainty_one_asks_for_equal_bytes(library):
    store, groups = library
    found = duplicate_groups(store, JUDGE, Rules(probability=1.0))
    assert [list(group.members) for group in found] == [[group[0], group[3]] for group in groups]


def test_pairs_said_to_be_different_never_share_a_group(library):
    store, groups = library
    one, _, jpeg, _ = groups[7]
    found = {
        group.members[0]: list(group.members) for group in duplicate_groups(store, JUDGE, Rules(apart=[(jpeg, one)]))
    }
    of_seven = [members for members in found.values() if any(name.startswith(one) for name in members)]
    assert not any(one in members and jpeg in members for members in of_seven)
    every = [(a, b) for a in groups[7] for b in groups[7] if a < b]
    left = duplicate_groups(store, JUDGE, Rules(apart=[*every, ("nobody", "p00001")]))
    assert [list(group.members) for group in left] == groups[:7] + groups[8:]


def test_the_filter_narrows_what_is_looked_at(library):
    from lookalike import filters

    store, groups = library
    found = duplicate_groups(store, JUDGE, Rules(filters.parse({"n": {"$lt": 10}})))
    assert [list(group.members) for group in found] == [[group[0], group[3]] for group in groups[:10]]


def test_a_chain_joins_strangers_only_on_request():
    random = np.random.default_rng(5)
    codes = [code(random)]
    for _ in range(5):
        codes.append(codes[-1])
    flips = random.permutation(64)
    for n in range(1, 6):  # each differs from the one before it in 8 bits, from the one before that in 16
        for at in flips[8 * (n - 1) : 8 * n]:
            codes[n] ^= 1 << int(at)
        if n < 5:
            codes[n + 1] = codes[n]
    vectors = [unit(random.normal(size=WIDTH)) for _ in codes]
    store = filled([Row(f"{n}", {"copy": vectors[n]}, {"_phash": f"{codes[n]:016x}"}) for n in range(6)])
    chained = duplicate_groups(store, JUDGE, Rules(linkage="transitive"))
    assert [list(group.members) for group in chained] == [["0", "1", "2", "3", "4", "5"]]
    averaged = duplicate_groups(store, JUDGE, Rules(linkage="average"))
    assert max(len(group.members) for group in averaged) == 2


def test_plain_pictures_and_records_without_a_hash_are_no_duplicates():
    random = np.random.default_rng(6)
    plain = [
        Row(f"plain {n}", {"copy": unit(random.normal(size=WIDTH))}, {"_phash": "8000000000000000"}) for n in range(5)
    ]
    bare = [Row(f"bare {n}", {"copy": unit(random.normal(size=WIDTH))}, {}) for n in range(5)]
    none = [Row(f"none {n}", {}, {"_phash": "not a hash"}) for n in range(5)]
    assert duplicate_groups(filled([*plain, *bare, *none]), JUDGE, Rules()) == []
    assert duplicate_groups(filled([]), JUDGE, Rules()) == []


def test_a_crowd_of_equal_bytes_costs_no_more_than_its_members():
    rows = [
        Row(f"{n:05}", {"copy": unit(np.ones(WIDTH))}, {"_sha256": "00", "_phash": "0f0f0f0f0f0f0f0f"})
        for n in range(3000)
    ]
    (group,) = duplicate_groups(filled(rows), JUDGE, Rules())
    assert len(group.members) == 3000
    assert len(group.pairs) == 2999


def test_a_crowd_too_large_to_judge_in_pairs_is_cut_first(monkeypatch):
    monkeypatch.setattr("lookalike.deduplication._LARGEST", 3)
    rows, groups = planted(30, copies=10)
    found = duplicate_groups(filled(rows), JUDGE, Rules())
    assert {group[0] for group in groups} == {group.members[0] for group in found}


@pytest.mark.parametrize("rules", [Rules(probability=0.0), Rules(probability=1.1), Rules(linkage="best")])
def test_rules_that_make_no_sense(rules):
    with pytest.raises(InvalidArgument):
        duplicate_groups(filled([]), JUDGE, rules)


def test_on_real_descriptions(tmp_path, draw, save):
    folder = tmp_path / "pictures"
    names = []
    for seed in range(6):
        scene = draw(seed)
        names += [
            save(scene, folder / f"{seed}.jpg"),
            save(np.ascontiguousarray(scene[::2, ::2]), folder / f"{seed} small.jpg", quality=60),
        ]
        names.append(save(np.ascontiguousarray(scene[:, ::-1]), folder / f"{seed} turned.png"))
    with lookalike.open(tmp_path / "space") as space:
        collection = space.create("pictures")
        collection.add([{"_id": path.stem, "_file": str(path)} for path in names])
        found = [list(group.members) for group in collection.duplicates()]
        assert found == [[f"{seed}", f"{seed} small", f"{seed} turned"] for seed in range(6)]
        apart = [(f"{seed}", f"{seed} small") for seed in range(6)]
        assert all(not {a, b} <= set(group.members) for group in collection.duplicates(apart=apart) for a, b in apart)


def test_average_linkage_merges_the_most_alike_first_and_stops_at_the_threshold():
    likeness = np.array([[1, 0.9, 0.2], [0.9, 1, 0.6], [0.2, 0.6, 1]])
    assert average_groups(likeness, 0.5) == [[0, 1], [2]]
    assert average_groups(likeness, 0.4) == [[0, 1, 2]]
    assert average_groups(likeness, 0.4, [(0, 2)]) == [[0, 1], [2]]
    assert average_groups(likeness, 0.4, [(0, 1)]) == [[0], [1, 2]]
    assert average_groups(np.zeros((0, 0)), 0.5) == []


@pytest.mark.slow
def test_ten_thousand_records_in_bounded_memory(tmp_path):
    rows, groups = planted(10_000 - 3 * 300, copies=300)
    assert len(rows) == 10_000
    store = EdgeStore.open(tmp_path / "rows", {"copy": WIDTH})
    for at in range(0, len(rows), 1000):
        store.upsert(rows[at : at + 1000])
    tracemalloc.start()
    found = duplicate_groups(store, JUDGE, Rules())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [list(group.members) for group in found] == groups
    assert peak < 100 * 2**20
    store.close()
