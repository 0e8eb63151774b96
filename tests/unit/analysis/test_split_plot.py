"""The split-plot fit against its definition, statsmodels and simulations."""

import numpy as np
import pandas as pd
import pytest
import reference
import statsmodels.formula.api as smf

from analysis.fit.estimators import fit_all
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.split_plot import Likelihood, split_plot
from analysis.preparation import study_of
from analysis.questions.diagnostics import diagnostics
from analysis.runs.settings import Settings
from common.errors import UserError

SETTINGS = reference.settings()


def with_noise(seed, trajectory, residual):
    """The balanced study with metrics that are noise of known standard deviations."""
    study = reference.study()
    rng = np.random.default_rng(seed)
    number = pd.factorize(study.runs["trajectory"])[0]
    common = rng.normal(0, trajectory, number.max() + 1)[number] if trajectory else 0
    study.runs["loss"] = 0.5 + common + rng.normal(0, residual, len(study.runs))
    return study


def test_a_singular_fit_is_ordinary_least_squares_and_said():
    study = with_noise(seed=0, trajectory=0, residual=0.01)
    # trajectories that differ less than chance would have it
    means = study.runs.groupby("trajectory")["loss"].transform("mean")
    study.runs["loss"] -= means - study.runs["loss"].mean()
    mixed = split_plot(study, SETTINGS, "loss", "absolute")
    ordinary = ordinary_least_squares(study, SETTINGS, "loss", "absolute", replicate_block=True)
    assert mixed.trajectory_variance == 0
    assert mixed.coefficients == pytest.approx(ordinary.coefficients)
    assert mixed.std_errors == pytest.approx(ordinary.std_errors)
    assert mixed.df == pytest.approx(np.full(12, 81 - 12))
    fits, notes = fit_all(study, SETTINGS)
    assert "zero (a singular fit)" in " ".join(note.sentence for note in notes)
    rows = diagnostics(study, SETTINGS, fits).query(
        "metric == 'loss' and diagnostic == 'trajectory_correlation' and framing == 'absolute'"
    )
    assert rows["value"].item() == 0
    assert "singular" in rows["sentence"].item()


@pytest.mark.parametrize("ratio", [0.0, 0.3, 4.0])
def test_the_likelihood_equals_its_definition(ratio):
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), [1, 2, 3, 4, 3, 3, 3, 2, 2, 4, 4, 1])
    design = np.linalg.qr(rng.normal(size=(32, 3)))[0]
    response = rng.normal(size=32)
    likelihood = Likelihood.of(design, response, clusters)
    point = likelihood.at(ratio)

    def deviance(ratio):
        same = (clusters[:, None] == clusters).astype(float)
        variance = np.eye(32) + ratio * same
        inverse = np.linalg.inv(variance)
        covariance = np.linalg.inv(design.T @ inverse @ design)
        residual = response - design @ covariance @ design.T @ inverse @ response
        quadratic = residual @ inverse @ residual
        logs = np.linalg.slogdet(variance)[1] - np.linalg.slogdet(covariance)[1]
        return 29 * (1 + np.log(2 * np.pi * quadratic / 29)) + logs, quadratic, logs

    value, quadratic, _ = deviance(ratio)
    assert point.deviance == pytest.approx(value, rel=1e-10)
    assert point.quadratic == pytest.approx(quadratic, rel=1e-10)
    step = 1e-3
    up, down = deviance(ratio + step), deviance(ratio - step)
    assert point.slope == pytest.approx((up[0] - down[0]) / (2 * step), rel=1e-4)
    assert point.quadratic_1 == pytest.approx((up[1] - down[1]) / (2 * step), rel=1e-4)
    second = (up[1] - 2 * quadratic + down[1]) / step**2
    assert point.quadratic_2 == pytest.approx(second, rel=1e-3)
    second = (up[2] - 2 * deviance(ratio)[2] + down[2]) / step**2
    assert point.determinants_2 == pytest.approx(second, rel=1e-3)


@pytest.mark.parametrize(
    ("seed", "above_zero"),
    [(213, True), (448, True), (1494, True), (1801, False), (2001, False)],
)
def test_the_better_of_two_optima_is_found(seed, above_zero):
    """Data with an optimum at no variance between trajectories and another above it."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, rng.integers(4, 8))
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    design = np.linalg.qr(np.c_[np.ones(len(clusters)), rng.normal(size=len(clusters))])[0]
    likelihood = Likelihood.of(design, rng.normal(size=len(clusters)), clusters)
    found = likelihood.maximum()
    everywhere = [likelihood.at(ratio) for ratio in np.logspace(-4, 4, 200)]
    assert likelihood.at(0.0).slope > 0
    assert any(point.slope < 0 for point in everywhere)  # so that there is another optimum
    assert found.deviance <= min(point.deviance for point in everywhere) + 1e-9
    assert (found.ratio > 0) == above_zero


@pytest.mark.parametrize(("replicates", "blocks"), [(30, 29), (31, 0)])
def test_up_to_thirty_replicates_are_a_block(replicates, blocks):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "learning_rate": np.tile([1e-5, 1e-5, 3e-5, 3e-5, 1e-4, 1e-4], replicates),
            "epochs": np.tile([1, 2], 3 * replicates),
            "replicate": np.repeat(np.arange(replicates), 6),
            "y": rng.normal(size=6 * replicates),
        }
    )
    settings = Settings.from_config(
        {
            "factors": {"learning_rate": {"scale": "log10"}, "epochs": {}},
            "analysis": {"metrics": {"y": {"better": "higher"}}, "degree": 1},
        }
    )
    fit = split_plot(study_of(table, settings), settings, "y", "absolute")
    assert len(fit.model.blocks) == blocks


@pytest.mark.filterwarnings("ignore:The MLE may be")
def test_the_variances_equal_statsmodels():
    study = with_noise(seed=3, trajectory=0.02, residual=0.01)
    fit = split_plot(study, SETTINGS, "loss", "absolute")
    table = study.runs.assign(lr=np.log10(study.runs["learning_rate"]))
    table["bs"] = np.log2(table["batch_size"])
    peer = smf.mixedlm(
        "loss ~ C(replicate) + (lr + bs + epochs)**2 + I(lr**2) + I(bs**2) + I(epochs**2)",
        table,
        groups="trajectory",
    ).fit()
    assert fit.residual_variance == pytest.approx(peer.scale, rel=1e-3)
    assert fit.trajectory_variance == pytest.approx(peer.cov_re.iloc[0, 0], rel=1e-3)


def test_p_values_are_uniform_where_nothing_has_an_effect():
    """The point of the model: ordinary least squares would find whole-plot effects too often."""
    found = {"split_plot": 0, "ols": 0}
    for seed in range(100):
        study = with_noise(seed, trajectory=0.02, residual=0.01)
        for name, fit in (
            ("split_plot", split_plot(study, SETTINGS, "loss", "absolute")),
            ("ols", ordinary_least_squares(study, SETTINGS, "loss", "absolute")),
        ):
            at = fit.names.index("batch_size")
            t = abs(fit.coefficients[at] / fit.std_errors[at])
            found[name] += t > 2
    assert found["split_plot"] <= 14  # about 6 of 100, and chance
    assert found["ols"] >= 15


def test_one_residual_degree_of_freedom_is_too_little_for_two_variances():
    """The restricted likelihood of one residual is the same at every ratio of the two."""
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    table = table[(table["replicate"] == 0) & (table["batch_size"] == 8)]
    table = table.groupby(["learning_rate"]).head(2).head(5)
    settings = reference.settings(
        {**reference.CONFIG, "factors": {"learning_rate": {}, "epochs": {}}},
        baseline={},
        formula="learning_rate + epochs + learning_rate:epochs",
        observational=False,
    )
    study = study_of(table.reset_index(drop=True), settings)
    with pytest.raises(UserError, match="too little to tell the variance between"):
        split_plot(study, settings, "accuracy", "absolute")


def test_a_term_for_every_trajectory_is_refused():
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    table = table[(table["replicate"] == 0) & table["batch_size"].isin([8, 32])]
    saturated = reference.settings(
        formula="learning_rate + learning_rate^2 + batch_size + learning_rate:batch_size"
        " + learning_rate^2:batch_size + epochs"
    )
    study = study_of(table, saturated)
    with pytest.raises(UserError, match="every difference between trajectories"):
        split_plot(study, saturated, "loss", "absolute")
    fits, notes = fit_all(study, saturated)
    assert ("loss", "absolute", "ols") in fits
    assert ("loss", "absolute", "split_plot") not in fits
    assert any("add replicates" in note.sentence for note in notes)
