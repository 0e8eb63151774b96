"""The faults that the tests are tried on are put into the code as it is."""

import ast
from pathlib import Path

import pytest

from tests.mutants import __main__ as mutants
from tests.mutants.faults import faults
from tests.mutants.named import NAMED

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.what)
def test_a_named_fault_is_one_change_of_code_that_still_runs(named):
    whole = (PROJECT / named.file).read_text()
    changed = named.fault(PROJECT).source
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(whole))


SOURCE = """
def f(a):
    assert a > 0
    if a < 1:
        raise ValueError("at least" + "1")
    return zip(-a, a, strict=True)
"""


def test_every_fault_is_one_change_and_no_message_or_assertion_is_changed():
    found = [(fault.was, fault.became) for fault in faults(SOURCE)]
    assert found == [
        ("if a < 1:", "if not a < 1:"),
        ("a < 1", "a <= 1"),
        ("1", "2"),
        ("-a", "a"),
    ]


def test_a_fault_is_shown_to_all_numbers_and_to_the_tests_that_import_its_module():
    found = mutants.tests_of(Path("analysis/fit/kenward_roger.py"))
    names = ("numbers", "kenward_roger")
    assert found == tuple(f"tests/unit/analysis/test_{name}.py" for name in names)
    assert "tests/unit/finetuning/test_state.py" in mutants.tests_of(
        Path("workflow/finetuning/state.py")
    )
