"""Variance components, importance, cells and power against R and against known answers."""

import numpy as np
import pandas as pd
import pytest
import reference
from scipy import stats

from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.resampling import draws
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions import cells, importance, joint, power, variance
from analysis.questions.evaluation import evaluation_variance
from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from tests.simulation import power as simulated_power

CONFIG = {
    "seed": 11,
    "factors": {"a": {}, "b": {}, "epochs": {}},
    "analysis": {"metrics": {"y": {"better": "higher"}}, "bootstrap": 300},
}
SETTINGS = Settings.from_config(CONFIG)


def simulated(mean, seed=0, replicates=3, replicate_sd=0.0, trajectory_sd=0.0, epoch_sd=0.0):
    """3 × 3 × 3 × replicates; y = mean(coded a, b, epochs) + the three kinds of noise."""
    rng = np.random.default_rng(seed)
    names = ["a", "b", "replicate", "epochs"]
    levels = np.meshgrid([1, 2, 3], [1, 2, 3], range(replicates), [1, 2, 3], indexing="ij")
    table = pd.DataFrame({name: grid.ravel() for name, grid in zip(names, levels, strict=True)})
    trajectory = table.groupby(["a", "b", "replicate"]).ngroup()
    table["y"] = (
        mean(table["a"] - 2, table["b"] - 2, table["epochs"] - 2)
        + rng.normal(0, 1, replicates)[table["replicate"]] * replicate_sd
        + rng.normal(0, 1, trajectory.max() + 1)[trajectory] * trajectory_sd
        + rng.normal(0, 1, len(table)) * epoch_sd
    )
    return study_of(table, SETTINGS)


# --- variance components ------------------------------------------------------------------------


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


# --- importance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("design", reference.DESIGNS)
@pytest.mark.parametrize("metric", reference.METRICS)
def test_type2_sums_of_squares_are_those_of_car(design, metric):
    study, chosen = reference.study(design), reference.settings()
    fit = ordinary_least_squares(study, chosen, metric, "absolute")
    answer = reference.answers(design)[metric]["absolute"]["anova_type2"]
    squares = ["learning_rate^2", "batch_size^2", "epochs^2"]
    pairs = ["learning_rate:batch_size", "learning_rate:epochs", "batch_size:epochs"]
    terms = ["learning_rate", "batch_size", "epochs", *squares, *pairs]
    # car treats a square as a term of its own, beside the slope and the interactions
    groups = {
        term: (
            np.array([fit.names.index(term)]),
            np.array([fit.names.index(pair) for pair in pairs if term in pair.split(":")], int),
        )
        for term in terms
    }
    gram, moments = fit.design.T @ fit.design, fit.design.T @ fit.response
    ours = importance.type2_sums_of_squares(gram[None], moments[None], groups)[0]
    theirs = [row["Sum.Sq"] for row in answer[:9]]
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-11)


def test_a_factors_group_holds_its_powers_and_leaves_out_its_interactions():
    fit = ordinary_least_squares(reference.study(), reference.settings(), "loss", "absolute")
    groups = importance.factor_groups(fit)
    named = {
        name: [[fit.names[i] for i in columns] for columns in pair] for name, pair in groups.items()
    }
    assert list(named) == [
        "learning_rate",
        "batch_size",
        "epochs",
        "learning_rate:batch_size",
        "learning_rate:epochs",
        "batch_size:epochs",
    ]
    assert named["epochs"] == [
        ["epochs", "epochs^2"],
        ["learning_rate:epochs", "batch_size:epochs"],
    ]
    assert named["batch_size:epochs"] == [["batch_size:epochs"], []]


def test_both_methods_find_what_matters():
    study = simulated(lambda a, b, e: a + a * e, trajectory_sd=0.1, epoch_sd=0.05)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    table = importance.importance(fit, draws(fit, SETTINGS), study, SETTINGS)
    # variance of a is 2/3, of the product 4/9
    for _, part in table.groupby("method"):
        part = part.set_index("term")
        assert part.loc["a", "share"] == pytest.approx(0.6, abs=0.07)
        assert part.loc["a:epochs", "share"] == pytest.approx(0.4, abs=0.07)
        assert part.loc[["b", "epochs", "a:b", "b:epochs"], "share"].max() < 0.03
        assert (part["ci_low"] <= part["share"]).all() and (part["share"] <= part["ci_high"]).all()
        assert part.loc["a", "ci_low"] > 0.4 and part.loc["b", "ci_high"] < 0.1
    study = study_of(study.runs.sample(frac=1, random_state=1, ignore_index=True), SETTINGS)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    again = importance.importance(fit, draws(fit, SETTINGS), study, SETTINGS)
    pd.testing.assert_frame_equal(table, again, rtol=1e-6)  # nor does the rows' order matter


def test_another_unit_of_the_metric_changes_no_share():
    study = simulated(lambda a, b, e: a + a * e, trajectory_sd=0.1, epoch_sd=0.05)
    tables = []
    for scale, shift in ((1.0, 0.0), (-40.0, 7.0)):
        study.runs["y"] = scale * study.runs["y"] + shift
        fit = split_plot(study, SETTINGS, "y", "absolute")
        boot = draws(fit, SETTINGS)
        tables.append(importance.importance(fit, boot, study, SETTINGS))
    pd.testing.assert_frame_equal(*tables, rtol=1e-5, atol=1e-8)


def test_functional_anova_sees_what_the_polynomial_cannot():
    """Up, down, up, down: no slope and no curvature."""
    table = pd.DataFrame(
        [(a, b, r) for a in range(6) for b in range(3) for r in range(3)],
        columns=["a", "b", "replicate"],
    )
    rng = np.random.default_rng(0)
    table["y"] = table["a"].map({0: 1, 1: -1, 2: 0.5, 3: 0.5, 4: -1, 5: 1}) * (
        1 - 2 * table["a"].isin([2, 3])
    ) + 0.05 * rng.normal(size=len(table))
    chosen = Settings.from_config(
        {"factors": {"a": {}, "b": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    study = study_of(table, chosen)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    found = importance.importance(fit, draws(fit, chosen), study, chosen)
    found = found.set_index(["method", "term"])["share"]
    assert found["functional_anova", "a"] > 0.95


def test_importance_with_a_categorical_factor():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        [(a, k, r) for a in range(3) for k in "xyz" for r in range(3)],
        columns=["a", "kind", "replicate"],
    )
    table["y"] = table["kind"].map({"x": 0, "y": 1, "z": 0}) + 0.1 * rng.normal(size=len(table))
    chosen = Settings.from_config(
        {
            "factors": {"a": {}, "kind": {"scale": "categorical"}},
            "analysis": CONFIG["analysis"],
        }
    )
    study = study_of(table, chosen)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    found = importance.importance(fit, draws(fit, chosen), study, chosen)
    assert (found.loc[found["term"] == "kind", "share"] > 0.85).all()
    assert set(found["term"]) == {"a", "kind", "a:kind"}


# --- cells --------------------------------------------------------------------------------------


def test_cells_by_hand():
    """Two cells, three replicates: the two-way table's mean squares by hand."""
    table = pd.DataFrame(
        {"a": [1, 1, 1, 2, 2, 2], "replicate": [0, 1, 2] * 2, "y": [1.0, 2, 3, 5, 7, 6]}
    )
    table["baseline_y"] = 1.0
    chosen = Settings.from_config(
        {"factors": {"a": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    cell = cells.cells(study_of(table, chosen), chosen).iloc[0]
    assert (cell["runs"], cell["mean"], cell["delta"]) == (3, 2, 1)
    # replicate means 3, 4.5, 4.5 about 4: mean square 2(1 + .25 + .25)/2 = 1.5; rest 1/2
    between, rest = 1.5, 0.5
    total = (between + rest) / 2
    df = total**2 / ((between / 2) ** 2 / 2 + (rest / 2) ** 2 / 2)
    margin = stats.t.ppf(0.975, df) * np.sqrt(total / 3)
    assert cell["mean_high"] - cell["mean"] == pytest.approx(margin)
    assert cell["ci_low"] == pytest.approx(1 - margin)


@pytest.mark.parametrize("size", [1e-90, 1e90])
def test_cells_of_a_metric_of_any_size_have_the_same_relative_intervals(size):
    table = pd.DataFrame(
        {"a": [1, 1, 1, 2, 2, 2], "replicate": [0, 1, 2] * 2, "y": [1.0, 2, 3, 5, 7, 6]}
    )
    chosen = Settings.from_config(
        {"factors": {"a": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    plain = cells.cells(study_of(table, chosen), chosen)
    table["y"] *= size
    scaled = cells.cells(study_of(table, chosen), chosen)
    for column in ("mean", "mean_low", "mean_high"):
        assert scaled[column].to_numpy() == pytest.approx(plain[column].to_numpy() * size)


def test_cell_intervals_cover_as_often_as_they_say():
    covered = []
    for seed in range(100):
        study = simulated(
            lambda a, b, e: 0 * a, seed, replicate_sd=0.2, trajectory_sd=0.2, epoch_sd=0.2
        )
        table = cells.cells(study, SETTINGS)
        covered.append(((table["mean_low"] < 0) & (table["mean_high"] > 0)).mean())
    # over 400 simulations 0.937: few replicates and correlated epochs cost a little
    assert 0.9 < np.mean(covered) < 0.97


# --- power --------------------------------------------------------------------------------------

KNOWN = 1e7  # df of a variance that is as good as known


@pytest.mark.parametrize("df", [1, 4])
@pytest.mark.parametrize("denominator_df", [1, 5, 19, 200])
def test_power_is_the_noncentral_fs(df, denominator_df):
    for noncentrality in (0.5, 1.0, 8.0, 25.0):
        critical = stats.f.isf(0.05, df, denominator_df)
        exact = stats.ncf.sf(critical, df, denominator_df, noncentrality)
        ours = power.power_of(noncentrality, df, denominator_df, 0.05, KNOWN)
        assert ours == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("variance_df", [2, 11, 60])
def test_power_is_averaged_over_what_the_variance_may_be(variance_df):
    true_over_estimated = variance_df / stats.chi2.ppf((np.arange(4000) + 0.5) / 4000, variance_df)
    for noncentrality in (1.0, 8.0, 25.0, 400.0):
        each = stats.ncf.sf(stats.f.isf(0.05, 4, 15), 4, 15, noncentrality / true_over_estimated)
        ours = power.power_of(noncentrality, 4, 15, 0.05, variance_df)
        assert ours == pytest.approx(each.mean(), abs=1e-3)


def test_the_smallest_effect_has_that_power():
    noncentrality = power.smallest_noncentrality(3, 12, 0.05, 10)
    assert power.power_of(noncentrality, 3, 12, 0.05, 10) == pytest.approx(0.8, abs=1e-6)
    # one term and no limit of data: the square of (t.975,inf + z.8) = 2.8016 standard errors
    one = power.smallest_noncentrality(1, 1e7, 0.05, KNOWN)
    assert np.sqrt(one) == pytest.approx(2.8016, abs=1e-3)


def test_replicates_needed_is_the_first_number_that_is_enough():
    needed = power.replicates_needed(5.0, 3, 19, 3, 0.05, 12)
    for count, enough in ((needed, True), (needed - 1, False)):
        found = power.power_of(5.0 * count / 3, 3, 19 * count / 3, 0.05, 12)
        assert (found >= 0.8) == enough
    assert np.isnan(power.replicates_needed(1e-9, 3, 19, 3, 0.05, 12))
    assert power.replicates_needed(1e6, 3, 19, 3, 0.05, 12) == 1


def test_what_is_promised_is_found_four_times_in_five():
    """By the rule for findings; the smallest effect by p alone was found in 44 %."""
    found = simulated_power.simulate(replicates=2, studies=60)
    assert list(found) == ["learning_rate", "batch_size", "epochs"]
    # more than three standard errors on either side
    assert all(0.64 <= share <= 0.96 for share in found.values())


def power_table(study, chosen, metric):
    fit = split_plot(study, chosen, metric, "absolute")
    tests = joint.joint(joint.joint_tests({(metric, "absolute", "split_plot"): fit}))
    return power.power(fit, tests, chosen)


def test_power_table_names_every_factor_and_its_target():
    study, chosen = reference.study(), reference.settings()
    table = power_table(study, chosen, "accuracy")
    assert list(table["factor"]) == ["learning_rate", "batch_size", "epochs"]
    # its slope, its square and its two interactions
    assert (table["df"] == 4).all() and (table["target_difference"] == 0.01).all()
    sure = table["smallest_difference"] < table["target_difference"]
    assert (table.loc[sure, "replicates_needed"] <= table.loc[sure, "replicates"]).all()
    loss = power_table(study, chosen, "loss")
    assert loss["target_difference"].iloc[0] != 0.01


def test_more_factors_make_the_same_effect_harder_to_find():
    """The q-values are over the factors of a metric."""
    study, chosen = reference.study(), reference.settings(formula="learning_rate")
    alone = power_table(study, chosen, "accuracy").iloc[0]
    variance = alone["smallest_difference"] ** 2 / power.smallest_noncentrality(
        1, alone["denominator_df"], 0.05, alone["denominator_df"]
    )
    chosen = reference.settings(formula="learning_rate + batch_size")
    both = power_table(study, chosen, "accuracy").iloc[0]
    again = both["smallest_difference"] ** 2 / power.smallest_noncentrality(
        1, both["denominator_df"], 0.025, both["denominator_df"]
    )
    assert again == pytest.approx(variance, rel=0.2)


def test_the_config_may_give_the_target():
    study, chosen = reference.study(), reference.settings(target_effect={"loss": 0.02})
    needed = {}
    for metric, target in (("accuracy", 0.01), ("loss", 0.02)):
        table = power_table(study, chosen, metric)
        assert (table["target_difference"] == target).all()
        needed[metric] = table["replicates_needed"]
    smaller = reference.settings(target_effect={"loss": 0.01})
    table = power_table(study, smaller, "loss")
    assert (table["replicates_needed"] >= needed["loss"]).all()
    assert (table["replicates_needed"] > needed["loss"]).any()
