"""Decisions: kept once, listed where they belong, withdrawn; and what they leave open."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lookalike
from lookalike.catalog import Catalog, Decision, open_groups
from lookalike.errors import EntryNotFound, InvalidArgument


def different(*members):
    return Decision(1, "different", members, None, "", "", "")


def aside(*members):
    return Decision(1, "set-aside", members, None, "", "", "")


def test_a_decision_lasts_and_says_who_made_it_and_when(place):
    with Catalog(place) as catalog:
        made = catalog.decisions.add("different", ["b", "a"], collection="shop", who="ann", note="two chairs")
    with Catalog(place) as catalog:
        assert catalog.decisions.list("shop") == [made]
    assert (made.members, made.who, made.note, made.collection) == (["a", "b"], "ann", "two chairs", "shop")
    assert made.created.endswith("+00:00")


def test_the_same_decision_is_kept_once(catalog):
    first = catalog.decisions.add("different", ["a", "b"], collection="shop", who="ann")
    assert catalog.decisions.add("different", ["b", "a", "b"], collection="shop", who="bob") == first
    assert len(catalog.decisions.list("shop")) == 1


def test_collections_and_folders_have_their_own(catalog):
    in_shop = catalog.decisions.add("different", ["a", "b"], collection="shop")
    in_folders = catalog.decisions.add("different", ["a", "b"])
    logo = catalog.decisions.add("set-aside", ["d" * 64])
    assert catalog.decisions.list("shop") == [in_shop]
    assert catalog.decisions.list() == [in_folders, logo]
    assert catalog.decisions.list(verdict="set-aside") == [logo]
    assert in_folders.collection is None


def test_a_withdrawn_decision_is_gone_and_can_be_made_again(catalog):
    made = catalog.decisions.add("different", ["a", "b"])
    assert catalog.decisions.withdraw(made.id) == made
    assert catalog.decisions.list() == []
    with pytest.raises(EntryNotFound):
        catalog.decisions.withdraw(made.id)
    catalog.decisions.add("different", ["a", "b"])
    assert len(catalog.decisions.list()) == 1


@pytest.mark.parametrize(
    ("verdict", "members"),
    [("different", ["a", "a"]), ("different", []), ("set-aside", []), ("set-aside", [""]), ("same", ["a"])],
)
def test_too_few_members_are_refused(catalog, verdict, members):
    with pytest.raises(InvalidArgument, match="at least"):
        catalog.decisions.add(verdict, members)
    with pytest.raises(InvalidArgument, match="set-aside"):
        catalog.decisions.add("alike", ["a", "b"])


def test_decisions_about_a_collection_go_with_it(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        space.create("shop")
        space.catalog.decisions.add("different", ["a", "b"], collection="shop")
        kept = space.catalog.decisions.add("different", ["a", "b"])
        space.drop("shop")
        space.create("shop")
        assert space.catalog.decisions.list("shop") == []
        assert space.catalog.decisions.list() == [kept]


def test_names_of_any_letters_are_kept(catalog):
    odd = ["a\x00b", "\ud800", "日本", "it's"]
    assert sorted(catalog.decisions.add("different", odd).members) == sorted(odd)
    assert len(catalog.decisions.list()) == 1


def test_a_settled_group_stays_away_until_a_new_member_joins():
    settled = [different("a", "b")]
    assert open_groups([["a", "b"]], settled) == []
    assert open_groups([["a", "b"]], [replace(settled[0], verdict="same")]) == [["a", "b"]], "to be cleaned up yet"
    assert open_groups([["b", "a", "c"]], settled) == [["b", "a", "c"]]


def test_a_group_decided_as_one_settles_every_smaller_one():
    assert open_groups([["a", "c"], ["c", "b", "a"]], [different("a", "b", "c")]) == []


def test_a_group_is_settled_by_pairs_only_when_all_of_them_are():
    pairs = [different(*pair) for pair in combinations("abc", 2)]
    assert open_groups([["a", "b", "c"]], pairs) == []
    assert open_groups([["a", "b", "c"]], pairs[:2]) == [["a", "b", "c"]]


def test_pictures_set_aside_leave_their_groups():
    groups = [["logo", "a", "b"], ["logo", "c"], ["d", "e"]]
    assert open_groups(groups, [aside("logo"), different("a", "x")]) == [["a", "b"], ["d", "e"]]


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=2, unique=True), max_size=6),
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=2, unique=True), max_size=5),
    st.lists(st.sampled_from("abcdef"), max_size=2),
)
def test_what_is_open_agrees_with_looking_at_every_pair(groups, apart, known):
    decisions = [different(*members) for members in apart] + [aside(name) for name in known]
    expected = []
    for group in groups:
        left = [name for name in group if name not in known]
        undecided = [pair for pair in combinations(left, 2) if not any(set(pair) <= set(said) for said in apart)]
        if undecided:
            expected.append(left)
    assert open_groups(groups, decisions) == expected
