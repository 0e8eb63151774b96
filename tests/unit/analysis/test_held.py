"""Where curves and surfaces hold the factors that they do not show."""

import pytest

from analysis.fit.coding import Coding
from analysis.fit.held import Held, held_at, shown_levels, surface_slices
from analysis.variables import Factor

RATE = Coding(Factor("rate", "log10"), (1e-5, 1e-4, 1e-3), -4.0, 1.0)
SIZE = Coding(Factor("size"), (8, 16, 24), 16.0, 8.0)
KIND = Coding(Factor("kind", "categorical"), ("x", "y"))
ONLY_Y = Coding(Factor("only_y", within=("kind", ("y",))), (1, 3), 2.0, 1.0)


def test_numbers_are_held_at_their_centre_and_categories_averaged():
    held = held_at((RATE, SIZE, KIND), ["size"])
    assert held.places == (("rate", 1e-4), ("kind", None))
    assert held.values == {"rate": 1e-4} and held.averaged == ["kind"]
    assert held.label == "rate=0.0001, kind averaged"
    assert held_at((RATE, SIZE), ["rate"]).label == "size=16"
    assert Held((("size", 1 / 3), ("kind", "y"))).label == "size=0.3333, kind=y"


def test_a_category_is_held_at_the_one_level_beside_which_what_is_shown_exists():
    assert held_at((KIND, ONLY_Y), ["only_y"]).places == (("kind", "y"),)
    assert held_at((KIND, ONLY_Y, SIZE), ["size"]).places == (("kind", None), ("only_y", 2.0))


def test_a_surface_is_drawn_at_each_level_of_a_third_factor_but_not_of_a_fourth():
    assert surface_slices((RATE, SIZE), "rate", "size") == [Held()]
    three = surface_slices((RATE, SIZE, KIND), "rate", "size")
    assert three == [Held((("kind", "x"),)), Held((("kind", "y"),))]
    numbers = surface_slices((RATE, SIZE, ONLY_Y), "rate", "size")
    assert [held.label for held in numbers] == ["only_y=1", "only_y=3"]
    assert all(type(held.values["only_y"]) is float for held in numbers)
    four = surface_slices((RATE, SIZE, KIND, ONLY_Y), "rate", "size")
    assert [held.label for held in four] == ["kind averaged, only_y=2"]


@pytest.mark.parametrize(
    ("levels", "shown"),
    [
        ((1, 2, 3, 4, 5), [1, 2, 3, 4, 5]),
        ((1, 2, 3, 4, 5, 6), [1, 4, 6]),
        ((*range(7),), [0, 3, 6]),
    ],
)
def test_of_many_levels_the_ends_and_the_middle_are_shown(levels, shown):
    assert shown_levels(Coding(Factor("a"), levels)) == shown
    kinds = tuple(map(str, levels))
    assert shown_levels(Coding(Factor("a", "categorical"), kinds)) == list(kinds)
