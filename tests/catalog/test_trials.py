"""Trials in the catalog: figures per visitor, the same from both databases."""

import pytest

from lookalike.catalog import Impression, Trial
from lookalike.errors import EntryNotFound, InvalidArgument, TrialExists, TrialOver


def shown(catalog, trial, number, visitor, variant, teams):
    """Keep an impression of records "0", "1", ... and return it."""
    digests = [f"{place:016x}" for place in range(len(teams))]
    impression = Impression(f"imp_{number}", trial.id, visitor, variant, digests, teams)
    catalog.trials.show(impression)
    return catalog.trials.impression(trial.collection, impression.id)[1]


def test_a_trial_is_kept_ended_and_forgotten(catalog):
    made = catalog.trials.add(Trial("shop", "t", b={"weights": {"color": 1}}, share=0.25, who="ann"))
    assert catalog.trials.list("shop") == [made] == [catalog.trials.find("shop", "t")]
    assert (made.state, made.share, made.effect, made.b) == ("running", 0.25, 0.05, {"weights": {"color": 1}})
    catalog.trials.add(Trial("other", "t"))
    with pytest.raises(TrialExists, match="'t'"):
        catalog.trials.add(Trial("shop", "t"))
    assert catalog.trials.end(made, "promoted", promoted="b").promoted == "b"
    with pytest.raises(TrialOver):
        catalog.trials.end(made, "dropped")
    impression = shown(catalog, made, 1, "x", "a", "aa")
    assert impression.shown == ["0" * 16, f"{1:016x}"]
    catalog.trials.forget("shop", "t", who="bob")
    with pytest.raises(EntryNotFound):
        catalog.trials.impression("shop", impression.id)
    assert [one.collection for one in catalog.trials.list("other")] == ["other"]
    assert [entry.action for entry in catalog.audit.page(target="shop").entries] == [
        "trial.forget",
        "trial.promote",
        "trial.start",
    ]


def test_figures_of_a_split_are_of_visitors(catalog):
    trial = catalog.trials.add(Trial("shop", "t", goal="mark"))
    first = shown(catalog, trial, 1, "x", "a", "aaa")
    second = shown(catalog, trial, 2, "x", "a", "aaa")
    third = shown(catalog, trial, 3, "y", "b", "bbb")
    assert catalog.trials.log(first, first.shown[0], "mark")
    assert not catalog.trials.log(first, first.shown[0], "mark")
    assert catalog.trials.log(second, second.shown[1], "mark")
    assert catalog.trials.log(third, third.shown[2], "click")
    with pytest.raises(InvalidArgument):
        catalog.trials.log(third, "f" * 16, "click")
    found = catalog.trials.tallies(trial)
    assert (found.a.impressions, found.a.visitors, found.a.reached) == (2, 1, 1)
    assert (found.b.impressions, found.b.visitors, found.b.reached) == (1, 1, 0)
    assert found.a.events == {"click": 0, "mark": 2, "conversion": 0}
    assert found.b.events == {"click": 1, "mark": 0, "conversion": 0}


def test_preferences_are_of_visitors_over_all_their_answers(catalog):
    trial = catalog.trials.add(Trial("shop", "t", method="interleave"))
    taken = {"x": "ab", "y": "bb", "z": "ba", "w": "", "q": "aab", "n": "-"}  # whose picks each took, in turn
    for number, (visitor, sides) in enumerate(taken.items()):
        for at, side in enumerate(sides or "-"):
            impression = shown(catalog, trial, f"{number}_{at}", visitor, "both", "ab-")
            if sides:
                catalog.trials.log(impression, impression.shown["ab-".index(side)], "click")
    found = catalog.trials.tallies(trial)
    assert (found.prefer_a, found.prefer_b) == (1, 1)
    assert (found.a.visitors, found.b.visitors) == (6, 6)
    assert (found.a.reached, found.b.reached) == (3, 4)
