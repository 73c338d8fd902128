"""Intervals of trials against tables, another library, and simulations in which the truth is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.trials.intervals import (
    Counts,
    always_valid_difference,
    always_valid_share,
    newcombe,
    sign_test,
    visitors_for_difference,
    visitors_for_share,
    wilson,
)

SOME = st.integers(0, 300).flatmap(lambda count: st.builds(Counts, st.integers(0, count), st.just(count)))


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_tabled(hits, count, low, high):
    found = wilson(Counts(hits, count))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == hits / count


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_as_tabled(first, second, low, high):
    found = newcombe(Counts(*second), Counts(*first))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilson_and_the_sign_test_as_scipy_has_them():
    stats = pytest.importorskip("scipy.stats")
    for hits, count in ((0, 1), (1, 1), (3, 7), (17, 40), (500, 1200)):
        theirs = stats.binomtest(hits, count)
        interval = theirs.proportion_ci(method="wilson")
        mine = wilson(Counts(hits, count))
        assert (mine.low, mine.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
        assert sign_test(hits, count - hits) == pytest.approx(theirs.pvalue, rel=1e-9)


def test_nothing_is_known_of_nobody():
    for found in (wilson(Counts(0, 0)), always_valid_share(0, 0)):
        assert (found.low, found.high) == (0.0, 1.0)
    for found in (newcombe(Counts(0, 0), Counts(0, 0)), always_valid_difference(Counts(0, 0), Counts(1, 3), 0.05)):
        assert found.low <= -0.99
        assert found.high >= 0.99
    assert sign_test(0, 0) == 1.0


@given(SOME, SOME)
def test_exchanging_the_variants_mirrors_what_lies_between(a, b):
    for between in (newcombe, lambda x, y: always_valid_difference(x, y, 0.05)):
        one, other = between(a, b), between(b, a)
        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-12)
        assert -1 <= one.low <= one.value <= one.high <= 1


@given(st.integers(10, 90), st.integers(10, 90), st.integers(1, 30), st.floats(0.01, 0.4))
def test_many_looks_cost_width(a, b, times, effect):
    """Where few or all did it, the two differ in how they smooth, too."""
    one, other = Counts(a * times, 100 * times), Counts(b * times, 100 * times)
    often, once = always_valid_difference(one, other, effect), newcombe(one, other)
    assert often.high - often.low > once.high - once.low


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_edges_of_the_always_valid_share_are_outweighed_just_so(wins, losses):
    special = pytest.importorskip("scipy.special")
    found = always_valid_share(wins, losses)
    assert found.low <= found.value <= found.high
    for edge in (found.low, found.high):
        if 0 < edge < 1 and wins + losses:
            likelihood = wins * math.log(edge) + losses * math.log1p(-edge)
            assert special.betaln(wins + 1, losses + 1) - likelihood == pytest.approx(math.log(20), abs=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.1), (0.1, 0.15), (0.02, 0.05), (0.5, 0.3)])
def test_one_look_covers_the_truth_about_nineteen_times_of_twenty(a, b):
    draws = np.random.default_rng(1)
    held = 0
    for hits_a, hits_b in zip(draws.binomial(180, a, 4000), draws.binomial(220, b, 4000), strict=True):
        found = newcombe(Counts(int(hits_a), 180), Counts(int(hits_b), 220))
        held += found.low <= b - a <= found.high
    assert 0.935 <= held / 4000 <= 0.975


def peeked(draws, share_a, share_b, looks, interval):
    """How often any of the looks, after every 25 visitors each, is wrong about the difference."""
    wrong, trials = 0, 400
    for _ in range(trials):
        hits = np.cumsum(draws.binomial(25, [[share_a, share_b]] * looks), axis=0)
        for look, (a, b) in enumerate(hits.tolist(), 1):
            found = interval(Counts(a, 25 * look), Counts(b, 25 * look))
            if not found.low <= share_b - share_a <= found.high:
                wrong += 1
                break
    return wrong / trials


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_looking_every_day_misleads_but_not_with_the_always_valid_interval(share):
    always = peeked(np.random.default_rng(2), share, share, 60, lambda a, b: always_valid_difference(a, b, 0.05))
    once = peeked(np.random.default_rng(2), share, share, 60, newcombe)
    assert always <= 0.05
    assert once > 0.12


def test_looking_all_the_time_at_who_is_preferred_is_right_nineteen_times_of_twenty():
    draws = np.random.default_rng(3)
    for share in (0.5, 0.6):
        wrong = 0
        for _ in range(300):
            wins = np.cumsum(draws.random(400) < share)
            at = [2, 5, 10, 20, 40, 60, 80, 120, 160, 200, 250, 300, 350, 400]
            found = [always_valid_share(int(wins[n - 1]), n - int(wins[n - 1])) for n in at]
            wrong += any(not one.low <= share <= one.high for one in found)
        assert wrong / 300 <= 0.05


@pytest.mark.parametrize(("rate", "effect", "part"), [(0.1, 0.05, 0.5), (0.3, 0.1, 0.2), (0.1, -0.05, 0.5)])
def test_as_many_visitors_as_said_show_the_effect_four_times_of_five(rate, effect, part):
    count = visitors_for_difference(rate, abs(effect), part)
    b = round(count * part)
    draws = np.random.default_rng(4)
    seen = 0
    for _ in range(1000):
        hits_a, hits_b = draws.binomial(count - b, rate - effect / 2), draws.binomial(b, rate + effect / 2)
        found = always_valid_difference(Counts(int(hits_a), count - b), Counts(int(hits_b), b), abs(effect))
        seen += found.low > 0 if effect > 0 else found.high < 0
    assert 0.72 <= seen / 1000 <= 0.9


def test_as_many_preferences_as_said_show_which_is_preferred():
    count = visitors_for_share(0.1)
    wins = np.random.default_rng(5).binomial(count, 0.6, 1000)
    seen = np.mean([always_valid_share(int(one), count - int(one)).low > 0.5 for one in wins])
    assert 0.72 <= seen <= 0.9
    assert visitors_for_share(0.05) > 3 * count
