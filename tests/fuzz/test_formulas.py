"""The user's formula has a grammar of its own: nothing in it is ever run."""

import sys

import pytest
from hostile import cases, texts
from hypothesis import given
from hypothesis import strategies as st

from analysis.runs.formula import parse_formula
from analysis.variables import Factor
from common.errors import UserError

FACTORS = (Factor("learning_rate", "log10"), Factor("epochs"), Factor("schedule", "categorical"))
EVALUATING = {"compile", "exec", "os.system", "subprocess.Popen", "os.exec", "pickle.find_class"}
evaluated: list[str] = []
sys.addaudithook(lambda event, _: evaluated.append(event) if event in EVALUATING else None)

PYTHON = (
    *("__import__('os').system('x')", "I(epochs)", "C(schedule)", 'Q("epochs")', "epochs**2"),
    *("epochs*2", "np.log(epochs)", "lambda: 1", "epochs - 1", "1 + epochs", "0", "epochs ~ 1"),
    *("bs(epochs, df=3)", "eval('1')", "epochs;1", "epochs\n__import__('os')", "{epochs}"),
    *("epochs if 1 else 0", "epochs:I(1)"),
)  # fmt: skip
pieces = st.sampled_from(
    [*"+:^ \n\t()123456789*-~.'\"", "learning_rate", "epochs", "schedule", *PYTHON]
)


@pytest.mark.parametrize("formula", PYTHON)
def test_python_is_refused(formula):
    evaluated.clear()
    with pytest.raises(UserError, match=r"^analysis\.formula: "):
        parse_formula(formula, FACTORS)
    assert evaluated == []


@cases(30, 500)
@given(st.lists(pieces, max_size=12).map("".join) | texts | st.text(max_size=40))
def test_a_formula_is_its_terms_or_refused(formula):
    evaluated.clear()
    try:
        terms = parse_formula(formula, FACTORS)
    except UserError as error:
        assert str(error).startswith("analysis.formula: ")
        assert str(error).isprintable()
    else:
        names = [term.name for term in terms]
        assert len(set(names)) == len(names)
        assert {name for term in terms for name, _ in term.powers} <= {f.name for f in FACTORS}
        assert parse_formula(" + ".join(names), FACTORS) == terms
        written = "".join(formula.split())  # the same letters, sorted, but for spaces and powers
        assert set(written) <= set("".join(names) + "+:^123456789")
    assert evaluated == []
