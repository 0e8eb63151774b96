"""The power of the rule by which findings are made."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from scipy import stats

from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.preparation import read_study, study_of
from analysis.questions import joint, power
from tests.simulation import power as simulated_power

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


def test_at_most_so_many_replicates_are_looked_at(monkeypatch):
    needed = power.replicates_needed(0.5, 3, 19, 3, 0.05, 12)
    assert 10 < needed < 100
    monkeypatch.setattr(power, "MOST_REPLICATES", int(needed))
    assert power.replicates_needed(0.5, 3, 19, 3, 0.05, 12) == needed
    monkeypatch.setattr(power, "MOST_REPLICATES", int(needed) - 1)
    assert np.isnan(power.replicates_needed(0.5, 3, 19, 3, 0.05, 12))


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


def test_the_smallest_difference_is_that_of_the_factors_ends():
    """Of a straight line from coded -1 to 1 the difference of its ends has four times the slope's
    variance."""
    chosen = reference.settings(degree=1)
    study = read_study(reference.REFERENCE / "splitplot_balanced.csv", chosen)
    for metric in ("accuracy", "loss"):
        fit = split_plot(study, chosen, metric, "absolute")
        table = power_table(study, chosen, metric).set_index("factor")
        fitted = fit.fitted
        for factor in chosen.factor_names:
            at, row = fit.names.index(factor), table.loc[factor]
            variance = 4 * fit.covariance[at, at]
            variance_df = float(fit.degrees_of_freedom(np.eye(len(fit.names))[[at]])[0])
            noncentrality = power.smallest_noncentrality(
                1, row["denominator_df"], 0.05 / 3, variance_df
            )
            assert row["df"] == 1 and row["replicates"] == 3
            assert row["smallest_difference"] == pytest.approx(np.sqrt(noncentrality * variance))
            assert row["observed_difference"] == pytest.approx(2 * abs(fit.coefficients[at]))
            target = 0.01 if metric == "accuracy" else np.ptp(fitted) / 10
            assert row["target_difference"] == pytest.approx(target)
            assert row["replicates_needed"] == power.replicates_needed(
                target**2 / variance, 1, row["denominator_df"], 3, 0.05 / 3, variance_df
            )


def test_a_difference_that_no_proportion_can_have_is_not_promised():
    study, chosen = reference.study(), reference.settings(degree=1)
    noise = np.random.default_rng(0).uniform(size=len(study.runs))
    for spread, told in ((0.02, True), (1.0, False)):
        runs = study.runs.assign(accuracy=0.5 + spread * (noise - 0.5))
        few = replace(study, runs=runs[runs["replicate"] == runs["replicate"].min()])
        table = power_table(few, chosen, "accuracy")
        assert table["smallest_difference"].notna().all() == told
        assert (table["replicates"] == 1).all() and table["replicates_needed"].notna().all()


def test_a_category_is_compared_at_the_levels_that_differ_least_surely():
    runs = [("x", r) for r in range(2)] + [(kind, r) for kind in "yz" for r in range(8)]
    table = pd.DataFrame(runs, columns=["kind", "replicate"])
    table["score"] = np.random.default_rng(4).normal(size=len(table))
    chosen = reference.settings(
        {
            "factors": {"kind": {"scale": "categorical"}},
            "analysis": {"metrics": {"score": {"better": "higher"}}, "blocks": []},
        }
    )
    study = study_of(table, chosen)
    fit = ordinary_least_squares(study, study.settings, "score", "absolute")
    tests = joint.joint(joint.joint_tests({("score", "absolute", "ols"): fit}))
    (row,) = power.power(fit, tests, study.settings).to_dict("records")
    variance = fit.residual_variance * (1 / 2 + 1 / 8)  # x and another, not y and z
    noncentrality = power.smallest_noncentrality(2, 15, 0.05, 15)
    assert row["smallest_difference"] == pytest.approx(np.sqrt(noncentrality * variance))
    means = table.groupby("kind")["score"].mean()
    assert row["observed_difference"] == pytest.approx(means.max() - means.min())


def test_a_factor_without_a_joint_test_is_left_out_and_counts_for_none():
    study, chosen = reference.study(), reference.settings()
    fit = split_plot(study, chosen, "loss", "absolute")
    tests = joint.joint(joint.joint_tests({("loss", "absolute", "split_plot"): fit}))
    untested = tests.assign(p_value=tests["p_value"].where(tests["tested"] != "epochs"))
    table = power.power(fit, untested, chosen)
    assert table["factor"].tolist() == ["learning_rate", "batch_size"]
    whole = power.power(fit, tests, chosen)[:2]
    assert (table["smallest_difference"] < whole["smallest_difference"]).all()
