"""Shares and their differences, with intervals for one look and for any number of looks.

An interval for one look holds for a number of visitors that was fixed before; whoever looks every day and stops when it
suits will be wrong far more often than one time in twenty. An always-valid interval may be looked at all the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

__all__ = [
    "Counts",
    "Interval",
    "always_valid_difference",
    "always_valid_share",
    "newcombe",
    "sign_test",
    "visitors_for_difference",
    "visitors_for_share",
    "wilson",
]

CONFIDENCE: Final = 0.95
POWER: Final = 0.8
_MOST: Final = 10**9


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value, and the interval that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Of `count` visitors, `hits` did what counts."""

    hits: int
    count: int


def wilson(counts: Counts) -> Interval:
    """Return a share with Wilson's score interval (Wilson 1927), for one look. Without visitors it is 0 to 1."""
    if not counts.count:
        return Interval(0.0, 0.0, 1.0)
    n, share, z = counts.count, counts.hits / counts.count, _z(CONFIDENCE)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if counts.hits == 0 else middle - half  # exactly, whatever the arithmetic
    return Interval(share, low, 1.0 if counts.hits == n else middle + half)


def newcombe(a: Counts, b: Counts) -> Interval:
    """Return the share of b less that of a, for one look (Newcombe 1998, method 10: two Wilson intervals joined)."""
    first, second = wilson(a), wilson(b)
    difference = second.value - first.value
    down = math.hypot(second.value - second.low, first.high - first.value)
    up = math.hypot(second.high - second.value, first.value - first.low)
    return Interval(difference, max(-1.0, difference - down), min(1.0, difference + up))


def sign_test(wins: int, losses: int) -> float:
    """Return how probable a result at least so one-sided is if both win alike (two-sided exact binomial test)."""
    n, most = wins + losses, max(wins, losses)
    if not n:
        return 1.0
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(most, n + 1)]
    tail = math.fsum(math.exp(one - n * math.log(2)) for one in logs)
    return min(1.0, 2 * tail)


def always_valid_difference(a: Counts, b: Counts, effect: float) -> Interval:
    """Return the share of b less that of a, with an interval that holds at every look at once.

    It is what the mixture sequential probability ratio test does not reject (Johari, Koomen, Pekelis and Walsh 2022,
    "Always Valid Inference"; Robbins 1970), by the normal approximation, its mixture being N(0, effect^2). The variance
    is that of Agresti and Caffo (2000): one hit and one miss more each, so that few visitors are not taken for many.
    """
    if not a.count or not b.count:
        return Interval(0.0, -1.0, 1.0)
    difference = b.hits / b.count - a.hits / a.count
    half = _half(_variance(a) + _variance(b), effect)
    return Interval(difference, max(-1.0, difference - half), min(1.0, difference + half))


def always_valid_share(wins: int, losses: int) -> Interval:
    """Return the share of wins, with an interval that holds at every look at once.

    Shares that a uniform mixture of likelihoods has not outweighed twentyfold (Robbins 1970; exact for visitors who
    decide once each). Without wins and losses it is 0 to 1.
    """
    if not wins + losses:
        return Interval(0.5, 0.0, 1.0)
    value = wins / (wins + losses)
    mixture = math.lgamma(wins + 1) + math.lgamma(losses + 1) - math.lgamma(wins + losses + 2)

    def outweighed(share: float) -> bool:
        likelihood = (wins * math.log(share) if wins else 0.0) + (losses * math.log1p(-share) if losses else 0.0)
        return mixture - likelihood >= -math.log(1 - CONFIDENCE)

    low = 0.0 if not wins else _edge(outweighed, value)
    high = 1.0 if not losses else 1 - _edge(lambda share: outweighed(1 - share), 1 - value)
    return Interval(value, low, high)


def visitors_for_difference(share: float, effect: float, part: float) -> int:
    """Return how many visitors show a difference of `effect` by the always-valid interval, four times of five.

    share: of visitors who do what counts, about. part: of the visitors who get b.
    """

    def shows(count: int) -> bool:
        variance = share * (1 - share) * (1 / (count * part) + 1 / (count * (1 - part)))
        return _half(variance, effect) + _z(2 * POWER - 1) * math.sqrt(variance) <= effect

    return _fewest(shows)


def visitors_for_share(effect: float) -> int:
    """Return how many visitors who prefer one show that it is preferred by a share of 1/2 + effect; as above."""

    def shows(count: int) -> bool:
        margin = _z(2 * POWER - 1) * math.sqrt((0.25 - effect * effect) / count)
        wins = math.floor(count * (0.5 + effect - margin))
        return 2 * wins > count and always_valid_share(wins, count - wins).low > 0.5

    return _fewest(shows)


def _half(variance: float, effect: float) -> float:
    mixed = variance + effect * effect
    bar = math.log(1 / (1 - CONFIDENCE)) + 0.5 * math.log(mixed / variance)
    return math.sqrt(2 * variance * mixed / (effect * effect) * bar)


def _variance(counts: Counts) -> float:
    n = counts.count + 2
    share = (counts.hits + 1) / n
    return share * (1 - share) / n


def _z(confidence: float) -> float:
    """Return how many standard deviations a two-sided normal interval reaches each way."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _edge(outweighed: Callable[[float], bool], inside: float) -> float:
    """Return the least share that is not outweighed, between 0 and one that is not."""
    low, high = 0.0, inside
    for _ in range(60):
        middle = (low + high) / 2
        if middle <= 0 or outweighed(middle):
            low = middle
        else:
            high = middle
    return low


def _fewest(shows: Callable[[int], bool]) -> int:
    high = 2
    while not shows(high):
        high *= 2
        if high >= _MOST:
            return _MOST
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high
