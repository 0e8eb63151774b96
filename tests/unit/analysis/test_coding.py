import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.coding import Coding, codings
from analysis.fit.estimable import check_plan
from analysis.fit.model import Block, Model
from analysis.runs.formula import Term, model_terms, parse_formula, polynomial
from analysis.variables import Factor
from common.errors import UserError

FACTORS = reference.settings().factors


def test_the_absolute_framing_spans_the_design():
    study = reference.study()
    coded = codings(study.runs, reference.settings(), "absolute", {})
    assert coded[0].code([1e-5, 10**-4.5, 1e-4])[:, 0] == pytest.approx([-1, 0, 1], abs=1e-9)
    assert coded[1].code([8, 16, 32])[:, 0] == pytest.approx([-1, 0, 1])
    assert coded[1].middle == pytest.approx(16)


def test_the_relative_framing_is_zero_at_the_baseline():
    study = reference.study()
    coded = codings(study.runs, reference.settings(), "relative", study.baseline)
    assert coded[0].code([1e-5, 1e-4])[:, 0] == pytest.approx([0, 2])
    assert coded[1].code([8, 32])[:, 0] == pytest.approx([-2, 0])
    assert coded[2].code([1, 3])[:, 0] == pytest.approx([-2, 0])


def test_decoding_undoes_coding():
    for factor in FACTORS:
        coding = Coding(factor, (1, 2, 4), 0.3, 1.7)
        assert coding.decode(coding.code([1, 2, 4])[:, 0]) == pytest.approx([1, 2, 4])


def test_a_categorical_factor_has_sum_to_zero_contrasts():
    coding = Coding(Factor("schedule", "categorical"), ("constant", "cosine", "linear"))
    assert coding.columns == ("schedule[cosine]", "schedule[linear]")
    coded = coding.code(["constant", "cosine", "linear"])
    assert coded.tolist() == [[-1, -1], [1, 0], [0, 1]]
    assert coded.sum(axis=0).tolist() == [0, 0]


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


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ({"degree": 2}, "leave analysis.degree out for the largest model that can be estimated"),
        ({"formula": "batch_size^2 + epochs^2"}, "take these terms out of analysis.formula"),
    ],
)
def test_all_powers_that_the_planned_levels_cannot_identify_are_refused_at_once(model, remedy):
    settings = reference.settings(**model)
    factors = {name: {"levels": [1, 2, 3]} for name in settings.factor_names}
    check_plan(settings, factors, replicates=2)
    factors["epochs"] = factors["batch_size"] = {"levels": [1, 3]}
    with pytest.raises(UserError) as error:
        check_plan(settings, factors, replicates=2)
    assert str(error.value) == (
        "factors: there are too few levels for batch_size^2 (batch_size has 2 and it takes 3), "
        f"epochs^2 (epochs has 2 and it takes 3). Add levels, or {remedy}."
    )


def test_a_model_left_open_needs_levels_for_main_effects_alone():
    settings = reference.settings()
    factors = {name: {"levels": [1, 2]} for name in settings.factor_names}
    check_plan(settings, factors, replicates=1)


def test_levels_that_are_no_numbers_need_no_power():
    config = {**reference.CONFIG, "factors": {"epochs": {"scale": "categorical"}}}
    config["analysis"] = {"metrics": {"loss": {"better": "lower"}}}
    check_plan(reference.settings(config), {"epochs": {"levels": [1, 3]}}, replicates=2)


def test_fewer_planned_runs_than_the_model_takes_are_refused():
    settings = reference.settings(
        formula="learning_rate + batch_size + epochs + learning_rate:batch_size"
        " + learning_rate:epochs + batch_size:epochs + learning_rate:batch_size:epochs"
    )
    factors = {name: {"levels": [1, 2]} for name in settings.factor_names}
    check_plan(settings, factors, replicates=2)  # 16 runs, 9 coefficients
    with pytest.raises(UserError) as error:
        check_plan(settings, factors, replicates=1)
    assert "8 runs are planned and the model has 8 coefficients: at least 9" in str(error.value)


def test_a_categorical_factor_takes_a_coefficient_a_level():
    config = {**reference.CONFIG, "factors": {"epochs": {"scale": "categorical"}}}
    config["analysis"] = {"metrics": {"loss": {"better": "lower"}}}
    factors = {"epochs": {"levels": [1, 2, 3, 4]}}
    with pytest.raises(UserError, match="4 runs are planned and the model has 4 coefficients"):
        check_plan(reference.settings(config), factors, replicates=1)


def test_a_model_matrix_has_the_average_replicate_where_none_is_given():
    epochs = Coding(Factor("epochs"), (1, 3), 2.0, 1.0)
    model = Model((epochs,), (Term((("epochs", 1),)),), (Block("replicate", (0, 1, 2)),))
    assert model.names == ("intercept", "replicate[1]", "replicate[2]", "epochs")
    points = pd.DataFrame({"epochs": [1, 3]})
    assert model.matrix(points) == pytest.approx(
        np.array([[1, 1 / 3, 1 / 3, -1], [1, 1 / 3, 1 / 3, 1]])
    )
    assert model.matrix(points, pd.DataFrame({"replicate": [0, 2]})).tolist() == [
        [1, 0, 0, -1],
        [1, 0, 1, 1],
    ]
