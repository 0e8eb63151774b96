from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.cluster_robust import cluster_robust
from analysis.fit.estimators import coefficients, fit_all, p_values
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.runs.settings import Settings
from common.errors import UserError

SETTINGS = reference.settings()


def assert_equal(fit, expected):
    """Also where a term rests on one trajectory: there R's arithmetic stands but no p-value."""
    assert len(expected) == len(fit.names)
    for answer in expected:
        name = reference.our_term(answer["term"])
        at = fit.names.index(name)
        assert fit.coefficients[at] == pytest.approx(answer["estimate"], rel=1e-8)
        assert fit.std_errors[at] == pytest.approx(answer["std_error"], rel=1e-8)
        assert fit.df[at] == pytest.approx(answer["df"], rel=1e-8)
        if not fit.rests_on_one[at]:
            assert p_values(fit)[at] == pytest.approx(answer["p_value"], rel=1e-6)


@pytest.mark.parametrize("framing", reference.FRAMINGS)
@pytest.mark.parametrize("metric", reference.METRICS)
@pytest.mark.parametrize("design", reference.DESIGNS)
def test_trajectories_are_clusters_as_in_club_sandwich(design, metric, framing):
    expected = reference.answers(f"cr2_{design}")[metric][framing]
    fit = ordinary_least_squares(reference.study(design), SETTINGS, metric, framing)
    assert_equal(cluster_robust(fit), expected["ols_cr2"])
    own = replace(fit, clusters=np.arange(len(fit.response)))
    assert_equal(cluster_robust(own), expected["ols_hc3"])


@pytest.mark.parametrize("metric", reference.METRICS)
def test_large_uneven_clusters_are_as_in_club_sandwich(metric):
    study, settings = reference.observational()
    expected = reference.answers("observational")[metric]["absolute"]
    fit = ordinary_least_squares(study, settings, metric, "absolute")
    assert_equal(cluster_robust(fit), expected["ols_hc3"])
    by_dataset = replace(study, runs=study.runs.assign(trajectory=study.runs["dataset"]))
    fit = ordinary_least_squares(by_dataset, settings, metric, "absolute")
    assert_equal(cluster_robust(fit), expected["ols_cr2_dataset"])
    # a data set alone tells its own level, and the six together the first one's
    assert [name for name, alone in zip(fit.names, fit.rests_on_one, strict=True) if alone] == [
        "intercept",
        *(f"dataset[d{number}]" for number in range(2, 7)),
    ]


def test_degrees_of_freedom_of_any_contrast_follow_their_definition():
    study = reference.study("splitplot_unbalanced")
    fit = cluster_robust(ordinary_least_squares(study, SETTINGS, "loss", "absolute"))
    contrast = np.random.default_rng(0).normal(size=(1, 10))
    hat = fit.basis @ fit.basis.T
    left = np.eye(len(hat)) - hat
    vectors = []
    for cluster in range(fit.clusters.max() + 1):
        own = fit.clusters == cluster
        values, turn = np.linalg.eigh(left[np.ix_(own, own)])
        root = turn @ np.diag(values**-0.5) @ turn.T
        weights = np.linalg.solve(fit.design.T @ fit.design, contrast[0])
        vectors.append(left[:, own] @ root @ fit.design[own] @ weights)
    products = np.array(vectors) @ np.array(vectors).T
    expected = np.trace(products) ** 2 / (products**2).sum()
    assert fit.degrees_of_freedom(contrast)[0] == pytest.approx(expected, rel=1e-10)


def test_one_trajectory_is_refused():
    study = reference.study()
    fit = ordinary_least_squares(study, SETTINGS, "loss", "absolute")
    with pytest.raises(UserError, match="at least two"):
        cluster_robust(replace(fit, clusters=np.zeros_like(fit.clusters)))


SINGLETON = {
    "factors": {
        "learning_rate": {"scale": "log10"},
        "batch_size": {"scale": "log2"},
        "epochs": {},
    },
    "analysis": {
        "degree": 1,
        "metrics": {"accuracy": {"better": "higher", "unit": "points"}},
        "columns": {"replicate": "k"},
    },
}


def singleton():
    """24 runs of 5 epochs, and one trajectory that was also measured after 2."""
    settings = [(rate, size, k, 5) for rate in (1e-5, 3e-5) for size in (16, 32) for k in range(6)]
    table = pd.DataFrame(
        [*settings, (1e-5, 16, 0, 2)], columns=["learning_rate", "batch_size", "k", "epochs"]
    )
    return study_of(table.assign(accuracy=0.8), Settings.from_config(SINGLETON))


def test_a_term_that_one_trajectory_tells_has_an_estimate_and_no_more():
    study, settings = singleton(), Settings.from_config(SINGLETON)
    noise = np.random.default_rng(2).normal(0.8, 0.02, len(study.runs))
    fits, notes = fit_all(replace(study, runs=study.runs.assign(accuracy=noise)), settings)
    assert any("no estimate of epochs" in note.sentence for note in notes)
    for _, rows in coefficients(fits, settings).groupby("estimator"):
        row = rows.set_index("term").loc["epochs"]
        assert row[["std_error", "df", "p_value", "q_value", "ci_low", "ci_high"]].isna().all()
        assert np.isfinite(row["estimate"])


def test_noise_is_no_finding_where_one_trajectory_tells_a_term():
    """All 400 tables: SIMULATIONS=400 pytest tests/unit/analysis/test_cluster_robust.py"""
    study, settings = singleton(), Settings.from_config(SINGLETON)
    rng = np.random.default_rng(2)
    draws = reference.simulations(100)
    found = []
    for _ in range(draws):
        noise = rng.normal(0.8, 0.02, len(study.runs))
        drawn = replace(study, runs=study.runs.assign(accuracy=noise))
        fit = cluster_robust(ordinary_least_squares(drawn, settings, "accuracy", "absolute"))
        found.append(p_values(fit)[1:])
    p_value = np.array(found)
    assert np.isnan(p_value[:, 2]).all()
    assert 0 < (p_value[:, :2] < 0.05).mean() <= reference.at_most(0.05, 2 * draws)


def test_correlated_runs_give_few_false_findings():
    study = reference.study("splitplot_unbalanced")
    rng = np.random.default_rng(4)
    number = pd.factorize(study.runs["trajectory"])[0]
    draws = reference.simulations(100)
    found = []
    for _ in range(draws):
        noise = rng.normal(0, 0.02, number.max() + 1)[number] + rng.normal(0, 0.01, len(number))
        drawn = replace(study, runs=study.runs.assign(loss=0.5 + noise))
        fit = cluster_robust(ordinary_least_squares(drawn, SETTINGS, "loss", "absolute"))
        found.append(p_values(fit)[1:] < 0.05)
    false = np.mean(found)
    assert 0.01 < false <= reference.at_most(0.05, 3 * draws)


@pytest.mark.parametrize("replicates", [2, 5, 10, 20])
def test_the_family_of_q_has_no_blocks(replicates):
    """Replicates that differ much, terms that do nothing: any finding is false."""
    rng = np.random.default_rng(replicates)
    grid = pd.MultiIndex.from_product(
        [[1e-5, 3e-5, 1e-4], [8, 16, 32], range(replicates)],
        names=["learning_rate", "batch_size", "replicate"],
    ).to_frame(index=False)
    config = {
        "factors": {"learning_rate": {"scale": "log10"}, "batch_size": {"scale": "log2"}},
        "analysis": {"metrics": {"loss": {"better": "lower"}}},
    }
    settings = Settings.from_config(config)
    study = study_of(grid.assign(loss=5.0), settings)
    level = 5 + rng.normal(0, 1, replicates)[study.runs["replicate"].astype(int)]
    draws = reference.simulations(40)
    any_found = 0
    for _ in range(draws):
        noise = level + rng.normal(0, 0.1, len(level))
        drawn = replace(study, runs=study.runs.assign(loss=noise))
        fit = split_plot(drawn, settings, "loss", "absolute")
        table = coefficients({("loss", "absolute", "split_plot"): fit}, settings)
        blocks = table["term"].str.startswith("replicate[")
        assert blocks.sum() == replicates - 1
        assert table.loc[blocks, "q_value"].isna().all()
        assert "5 terms" in table["family"].iloc[0]
        any_found += (table["q_value"] < 0.05).any()
    assert any_found / draws <= reference.at_most(0.05, draws)
