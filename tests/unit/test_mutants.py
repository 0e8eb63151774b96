"""The faults that the tests are tried on are put into the code as it is."""

import ast
from pathlib import Path

import pytest

from tests.mutants.faults import faults
from tests.mutants.named import NAMED

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.what)
def test_a_named_fault_is_one_change_of_code_that_still_runs(named):
    whole = (PROJECT / named.file).read_text()
    changed = named.fault(PROJECT).source
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(whole))


def test_every_fault_is_one_change_and_no_message_is_changed():
    source = "def f(a):\n    if a < 1:\n        raise ValueError('at least' + '1')\n    return -a\n"
    found = [(fault.was, fault.became) for fault in faults(source)]
    assert found == [
        ("if a < 1:", "if not a < 1:"),
        ("a < 1", "a <= 1"),
        ("1", "2"),
        ("-a", "a"),
    ]
