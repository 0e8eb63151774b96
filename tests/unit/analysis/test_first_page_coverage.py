"""The intervals of the first page hold what is true; in full: make simulations."""

import pytest
from reference import at_most

from tests.simulation import coverage

STUDIES = 12


@pytest.mark.parametrize("table", coverage.TABLES)
def test_the_intervals_of_the_first_page_hold_what_is_true(table):
    found = coverage.simulate(table, "nothing matters", STUDIES)
    missed = {name: 1 - share for name, share in found.items()}
    assert missed and all(share <= at_most(0.05, STUDIES) for share in missed.values()), missed
