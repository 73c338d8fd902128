"""Pairs -> groups: hubs hold their copies together, chains join no strangers, decisions keep apart."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.duplicates import average_groups, connected_groups
from lookalike.folders import linkage
from lookalike.folders.linkage import Crowd, Link, linked_groups


def crowd(size, known, ask=None):
    """A crowd with some links judged; ask: pair -> probability of the others, 0 by default."""
    asked = []

    def judge(i, j):
        asked.append((i, j))
        return Link((ask or {}).get((i, j), 0.0))

    made = Crowd(
        size, {pair: Link(*(found if isinstance(found, tuple) else (found,))) for pair, found in known.items()}, judge
    )
    return made, asked


def star(size, likely=0.99):
    return {(0, n): likely for n in range(1, size)}


@given(st.integers(1, 6), st.data())
def test_where_all_agree_the_matrix_would_say_the_same(size, data):
    known = {pair: data.draw(st.floats(0.5, 1.0)) for pair in combinations(range(size), 2)}
    one, asked = crowd(size, known)
    other, _ = crowd(size, known)
    likeness = linkage._likeness(other, 0.5)
    assert linked_groups(one, 0.5) == average_groups(likeness, 0.5) == [list(range(size))]
    assert asked == []


@pytest.mark.parametrize("size", [3, 8, 129])
def test_an_original_and_its_copies_are_one_group_though_no_two_copies_look_alike(size):
    made, _ = crowd(size, star(size))
    assert linked_groups(made, 0.5) == [list(range(size))]


def test_copies_linked_to_either_of_two_originals_find_the_first_one():
    """130 copies, each linked to one of two originals: judged with the hub, once each."""
    known = {(0, 1): 0.999} | {(n % 2, n): 0.98 for n in range(2, 132)}
    made, asked = crowd(132, known, ask={(0, n): 0.97 for n in range(132)} | {(1, n): 0.97 for n in range(132)})
    assert linked_groups(made, 0.5) == [list(range(132))]
    assert len(asked) <= 65


def test_a_chain_of_shots_joins_no_strangers():
    """Each is somewhat like the next one only, as in a burst of pictures."""
    made, _ = crowd(6, {(n, n + 1): 0.8 for n in range(5)})
    assert max(map(len, linked_groups(made, 0.5))) == 2
    assert linked_groups(made, 0.5, "transitive") == [list(range(6))]


def test_a_sure_hub_does_not_overrule_what_was_seen_to_differ():
    made, _ = crowd(3, {(0, 1): 0.99, (1, 2): 0.98, (0, 2): (0.01, True)})
    assert linked_groups(made, 0.5) == [[0, 1], [2]]
    silent, _ = crowd(3, {(0, 1): 0.99, (1, 2): 0.98, (0, 2): 0.01})
    assert linked_groups(silent, 0.5) == [[0, 1, 2]]


def test_one_false_link_does_not_merge_two_groups():
    groups = [range(0, 8), range(8, 16)]
    known = {(group[0], n): 0.999 for group in groups for n in group[1:]} | {(3, 11): 0.95}
    made, _ = crowd(16, known)
    assert linked_groups(made, 0.5) == [list(group) for group in groups]
    assert linked_groups(made, 0.5, "transitive") == [list(range(16))]


def test_complete_linkage_asks_that_all_agree():
    made, _ = crowd(4, {**star(4), (1, 2): 0.9})
    assert linked_groups(made, 0.5, "complete") == [[0, 1, 2], [3]]
    wide, asked = crowd(40, star(40), ask=dict.fromkeys(combinations(range(40), 2), 0.8))
    assert linked_groups(wide, 0.5, "complete") == [list(range(40))]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("kind", ["average", "complete"])
def test_members_said_to_be_different_share_no_group(kind):
    known = dict.fromkeys(combinations(range(3), 2), 0.99)
    assert linked_groups(crowd(3, known)[0], 0.5, kind, [(2, 0)]) in ([[0, 1], [2]], [[0], [1, 2]])
    assert linked_groups(crowd(3, known)[0], 0.5, kind, combinations(range(3), 2)) == [[0], [1], [2]]


def test_transitive_linkage_joins_them_through_others_only():
    known = dict.fromkeys(combinations(range(3), 2), 0.99)
    assert linked_groups(crowd(3, known)[0], 0.5, "transitive", [(0, 2)]) == [[0, 1, 2]]
    assert linked_groups(crowd(2, {(0, 1): 0.99})[0], 0.5, "transitive", [(0, 1)]) == [[0], [1]]


def test_a_crowd_too_large_for_a_matrix_is_cut_where_it_is_weakest(monkeypatch):
    monkeypatch.setattr(linkage, "_LARGEST", 20)
    stars = {(15 * g, 15 * g + n): 0.995 for g in range(4) for n in range(1, 15)}
    made, _ = crowd(60, stars | {(15 * g, 15 * g + 15): 0.6 for g in range(3)})
    assert linked_groups(made, 0.5) == [list(range(15 * g, 15 * g + 15)) for g in range(4)]
    equal, _ = crowd(30, dict.fromkeys(pairwise(range(30)), 0.9999))
    assert linked_groups(equal, 0.5, apart=[(3, 9)]) == [[n for n in range(30) if n != 9], [9]]


@given(st.integers(1, 14), st.data())
def test_every_member_is_in_one_group_and_transitive_is_the_coarsest(size, data):
    pairs = list(combinations(range(size), 2))
    likely = st.sampled_from([0.0, 0.3, 0.6, 0.95, 0.999])
    known = data.draw(st.dictionaries(st.sampled_from(pairs), likely)) if pairs else {}
    whole = connected_groups(size, [pair for pair, p in known.items() if p >= 0.5])
    for kind in ("average", "complete", "transitive"):
        found = linked_groups(crowd(size, known)[0], 0.5, kind)
        assert sorted(member for group in found for member in group) == list(range(size))
        assert all(any(set(group) <= set(one) for one in whole) for group in found)
        assert found == linked_groups(crowd(size, dict(reversed(known.items())))[0], 0.5, kind)


def test_hubs_do_not_depend_on_the_order_in_which_pairs_were_judged():
    """The sums of two members' links are equal, and would differ in their last bit if added in this order or that."""
    known = {(0, 1): 0.6, (0, 2): 0.6, (0, 6): 0.95, (0, 7): 0.95, (1, 2): 0.95, (1, 3): 0.95, (1, 4): 0.6}
    known |= {(0, n): 0.0 for n in (3, 4, 5)}
    found = linked_groups(crowd(8, known)[0], 0.5)
    assert found == linked_groups(crowd(8, dict(reversed(known.items())))[0], 0.5)
