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
from common.errors import UserError
from tests.simulation import false_findings

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


def test_a_term_that_one_trajectory_tells_has_an_estimate_and_no_more():
    settings = false_findings.SINGLETON
    table = false_findings.singleton_table()
    noise = np.random.default_rng(2).normal(0.8, 0.02, len(table))
    fits, notes = fit_all(study_of(table.assign(accuracy=noise), settings), settings)
    assert any("no estimate of epochs" in note.sentence for note in notes)
    for _, rows in coefficients(fits, settings).groupby("estimator"):
        row = rows.set_index("term").loc["epochs"]
        assert row[["std_error", "df", "p_value", "q_value", "ci_low", "ci_high"]].isna().all()
        assert np.isfinite(row["estimate"])


def test_noise_is_no_finding_where_one_trajectory_tells_a_term():
    found = false_findings.singleton(100)
    assert found["one trajectory has a p"] == 0
    assert 0 < found["p < 0.05"] <= reference.at_most(0.05, 200)


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
def test_noise_is_no_finding_where_replicates_differ(replicates):
    found = false_findings.families(replicates, 40)
    assert all(share <= reference.at_most(0.05, 40) for share in found.values()), found


def test_the_family_of_q_has_no_blocks():
    study, settings = reference.study(), reference.settings()
    fit = split_plot(study, settings, "loss", "absolute")
    table = coefficients({("loss", "absolute", "split_plot"): fit}, settings)
    blocks = table["term"].str.startswith("replicate[")
    assert blocks.sum() == 2
    assert table.loc[blocks, "q_value"].isna().all()
    assert "9 terms" in table["family"].iloc[0]
