"""Variance components against lme4 and of simulations."""

import numpy as np
import pandas as pd
import pytest
import reference
from made import SETTINGS, made_mixed, simulated

from analysis.fit.split_plot import split_plot
from analysis.questions import cells, variance
from analysis.questions.evaluation import evaluation_variance
from analysis.runs.predictions import Predictions


@pytest.mark.parametrize("design", reference.DESIGNS)
@pytest.mark.parametrize("metric", reference.METRICS)
def test_trajectory_and_epoch_components_are_lme4s(design, metric):
    study, chosen = reference.study(design), reference.settings()
    fit = split_plot(study, chosen, metric, "absolute")
    table = variance.variance(fit, study, {}, chosen).set_index("component")
    answer = reference.answers(design)[metric]["absolute"]["split_plot_var"]
    assert table.loc["trajectory", "variance"] == pytest.approx(answer["trajectory"], rel=0.01)
    assert table.loc["epoch_within_trajectory", "variance"] == pytest.approx(
        answer["residual"], rel=0.01
    )
    assert table["share"].sum() == pytest.approx(1)
    assert np.isnan(table.loc["evaluation_sampling", "variance"])


def test_components_of_a_simulation_are_recovered():
    found = []
    for seed in range(20):
        study = simulated(
            lambda a, b, e: 0.5 * a + 0.2 * e,
            seed=seed,
            replicates=12,
            replicate_sd=0.3,
            trajectory_sd=0.2,
            epoch_sd=0.1,
        )
        fit = split_plot(study, SETTINGS, "y", "absolute")
        table = variance.variance(fit, study, {}, SETTINGS)
        found.append(table.set_index("component")["variance"])
    mean = pd.concat(found, axis=1).mean(axis=1)
    # a coded factor at three even levels has variance 2/3
    expected = {
        "hyperparameters": (0.5**2 + 0.2**2) * 2 / 3,
        "replicate": 0.09,
        "trajectory": 0.04,
        "epoch_within_trajectory": 0.01,
    }
    for component, value in expected.items():
        # 20 × 11 degrees of freedom: the mean of the replicate variances is known to 10 %
        assert mean[component] == pytest.approx(value, rel=0.25), component


def test_evaluation_sampling_is_taken_out_of_what_contains_it():
    study, chosen = reference.study(), reference.settings()
    rng = np.random.default_rng(0)
    examples, shared = np.arange(20_000), rng.normal(size=20_000)
    models = {}
    for index in study.runs.index:
        right = shared + rng.normal(size=20_000) > -1.4
        models[f"run{index}"] = Predictions(np.c_[~right, right] * 1.0, examples * 0 + 1, examples)
    study.runs["predictions"] = [f"run{index}" for index in study.runs.index]
    fit = split_plot(study, chosen, "accuracy", "absolute")
    without, with_them = (
        variance.variance(fit, study, known, chosen).set_index("component")["variance"]
        for known in ({}, models)
    )
    sampling = evaluation_variance(study.runs, models, "accuracy")
    accuracy = np.mean([model.correct.mean() for model in models.values()])
    assert with_them["evaluation_sampling"] == pytest.approx(
        accuracy * (1 - accuracy) / 20_000, rel=0.02
    )
    assert 0.2 < sampling.study / sampling.total < 0.35  # correlation of the indicators
    assert with_them["hyperparameters"] == without["hyperparameters"]
    # every replicate has the same texts, so they are no part of what replicates differ by
    assert with_them["replicate"] == pytest.approx(
        without["replicate"] - sampling.replicate, abs=1e-12
    )
    assert abs(sampling.replicate) < 0.01 * sampling.study
    assert with_them["epoch_within_trajectory"] == pytest.approx(
        without["epoch_within_trajectory"] - sampling.run
    )


def test_what_the_runs_of_a_trajectory_share_of_the_sampling_is_taken_out_of_their_component():
    study, chosen = reference.study(), reference.settings()
    rng = np.random.default_rng(0)
    examples = np.arange(2_000)
    of_trajectory = {name: rng.normal(size=2_000) for name in sorted(study.runs["trajectory"])}
    names = [f"run{index}" for index in study.runs.index]
    models = {}
    for name, trajectory in zip(names, study.runs["trajectory"], strict=True):
        right = of_trajectory[trajectory] + 0.3 * rng.normal(size=2_000) > -1
        models[name] = Predictions(np.c_[~right, right] * 1.0, examples * 0 + 1, examples)
    study.runs["predictions"] = names
    fit = split_plot(study, chosen, "accuracy", "absolute")
    without, with_them = (
        variance.variance(fit, study, known, chosen).set_index("component")["variance"]
        for known in ({}, models)
    )
    sampling = evaluation_variance(study.runs, models, "accuracy")
    assert sampling.trajectory > 0.5 * sampling.total
    assert with_them["trajectory"] == pytest.approx(
        max(without["trajectory"] - sampling.trajectory, 0), abs=1e-15
    )
    assert with_them["trajectory"] < without["trajectory"]


@pytest.mark.parametrize("replicates", [2, 3])
def test_the_replicate_component_is_the_variance_of_the_replicates(replicates):
    def mean(a, b, epochs):
        return 0.1 * a

    study = simulated(mean, seed=1, replicates=replicates, epoch_sd=1e-4, trajectory_sd=1e-4)
    shifts = np.array([0.0, 0.4, -0.2])[:replicates]
    study.runs["y"] += shifts[study.runs["replicate"].astype(int)]
    fit = split_plot(study, SETTINGS, "y", "absolute")
    table = variance.variance(fit, study, {}, SETTINGS).set_index("component")
    assert table.loc["replicate", "variance"] == pytest.approx(shifts.var(ddof=1), rel=1e-2)


def test_hyperparameters_without_effect_have_almost_no_variance():
    shares = []
    for seed in range(20):
        study = simulated(lambda a, b, e: 0 * a, seed=seed, trajectory_sd=0.2, epoch_sd=0.1)
        fit = split_plot(study, SETTINGS, "y", "absolute")
        table = variance.variance(fit, study, {}, SETTINGS).set_index("component")
        shares.append(table.loc["hyperparameters", "share"])
    # without taking out estimation error the mean share is about 0.25
    assert np.mean(shares) < 0.1


def test_without_replicates_or_repeated_trajectories_it_is_said():
    study = simulated(lambda a, b, e: a, replicates=1, epoch_sd=0.1)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    table = variance.variance(fit, study, {}, SETTINGS).set_index("component")
    assert np.isnan(table.loc["replicate", "variance"])
    said = " ".join(map(str, variance.notes(fit, study, {})))
    assert "no replicates to compare" in said and "computed for accuracy" in said
    assert cells.cells(study, SETTINGS)[["mean_low", "ci_low"]].isna().all(axis=None)

    study.runs["trajectory"] = study.runs.index.astype(str)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    table = variance.variance(fit, study, {}, SETTINGS).set_index("component")
    assert table.loc["trajectory", "variance"] == pytest.approx(fit.residual_variance)
    assert np.isnan(table.loc["epoch_within_trajectory", "variance"])
    assert "between epochs" in " ".join(map(str, variance.notes(fit, study, {})))


def test_what_errors_add_to_the_differences_of_replicates_is_taken_out_of_their_component():
    """Where every run is a training of its own: the mean square of replicates less that of the
    rest, over the runs of a replicate."""
    _, study, chosen = made_mixed(lambda a, kind: a, noise=1.0, replicates=4, degree=1)
    study.runs["y"] += study.runs["replicate"] * 0.5
    mixed = split_plot(study, chosen, "y", "absolute")
    means = study.runs.groupby("replicate")["y"].mean()
    expected = means.var(ddof=1) - mixed.residual_variance / 9
    assert expected > 0
    table = variance.variance(mixed, study, {}, chosen).set_index("component")["variance"]
    assert table["replicate"] == pytest.approx(expected)
    assert table["trajectory"] == pytest.approx(mixed.residual_variance)
    assert np.isnan(table["epoch_within_trajectory"])
