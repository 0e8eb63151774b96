"""The intervals of the report hold what is true; in full: make simulations."""

import pytest
from reference import at_most

from tests.simulation import coverage, later_pages

STUDIES = 8


@pytest.mark.parametrize("table", coverage.TABLES)
def test_the_intervals_of_the_first_page_hold_what_is_true(table):
    found = coverage.simulate(table, "nothing matters", STUDIES)
    missed = {name: 1 - share for name, share in found.items()}
    assert missed and all(share <= at_most(0.05, STUDIES) for share in missed.values()), missed


@pytest.mark.parametrize("table", coverage.TABLES)
def test_the_intervals_of_later_pages_hold_what_is_true(table):
    found = later_pages.simulate(table, STUDIES)
    missed = {name: 1 - share for name, share in found.items()}
    assert missed and all(share <= at_most(0.05, STUDIES) for share in missed.values()), missed
