import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.coding import Coding, codings
from analysis.fit.least_squares import Model
from analysis.fit.terms import Term, check_plan, model_terms, parse_formula, polynomial
from analysis.runs.settings import Factor
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
    ("formula", "words"),
    [
        ("learning_rate * epochs", ["'learning_rate * epochs'", "not understood"]),
        ("learning_rate + ", ["''"]),
        ("epoch", ["'epoch'", "'epochs'"]),
        ("epochs + epochs", ["epochs is there twice"]),
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
        ({"degree": 2}, "write analysis.degree: 1"),
        ({"formula": "batch_size + epochs^2"}, "take epochs^2 out of analysis.formula"),
    ],
)
def test_a_power_that_the_planned_levels_cannot_tell_is_refused(model, remedy):
    settings = reference.settings(**model)
    factors = {name: {"levels": [1, 2, 3]} for name in settings.factor_names}
    check_plan(settings, factors, replicates=2)
    factors["epochs"] = {"levels": [1, 3]}
    with pytest.raises(UserError) as error:
        check_plan(settings, factors, replicates=2)
    assert str(error.value) == (
        "factors.epochs.levels: 2 levels cannot identify the term epochs^2. "
        f"Add a level, or {remedy}."
    )


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
    model = Model((epochs,), (Term((("epochs", 1),)),), (0, 1, 2))
    assert model.names == ("intercept", "replicate[1]", "replicate[2]", "epochs")
    points = pd.DataFrame({"epochs": [1, 3]})
    assert model.matrix(points) == pytest.approx(
        np.array([[1, 1 / 3, 1 / 3, -1], [1, 1 / 3, 1 / 3, 1]])
    )
    assert model.matrix(points, [0, 2]).tolist() == [[1, 0, 0, -1], [1, 0, 1, 1]]
