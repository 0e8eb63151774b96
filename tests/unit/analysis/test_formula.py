"""The terms of a degree and of a formula."""

import pytest
import reference

from analysis.runs.formula import model_terms, parse_formula, polynomial
from analysis.variables import Factor
from common.errors import UserError

FACTORS = reference.settings().factors


def test_polynomials_list_products_before_powers():
    names = [term.name for term in polynomial(FACTORS[:2], 2)]
    assert names == [
        "learning_rate",
        "batch_size",
        "learning_rate:batch_size",
        "learning_rate^2",
        "batch_size^2",
    ]
    assert [term.kind for term in polynomial(FACTORS[:2], 2)] == ["FO", "FO", "TWI", "PQ", "PQ"]
    assert len(polynomial(FACTORS, 3)) == 19  # all monomials of three variables to degree 3


def test_a_categorical_factor_has_no_powers():
    factors = (Factor("schedule", "categorical"), Factor("epochs"))
    names = [term.name for term in polynomial(factors, 2)]
    assert names == ["schedule", "epochs", "schedule:epochs", "epochs^2"]


def test_a_formula_is_parsed():
    terms = parse_formula("learning_rate + epochs:learning_rate + epochs ^2", FACTORS)
    assert [term.name for term in terms] == ["learning_rate", "learning_rate:epochs", "epochs^2"]


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("a + b + a", "a b"),
        ("a*b", "a b a:b"),
        ("a*b*c", "a b a:b c a:c b:c a:b:c"),
        ("(a + b + c)^2", "a b c a:b a:c b:c"),
        ("(a + b + c)^3 - a:b:c", "a b c a:b a:c b:c"),
        ("(a + b)^2 + a^2 + b^2", "a b a:b a^2 b^2"),
        ("(a + b):c", "a:c b:c"),
        ("a*b - b + d-e", "a a:b d-e"),
        ("b:a", "a:b"),
    ],
)
def test_a_formula_expands_as_in_r(formula, terms):
    factors = (Factor("a"), Factor("b"), Factor("c", "categorical"), Factor("d-e"))
    assert [term.name for term in parse_formula(formula, factors)] == terms.split()


def test_a_formula_without_end_is_refused():
    factors = [Factor(f"x{number}") for number in range(30)]
    everything = "(" + " + ".join(factor.name for factor in factors) + ")"
    for formula in (f"{everything}^9", "*".join([everything] * 3), "(" * 9999 + "x1"):
        with pytest.raises(UserError, match=r"^analysis\.formula: "):
            parse_formula(formula, factors)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("learning_rate ** epochs", ["'* epochs'", "not understood"]),
        ("(learning_rate + epochs", ["''", "not understood"]),
        ("learning_rate + epochs)", ["')'", "not understood"]),
        ("epochs - epochs", ["no term is left"]),
        ("epochs^10", ["'10'", "not understood"]),
        ("epochs-1", ["'epochs-1'", "spaces around"]),
        ("learning_rate + ", ["''"]),
        ("epoch", ["'epoch'", "'epochs'"]),
        ("__import__(1)", ["no factor"]),
    ],
)
def test_a_formula_that_is_none_is_refused(formula, words):
    with pytest.raises(UserError) as error:
        model_terms(reference.settings(formula=formula))
    for word in words:
        assert word in str(error.value)
