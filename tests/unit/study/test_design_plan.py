"""What is told of a design before anything trains is what then happens."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.fit.aliases import aliases, further_terms
from analysis.fit.planned import Noise, planned_fit
from analysis.fit.split_plot import with_trajectories
from analysis.fit.wald import FTests
from analysis.questions.joint import hypotheses
from analysis.questions.planned_power import planned_power
from analysis.questions.power import largest_variance
from analysis.runs.settings import Settings
from common.errors import UserError
from design import settings_of
from design.evaluation import Errors, Evaluation, efficiencies
from design.grid import Grid
from design.space import Space
from study import design_plan, designs
from study.noise import measured_noise
from tests.designed import configuration


def complete(design, factors=3, **more):
    config = configuration(design, factors, **more) | {"planning": more.get("planning", {})}
    if not isinstance(design, str):
        config["design"] = designs.noted(config, Path("none"))
    return config


def planned_parts(config):
    settings = Settings.from_config(config)
    runs = designs.planned_runs(Grid.from_config(config))
    model, _ = design_plan._model(settings, runs, config["replicates"])
    return settings, runs, model


def test_a_factor_is_aliased_with_the_product_of_the_others_in_half_a_grid():
    config = complete({"kind": "fractional", "resolution": 3}, 3, epochs=False, degree=1)
    settings, runs, model = planned_parts(config)
    found = aliases(model, runs, further_terms(settings.factors, model.terms))
    pairs = {(each.column, each.alias): round(each.share, 2) for each in found}
    assert pairs == {
        ("learning_rate", "weight_decay:dropout"): pytest.approx(1, abs=0.01),
        ("weight_decay", "learning_rate:dropout"): pytest.approx(1, abs=0.01),
        ("dropout", "learning_rate:weight_decay"): pytest.approx(1, abs=0.01),
    }


def test_a_full_grid_has_efficiency_one_and_a_first_order_fraction_too():
    space = Space.of(complete("full", 3, epochs=False, degree=1))
    full = [dict(zip(space.names, v, strict=True)) for v in _corners(space)]
    half = list(settings_of(configuration({"kind": "fractional", "resolution": 3}, 3)))
    for each in (full, half):
        found = efficiencies(Evaluation(space, each, Errors()), Evaluation(space, full, Errors()))
        assert found == {kind: pytest.approx(1, abs=1e-9) for kind in "DAIG"}


def _corners(space):
    ends = [axis.coding.limits for axis in space.axes]
    return np.stack(np.meshgrid(*ends), -1).reshape(-1, len(ends)).tolist()


def test_the_prediction_variance_is_that_of_the_regression():
    config = complete({"kind": "optimal", "trajectories": 12}, 2)
    _, runs, model = planned_parts(config)
    space = Space.of(config)
    evaluation = Evaluation(space, Grid.from_config(config).settings, Errors(ratio=2.0))
    fit = planned_fit("accuracy", model, runs, Noise(within=1.0, between=2.0))
    assert evaluation.complete
    by_fit = np.sort(np.linalg.eigvalsh(fit.covariance))
    by_plan = np.sort(np.linalg.eigvalsh(np.linalg.inv(12 * evaluation.information)))
    assert by_plan == pytest.approx(by_fit, rel=1e-9)


def test_a_design_that_cannot_tell_a_square_has_a_rank_below():
    space = Space.of(complete("full", 3))
    half = list(settings_of(configuration({"kind": "fractional", "resolution": 3}, 3)))
    evaluation = Evaluation(space, half, Errors())
    assert evaluation.rank < len(space.columns)
    full = Evaluation(space, list(settings_of(configuration("full", 3))), Errors())
    assert efficiencies(evaluation, full)["D"] == 0


@pytest.mark.parametrize("factor", ["learning_rate", "epochs"])
def test_predicted_power_agrees_with_simulated_studies(factor):
    """At the effect for which 80 % is predicted, of the shape that is seen worst."""
    config = complete({"kind": "optimal", "trajectories": 10}, 2, replicates=2)
    _, runs, model = planned_parts(config)
    fit = planned_fit("accuracy", model, runs, Noise(within=1.0, between=1.5))
    (test,) = (t for t in planned_power(fit, 0.05) if (t.kind, t.about) == ("factor", factor))
    effects = np.linspace(0.1, 12, 2000)
    effect = effects[np.argmax([test.of(each) >= 0.8 for each in effects])]

    names = next(n for k, asked, n in hypotheses(model) if (k, asked) == ("factor", factor))
    columns = [fit.names.index(name) for name in names]
    coding = next(each for each in model.codings if each.name == factor)
    truth = _worst_shape(fit, coding, columns) * effect
    draws = np.random.default_rng(4)
    runs_of = pd.factorize(runs["trajectory"], sort=True)[0]
    found = 0
    for _ in range(STUDIES):
        response = fit.design @ truth + draws.normal(size=len(runs))
        response += np.sqrt(1.5) * draws.normal(size=runs_of.max() + 1)[runs_of]
        estimate = fit.inverse_root @ (fit.basis.T @ response)
        ordinary = replace(
            fit, estimator="ols", response=response, coefficients=estimate,
            parameter_covariance=None,
        )  # fmt: skip
        found += FTests(with_trajectories(ordinary)).zero(names).p_value < test.alpha
    assert 0.76 <= found / STUDIES <= 0.84


STUDIES = 300


def _worst_shape(fit, coding, columns):
    """Coefficients of the factor with a difference of 1 whose noncentrality is the least."""
    every = fit.model.matrix(
        pd.DataFrame(
            {
                each.name: list(coding.levels)
                if each is coding
                else [float(each.decode(0.0))] * len(coding.levels)
                for each in fit.model.codings
            }
        )
    )
    covariance = fit.covariance[np.ix_(columns, columns)]
    variances = {}
    for one in range(len(every)):
        for other in range(one):
            contrast = (every[one] - every[other])[columns]
            variances[one, other] = (contrast @ covariance @ contrast, contrast)
    variance, contrast = max(variances.values(), key=lambda each: each[0])
    expected, _ = largest_variance(fit, coding, [fit.names[at] for at in columns])
    assert variance == pytest.approx(expected)
    truth = np.zeros(len(fit.names))
    truth[columns] = covariance @ contrast / variance
    return truth


def test_plans_lie_side_by_side_and_tell_every_number():
    planning = {"compare": ["full", "optimal", {"kind": "optimal", "trajectories": 12}]}
    analysis = {"metrics": {"accuracy": {}, "loss": {}}, "target_effect": {"accuracy": 0.02}}
    config = complete(
        {"kind": "optimal", "trajectories": 9},
        2,
        replicates=2,
        analysis=analysis,
        planning=planning,
    )
    plan = design_plan.plan_designs(config)
    assert [each.name for each in plan.designs] == [
        "optimal (trajectories 9)", "full", "optimal (trajectories 12)",
    ]  # fmt: skip
    table = design_plan.as_table(plan)
    runs = table[table["measure"] == "training_runs"]["value"].tolist()
    assert runs == [18, 18, 24]
    told = "\n".join(design_plan.in_words(plan))
    assert "18 training runs, 54 cells, 54 epochs of training" in told
    assert "power for 2.0 points of accuracy" in told
    assert "a guess" in told
    assert "loss" not in told  # of its noise nothing is known


def test_more_replicates_than_needed_are_enough_and_fewer_are_not():
    design = {"kind": "optimal", "trajectories": 9}
    analysis = {"metrics": {"accuracy": {}}, "target_effect": {"accuracy": 0.03}}
    config = complete(design, 2, replicates=2, analysis=analysis)
    plan = design_plan.plan_designs(config)
    needed = plan.designs[0].replicates_needed["accuracy"]

    def least_power(replicates):
        planned = design_plan.plan_designs(config | {"replicates": replicates}).designs[0]
        tests = planned.power["accuracy"]
        return min(test.of(0.03) for test in tests if test.kind == "factor")

    assert least_power(needed) >= 0.8 > least_power(needed - 1)


def test_trajectories_needed_are_those_of_the_two_sample_t_test():
    """Cohen 1988, *Statistical Power Analysis*, table 2.4.1: d = 1 at a two-sided 0.05 takes 17 in
    each group. One run of the guessed noise has a standard deviation of √2 points."""
    line = {"dropout": {"range": [0.0, 0.4], "scale": "linear"}}
    analysis = {
        "metrics": {"accuracy": {}}, "degree": 1, "target_effect": {"accuracy": 0.01 * 2**0.5},
    }  # fmt: skip
    design = {"kind": "optimal", "trajectories": 4}
    config = complete(design, line, epochs=False, analysis=analysis)
    plan = design_plan.plan_designs(config)
    assert plan.designs[0].trajectories_needed == {"accuracy": 34}
    assert "trajectories: 34 in 1 replicate would reach 80%" in "\n".join(
        design_plan.in_words(plan)
    )
    table = design_plan.as_table(plan).set_index("measure")
    assert table.loc["trajectories_needed", "value"] == 34


def test_only_a_design_whose_size_is_chosen_tells_trajectories():
    analysis = {"metrics": {"accuracy": {}}, "target_effect": {"accuracy": 1e-4}}
    compared = ["full", {"kind": "sobol", "trajectories": 12}]
    config = complete(
        "box_behnken", 3, replicates=2, analysis=analysis, planning={"compare": compared}
    )
    plan = design_plan.plan_designs(config)
    found = [each.trajectories_needed for each in plan.designs]
    assert found == [{}, {}, {"accuracy": None}]
    told = "\n".join(design_plan.in_words(plan))
    assert told.count("not even 64 replicates would reach 80% for every factor") == 2
    assert "not even 64 replicates or trajectories: 200 would reach 80%" in told


def test_noise_is_taken_from_a_table_of_runs(tmp_path):
    config = complete("full", 1, replicates=4, planning={"from": str(tmp_path / "runs.csv")})
    runs = designs.planned_runs(Grid.from_config(config))
    draws = np.random.default_rng(1)
    runs_of = pd.factorize(runs["trajectory"])[0]
    between = 0.03 * draws.normal(size=runs_of.max() + 1)[runs_of]
    runs["accuracy"] = 0.5 + between + 0.01 * draws.normal(size=len(runs))
    runs.to_csv(tmp_path / "runs.csv", index=False)
    noise = measured_noise(str(tmp_path / "runs.csv"), Settings.from_config(config), "from")
    assert noise["accuracy"].within == pytest.approx(1e-4, rel=0.4)
    assert noise["accuracy"].ratio > 2
    plan = design_plan.plan_designs(config)
    said = "\n".join(design_plan.in_words(plan))
    assert "that of the runs in runs.csv: " in said and str(tmp_path) not in said
    config["design"] = {"kind": "optimal", "trajectories": 4, "forbid": [], "augment": None}
    by_study, by_number = (
        designs.choose(config | {"design": config["design"] | {"variance_ratio": ratio}})
        for ratio in (str(tmp_path / "runs.csv"), noise["accuracy"].ratio)
    )
    assert by_study == by_number


@pytest.mark.parametrize(
    ("planning", "parts"),
    [
        ({"from": "results/gone"}, ["planning.from", "provenance.json"]),
        ({"compare": [{"kind": "optimal", "trajectories": 4}]}, ["planning.compare.0", "6"]),
    ],
)
def test_what_cannot_be_planned_with_is_told(planning, parts):
    config = complete({"kind": "optimal", "trajectories": 9}, 2, planning=planning)
    with pytest.raises(UserError) as refused:
        design_plan.plan_designs(config)
    assert all(part in str(refused.value) for part in parts), str(refused.value)
