"""Models that runs cannot estimate, planned or measured, are refused by the terms' names."""

import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit import estimable
from analysis.fit.coding import Coding
from analysis.fit.estimable import check_plan, inestimable, require_planned, triangle_of
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.model import Model
from analysis.preparation import study_of
from analysis.runs.formula import Term
from analysis.variables import Factor
from common.errors import UserError


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ({"degree": 2}, "write analysis.degree: null for the largest model that can be estimated"),
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


# Three levels of two factors, three times.
CROSSED = pd.DataFrame(
    [(x1, x2, r) for r in range(3) for x1 in (1, 2, 3) for x2 in (1, 2, 3)],
    columns=["x1", "x2", "replicate"],
)
STAR = CROSSED.query("x1 == 2 or x2 == 2")
TOLD_APART = "vary them separately or leave one out of factors."


def fitted(table, blocks=None, **model):
    """The least-squares fit of noise to a table whose factors are called x1, x2 and so on."""
    config = {
        "factors": {name: {} for name in table if name.startswith("x")},
        "analysis": {"metrics": {"y": {"better": "higher"}}, **model},
    }
    if blocks:
        config["analysis"]["blocks"] = blocks
    noise = np.random.default_rng(0).normal(size=len(table))
    study = study_of(table.assign(y=noise), reference.settings(config))
    return ordinary_least_squares(
        study, study.settings, "y", "absolute", replicate_block=blocks is not None
    )


@pytest.mark.parametrize(
    ("table", "model", "told"),
    [
        (
            CROSSED.assign(x3=2 * CROSSED["x1"] - 1),
            {"degree": 1},
            f"x3: perfectly collinear with x1 in this table, so their effects cannot be told "
            f"apart; {TOLD_APART}",
        ),
        (
            CROSSED.assign(x3=CROSSED["x1"] + CROSSED["x2"]),
            {"formula": "x1 + x2 + x3 + x1:x2 + x1:x3"},
            f"x3: perfectly collinear with x1, x2 in this table, so their effects cannot be told "
            f"apart; {TOLD_APART}",
        ),
        (
            CROSSED.query("x1 != 2"),
            {"formula": "x1 + x2 + x1^2 + x2^2"},
            "The design cannot estimate x1^2 (x1 has 2 levels and its power 2 needs 3); add runs "
            "at other levels or combinations, or write analysis.degree: null, and no "
            "analysis.formula, for the largest model that can be estimated, or write "
            "analysis.formula: x1 + x2 + x2^2.",
        ),
        (
            STAR,
            {"formula": "x1 + x2 + x1:x2"},
            "The design cannot estimate x1:x2 (it is always zero); add runs at other levels or "
            "combinations, or write analysis.degree: null, and no analysis.formula, for the "
            "largest model that can be estimated, or write analysis.formula: x1 + x2.",
        ),
        (
            CROSSED.assign(site=CROSSED["x1"], year=CROSSED["x1"]).drop(columns="x1"),
            {"formula": "x2", "blocks": ["site", "year"]},
            "The design cannot estimate year[2]: it is a combination of site[2]. Leave it out of "
            "the blocks.",
        ),
    ],
)
def test_terms_that_the_runs_cannot_estimate_are_refused_by_name(table, model, told):
    with pytest.raises(UserError) as error:
        fitted(table, **model)
    assert str(error.value) == told


def test_what_the_runs_just_tell_apart_is_estimated():
    nearly = CROSSED.assign(x3=CROSSED["x1"].where(CROSSED.index > 0, CROSSED["x1"] + 1e-6))
    assert fitted(nearly, degree=1).names == ("intercept", "x1", "x2", "x3")
    assert fitted(STAR, formula="x1 + x2 + x1^2 + x2^2").names[-1] == "x2^2"


def test_as_many_runs_as_terms_are_too_few():
    four = CROSSED.iloc[[0, 2, 6, 8]]
    with pytest.raises(UserError, match=r"4 usable runs and the model 4 terms .* at least 5 runs"):
        fitted(four, formula="x1 + x2 + x1:x2")
    assert len(fitted(four, formula="x1 + x2").names) == 3


@pytest.mark.parametrize("rows", [7, 40, 41])
def test_the_triangle_has_the_products_of_the_columns(rows, monkeypatch):
    monkeypatch.setattr(estimable, "BLOCK_ROWS", 10)
    columns = np.random.default_rng(rows).normal(size=(rows, 4))
    triangle = triangle_of(columns)
    assert triangle.shape == (4, 4)
    np.testing.assert_array_equal(np.tril(triangle, -1), 0)
    np.testing.assert_allclose(triangle.T @ triangle, columns.T @ columns, atol=1e-12)


@pytest.mark.parametrize(("levels", "more"), [(20, ""), (21, " and 1 more")])
def test_of_very_many_terms_the_first_are_named(levels, more):
    kinds = [f"k{number:02}" for number in range(levels)]
    table = pd.DataFrame({"kind": kinds, "y": np.arange(levels, dtype=float)})
    settings = reference.settings(
        {
            "factors": {"kind": {"scale": "categorical"}},
            "analysis": {"metrics": {"y": {"better": "higher"}}, "formula": "kind"},
        }
    )
    with pytest.raises(UserError) as error:
        study_of(table, settings)
    named = ["intercept", *(f"kind[{kind}]" for kind in kinds[1:20])]
    assert f"the model {levels} terms ({', '.join(named)}{more}):" in str(error.value)


@pytest.mark.parametrize(("many", "more"), [(6, ""), (7, " and 1 more")])
def test_of_a_combination_of_many_terms_the_first_are_named(many, more):
    names = [f"x{at}" for at in range(many)]
    told = estimable._as_sum(names)
    assert told == f"it is a combination of x0, x1, x2, x3, x4, x5{more}"


LINE = Model(
    (Coding(Factor("x1"), (1, 2, 3), 2.0, 1.0),),
    (Term((("x1", 1),)), Term((("x1", 2),))),
)


def test_the_length_of_a_column_does_not_matter():
    lengths = np.diag([1e-9, 1.0, 1e9])
    assert inestimable(LINE, lengths) == []
    triangle = np.array([[1, 1, 1], [0, 1e-5, 1], [0, 0, 1e-9]]) @ lengths
    assert [name for name, _ in inestimable(LINE, triangle)] == ["x1^2"]


def test_planned_runs_are_one_more_than_coefficients():
    points = pd.DataFrame({"x1": [1, 2, 3, 2]})
    require_planned(LINE, LINE.matrix(points))
    with pytest.raises(
        UserError, match=r"3 runs are planned and the model has 3 coeff.* least 4 runs"
    ):
        require_planned(LINE, LINE.matrix(points[:3]))
    with pytest.raises(UserError, match=r"design: The design cannot estimate x1\^2"):
        require_planned(LINE, LINE.matrix(pd.DataFrame({"x1": [1, 3, 1, 3]})))


def test_where_nothing_is_left_no_formula_is_written():
    with pytest.raises(UserError) as error:
        fitted(STAR, formula="x1:x2")
    assert str(error.value).endswith("that can be estimated, or leave these terms out.")
