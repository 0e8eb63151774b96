"""No number of the analysis changes unnoticed."""

import json

import pytest

from tests.numbers import NUMBERS, numbers


def test_the_numbers_of_a_studys_tables_stay_what_they_were():
    """Where they are meant to change: ``python -m tests.numbers``."""
    before, now = json.loads(NUMBERS.read_text()), numbers()
    assert before.keys() == now.keys()
    changed = [
        name
        for name, (count, size, placed) in before.items()
        if now[name][0] != count
        or now[name][1:] != pytest.approx([size, placed], rel=1e-6, abs=1e-6 * size)
    ]
    assert changed == []
