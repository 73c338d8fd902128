"""Who sees what: stable, balanced, independent from trial to trial, and fair to both lists."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lookalike.trials.assignment import digest, draft, side_of

LISTS = st.lists(st.integers(0, 12), max_size=10, unique=True)


def test_a_visitor_stays_where_they_are():
    """Golden: another hash would exchange the variants of visitors in the middle of a trial."""
    seen = "".join(side_of("trial_0a1b2c3d4e5f", f"visitor-{i}", 0.5) for i in range(24))
    assert seen == GOLDEN
    assert digest("ab", "c") != digest("a", "bc")


GOLDEN = "babbaabbbabbbabbaaaabaaa"


@given(st.text(max_size=40), st.text(max_size=40), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_larger_share_takes_no_visitor_from_b(trial, visitor, share, other):
    """Whatever characters a key has; and the same one twice is on the same side."""
    low, high = sorted((share, other))
    assert side_of(trial, visitor, low) == side_of(trial, visitor, low)
    assert not (side_of(trial, visitor, low) == "b" and side_of(trial, visitor, high) == "a")


def test_sides_are_as_large_as_asked_and_trials_don_t_hang_together():
    count = 20_000
    for share in (0.1, 0.5):
        there = sum(side_of("one", f"v{i}", share) == "b" for i in range(count))
        assert abs(there - count * share) < 4 * math.sqrt(count * share * (1 - share))
    both = Counter((side_of("one", f"v{i}", 0.5), side_of("other", f"v{i}", 0.5)) for i in range(count))
    assert all(abs(one - count / 4) < 4 * math.sqrt(count * 3 / 16) for one in both.values())


@given(LISTS, LISTS, st.integers(1, 12), st.binary(max_size=8))
def test_a_draft_has_each_item_once_in_the_order_of_whoever_picked_it(a, b, k, seed):
    lists = {"a": a, "b": b}
    found = draft(a, b, k, seed)
    items = [lists[one.side][one.place] for one in found]
    assert len(items) == len(set(items)) == min(k, len(set(a) | set(b)))
    assert found == draft(a, b, k, seed)
    for at, one in enumerate(found):  # nobody passes over an item that is still to be had
        assert set(lists[one.side][: one.place]) <= set(items[:at])
    contest = [one.side for one in found if one.counts]
    assert [one.counts for one in found] == [True] * len(contest) + [False] * (len(found) - len(contest))
    assert all(sorted(contest[at : at + 2]) in (["a", "b"], ["a"], ["b"]) for at in range(0, len(contest), 2))


def test_the_same_list_twice_is_a_tie_at_every_place():
    """Clicks on any one place must not favor a variant that is no better."""
    count = 4000
    drafts = [draft("abcdef", "abcdef", 6, digest(str(i))) for i in range(count)]
    for place in range(6):
        mine = sum(found[place].side == "a" for found in drafts)
        assert abs(mine - count / 2) < 4 * math.sqrt(count / 4)


def test_random_clicks_favor_nobody_though_the_lists_differ():
    count = 4000
    credited = Counter()
    for i in range(count):
        found = draft("abcdefgh", "hgfbxyza", 5, digest("x", str(i)))
        credited[found[i % 5].side] += 1
    assert abs(credited["a"] - count / 2) < 4 * math.sqrt(count / 4)


def test_what_one_list_adds_alone_is_no_contest():
    found = draft("abc", "", 3, b"")
    assert [one.counts for one in found] == [False] * 3
    assert sum(one.counts for one in draft("ab", "bcdef", 6, b"1")) < 6
