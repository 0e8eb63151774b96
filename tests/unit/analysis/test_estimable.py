"""Models that planned runs cannot estimate are refused before anything is run."""

import pytest
import reference

from analysis.fit.estimable import check_plan
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
