from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.estimators import coefficients, fit_all
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.fit.wald import NOTHING_LEFT, TOO_UNCERTAIN, FTests
from analysis.preparation import study_of
from analysis.questions.joint import hypotheses, joint, joint_tests, notes
from analysis.runs.settings import Settings

SETTINGS = reference.settings()


def answered(fit):
    """Every joint test of a fit by kind and name."""
    tests = FTests(fit)
    return {(kind, tested): tests.zero(names) for kind, tested, names in hypotheses(fit.model)}


def assert_equal(found, expected):
    assert len(expected) > 6
    for answer in expected:
        test = found[answer["kind"], answer["test"]]
        assert test.statistic == pytest.approx(answer["F"], rel=1e-6)
        assert test.df == answer["df1"]
        assert test.denominator_df == pytest.approx(answer["df2"], rel=1e-6)
        assert test.p_value == pytest.approx(answer["p"], rel=1e-5)


@pytest.mark.parametrize("framing", reference.FRAMINGS)  # R's are absolute: no coding changes them
@pytest.mark.parametrize("metric", reference.METRICS)
@pytest.mark.parametrize("design", reference.DESIGNS)
def test_a_split_plot_is_tested_as_by_pbkrtest(design, metric, framing):
    expected = reference.answers(f"joint_{design}")[metric]["absolute"]
    mixed = split_plot(reference.study(design), SETTINGS, metric, framing)
    assert_equal(answered(mixed), expected["split_plot_kenward_roger"])
    ordinary = ordinary_least_squares(
        reference.study(design), SETTINGS, metric, framing, replicate_block=True
    )
    assert_equal(answered(ordinary), expected["ols_block"])


@pytest.mark.parametrize("metric", reference.METRICS)
def test_an_observational_table_is_tested_as_by_car(metric):
    study, settings = reference.observational()
    fit = ordinary_least_squares(study, settings, metric, "absolute")
    assert_equal(answered(fit), reference.answers("observational")[metric]["absolute"]["joint_ols"])


def test_a_central_composite_design_is_tested_as_by_car():
    study, settings = reference.central_composite()
    fit = ordinary_least_squares(study, settings, "y", "absolute")
    assert_equal(answered(fit), reference.answers("ccd")["joint"])


def test_the_table_has_a_row_a_question_and_q_over_factors_and_over_pairs():
    fits, _ = fit_all(reference.study(), SETTINGS)
    table = joint(joint_tests(fits))
    assert set(table["estimator"]) == {"ols", "split_plot"}
    rows = table.query("metric == 'f1' and framing == 'relative' and estimator == 'split_plot'")
    assert rows["tested"].tolist() == [
        "global",
        "learning_rate",
        "batch_size",
        "epochs",
        "learning_rate:batch_size",
        "learning_rate:epochs",
        "batch_size:epochs",
        "replicate",
    ]
    for kind in ("factor", "pair"):
        family = rows[rows["kind"] == kind].sort_values("p_value")
        ranked = family["p_value"] * 3 / np.arange(1, 4)
        assert family["q_value"].to_numpy() == pytest.approx(
            np.minimum.accumulate(ranked.to_numpy()[::-1])[::-1]
        )
    assert rows[rows["kind"].isin(["global", "block"])]["q_value"].isna().all()


def two_levels(names, repeats):
    """Every combination of -1 and 1, repeated."""
    grid = np.stack(np.meshgrid(*[[-1.0, 1.0]] * len(names), indexing="ij"), axis=-1)
    return pd.DataFrame(np.tile(grid.reshape(-1, len(names)), (repeats, 1)), columns=names)


def studied(table, **analysis):
    names = [name for name in table.columns if name.startswith("x")]
    settings = Settings.from_config(
        {
            "factors": {name: {} for name in names},
            "analysis": {"metrics": {"y": {"better": "higher"}}, **analysis},
        }
    )
    return study_of(table.assign(replicate=range(len(table))), settings), settings


def asked(table, **analysis):
    study, settings = studied(table, **analysis)
    fit = ordinary_least_squares(study, settings, "y", "absolute")
    return answered(fit), coefficients({("y", "absolute", "ols"): fit}, settings)


def test_a_factor_is_found_whose_terms_are_each_too_weak():
    table = two_levels(["x1", "x2", "x3", "x4"], 2)
    formula = "x1 + x2 + x3 + x4 + x1:x2 + x1:x3 + x1:x4"
    terms = np.column_stack(
        [np.ones(32), table, *(table["x1"] * table[name] for name in ("x2", "x3", "x4"))]
    )
    noise = np.random.default_rng(0).normal(size=32)
    noise -= terms @ np.linalg.lstsq(terms, noise, rcond=None)[0]
    noise *= np.sqrt((32 - 8) / (noise @ noise))  # residual variance 1
    effect = 1.95 / np.sqrt(32)  # t = 1.95 of each of the four
    y = noise + terms @ (effect * np.array([0, 1, 0, 0, 0, 1, 1, 1]))
    found, single = asked(table.assign(y=y), formula=formula)
    assert single["p_value"][1:].min() > 0.06
    assert found["factor", "x1"].statistic == pytest.approx(1.95**2)
    assert found["factor", "x1"].p_value == pytest.approx(0.0157, abs=1e-4)
    assert found["factor", "x2"].p_value > 0.1


def test_of_a_collinear_pair_something_matters_but_no_factor_is_told_apart():
    rng = np.random.default_rng(3)
    x1 = rng.normal(size=40)
    table = pd.DataFrame({"x1": x1, "x2": x1 + rng.normal(0, 0.01, 40)})
    found, _ = asked(table.assign(y=x1 + rng.normal(0, 0.3, 40)), degree=1)
    assert found["global", "global"].p_value < 1e-10
    assert found["factor", "x1"].p_value > 0.05
    assert found["factor", "x2"].p_value > 0.05


@pytest.mark.parametrize("trajectory", [0.0, 0.01])
def test_where_nothing_matters_nothing_is_found(trajectory):
    study = reference.study("splitplot_unbalanced")
    number = pd.factorize(study.runs["trajectory"])[0]
    rng = np.random.default_rng(8)
    found = []
    draws = reference.simulations(60)
    for _ in range(draws):
        common = rng.normal(0, trajectory, number.max() + 1) if trajectory else np.zeros(27)
        noise = 0.5 + common[number] + rng.normal(0, 0.01, len(number))
        drawn = replace(study, runs=study.runs.assign(loss=noise))
        tests = answered(split_plot(drawn, SETTINGS, "loss", "absolute"))
        found.append([tests["global", "global"].p_value, tests["factor", "epochs"].p_value])
    false = (np.array(found) < 0.05).mean(axis=0)
    assert (false <= reference.at_most(0.05, draws)).all()
    assert (false > 0).all()


def test_a_variance_too_uncertain_for_the_test_is_a_reason_and_no_p_value():
    study = reference.study()
    few = study.runs[study.runs["replicate"] == study.runs["replicate"].min()]
    few = few[few["trajectory"].isin(few["trajectory"].unique()[2:])]  # 1 df between trajectories
    fits, _ = fit_all(replace(study, runs=few), SETTINGS)
    tests = joint_tests(fits)
    missing = [test for test in tests if test.result.reason]
    assert {test.tested for test in missing} >= {"learning_rate"}
    assert {test.result.reason for test in missing} == {TOO_UNCERTAIN}
    assert all(np.isnan(test.result.p_value) for test in missing)
    told = [note.sentence for note in notes(tests)]
    assert len(told) == len({(t.fit.metric, t.fit.framing, t.fit.estimator) for t in missing})
    assert all(sum(test.tested in sentence for sentence in told) for test in missing)
    table = joint(tests).query("estimator == 'split_plot' and kind == 'factor'")
    assert table["q_value"].isna().equals(table["p_value"].isna())


def test_an_effect_that_one_run_alone_determines_is_not_tested():
    base = pd.DataFrame({"x1": [0.0, 1.0] * 6, "x2": 0.0, "x3": [0.0, 0.0, 1.0, 1.0] * 3})
    alone = pd.DataFrame({"x1": [0.0], "x2": [1.0], "x3": [0.0]})
    table = pd.concat([base, alone], ignore_index=True)
    y = np.random.default_rng(1).normal(size=13)
    y[-1] = 100
    found, single = asked(table.assign(y=y), degree=1)
    assert found["factor", "x2"].reason == NOTHING_LEFT
    assert np.isnan(found["factor", "x2"].p_value)
    without, _ = asked(base.drop(columns="x2").assign(y=y[:-1]), degree=1)
    for name in ("x1", "x3"):
        assert found["factor", name].p_value == pytest.approx(without["factor", name].p_value)
    assert found["global", "global"].df == 2
    assert found["global", "global"].p_value == pytest.approx(without["global", "global"].p_value)
    row = single.set_index("term").loc["x2"]
    assert row["estimate"] == pytest.approx(50, abs=2)  # half of the range
    assert row[["std_error", "df", "p_value", "q_value", "ci_low", "ci_high"]].isna().all()


def test_a_curve_is_tested_without_the_level_of_one_run():
    """The slope between two levels of many runs is tested, the curvature by the third is not."""
    x = np.array([0.0] * 8 + [1.0] * 8 + [2.0])
    y = x + np.random.default_rng(2).normal(0, 0.5, 17)
    y[-1] = -50
    found, _ = asked(pd.DataFrame({"x1": x, "y": y}), formula="x1 + x1^2")
    without, _ = asked(pd.DataFrame({"x1": x, "y": y})[:-1], degree=1)
    assert found["factor", "x1"].df == 1
    assert found["factor", "x1"].statistic == pytest.approx(without["factor", "x1"].statistic)
    assert found["factor", "x1"].p_value == pytest.approx(without["factor", "x1"].p_value)
