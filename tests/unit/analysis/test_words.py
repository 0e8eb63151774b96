"""Numbers as they are written: digits by the interval, units by size, long lists counted."""

import math

import numpy as np
import pytest

from analysis import words
from analysis.variables import Metric

POINTS = Metric("accuracy", "higher", "points")
BARE = Metric("score", "lower")
SECONDS = Metric("seconds", "lower", "s")


@pytest.mark.parametrize(
    ("metric", "estimate", "low", "high", "shown"),
    [
        (POINTS, 0.0081, 0.0020, 0.0142, ("+0.8 points", "0.2 to 1.4")),
        (POINTS, 0.0081, 0.0077, 0.0085, ("+0.810 points", "0.770 to 0.850")),
        (BARE, -0.0006, -0.0008, -0.0004, ("−0.00060", "−0.00080 to −0.00040")),
        (BARE, 1234.5, 1000.2, 1500.9, ("+1234", "1000 to 1501")),
        (BARE, 0.5, 0.00996, 1.0, ("+0.50", "0.01 to 1.00")),
        (SECONDS, 8000, 7000, 9000, ("+2.22 h", "1.94 to 2.50")),
        (BARE, 0.5, math.nan, math.nan, ("+0.500", "")),
    ],
)
def test_two_digits_of_the_interval_decide_all_decimals(metric, estimate, low, high, shown):
    assert words.amount_and_interval(estimate, low, high, metric) == shown


def test_an_end_that_is_not_zero_is_not_shown_as_zero():
    assert words.interval(0.0003, 0.014, POINTS) == "0.03 to 1.40"


def test_a_negative_scale_turns_the_interval_round():
    shown = words.amount_and_interval(0.01, 0.005, 0.015, POINTS, scale=-2)
    assert shown == ("−2.0 points", "−3.0 to −1.0")


def test_a_value_of_a_proportion_is_in_percent():
    assert words.reading_and_interval(0.832, 0.826, 0.838, POINTS) == ("83.2 %", "82.6 to 83.8")
    assert words.reading(0.832, POINTS) == "83.2 %"


def test_columns_have_one_number_of_decimals():
    low, high = np.array([0.1, 0.2, np.nan]), np.array([0.112, 0.213, np.nan])
    assert words.interval_decimals(low, high, BARE) == 3
    assert words.interval_decimals(low, high, POINTS) == 1
    assert words.interval_decimals([np.nan], [np.nan], BARE) == words.decimals(BARE)
    assert words.spread_decimals([0.001, 0.0012, np.nan], BARE) == 5
    assert words.spread_decimals([0.5, 0.5], POINTS) == 1
    assert words.spread_decimals([24_263.1, 27_940.2], BARE) == 0
    assert words.spread_decimals([0.6, 0.8], POINTS) == 1


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0, "s", "0.0 s"),
        (0.021, "s", "0.021 s"),
        (37.2, "s", "37 s"),
        (600, "s", "10 min"),
        (8123, "s", "2.3 h"),
        (320, "MB", "320 MB"),
        (1234, "MB", "1.2 GB"),
        (math.nan, "s", ""),
    ],
)
def test_a_cost_has_the_unit_of_its_size(value, unit, shown):
    assert words.quantity(value, unit) == shown


def test_more_than_seven_names_are_counted():
    assert words.listed(list("abcdefg")) == "a, b, c, d, e, f and g"
    assert words.listed(list("abcdefgh"), "factor") == "8 factors"
    assert words.listed(list("abcdefgh")) == "a, b, c and 5 more"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe", "größe"),
        ("точность", "точность"),
        ("학습률", "HagSeubLyul"),
        ("lr 学習率", "lr XueXiLu"),
        ("🚀", ":rocket:"),
    ],
)
def test_only_letters_that_no_font_has_are_transliterated(text, shown):
    assert words.name(text) == shown
    assert words.level(text) == words.level(text, "categorical") == shown
    assert words.term([("optimizer", text, 1)]) == f"optimizer = {shown}"
