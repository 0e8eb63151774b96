"""The best point inside the region, and its interval."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from made import SHAPES, made_fit, made_mixed, made_study

from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions import candidates as candidates_module
from analysis.questions import canonical, effects, optimum
from analysis.questions.candidates import candidates

BETWEEN = (1.5, 2.5, 3.5, 4.5, 5.5)  # not whole numbers: values between can be run, too


def test_the_best_point_is_the_maximum_if_that_lies_inside():
    fit, study, chosen = made_fit(SHAPES["maximum"][0], noise=0.05, levels=BETWEEN)
    best = optimum.optimum(fit, study, chosen)
    point = canonical.stationary(fit)
    assert best["value"].to_numpy(float) == pytest.approx(point["natural"].to_numpy(), abs=1e-4)
    assert best["predicted"][0] == pytest.approx(point["predicted"][0], abs=1e-7)
    assert not best["on_edge"].any() and not best["beyond"].any()
    assert (best["ci_low"] < 5).all() and (best["ci_high"] > 5).all()


def test_the_best_point_of_a_saddle_lies_on_the_edge():
    fit, study, chosen = made_fit(lambda a, b: (a - 0.1) ** 2 - (b - 0.4) ** 2, levels=BETWEEN)
    best = optimum.optimum(fit, study, chosen).set_index("factor")
    assert best.loc["a", "value"] == 1.5 and best.loc["a", "on_edge"]
    assert best.loc["b", "value"] == pytest.approx(4.3, abs=1e-4) and not best.loc["b", "on_edge"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_best_point_is_never_worse_than_any_point_of_a_fine_grid(seed):
    rng = np.random.default_rng(seed)
    c = rng.normal(size=5)
    fit, study, _ = made_fit(
        lambda a, b: c[0] * a + c[1] * b + c[2] * a * b + c[3] * a**2 + c[4] * b**2,
        replicates=1,
        levels=BETWEEN,
    )
    best = candidates(fit, study.runs).best(sign=1)
    axis = np.linspace(1.5, 5.5, 81)
    grid = pd.DataFrame(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), columns=["a", "b"])
    everywhere = fit.predict(grid)[0]
    assert fit.predict(best)[0][0] >= everywhere.max() - 1e-6 * np.ptp(everywhere)


def test_whole_numbers_and_categories_are_as_they_were_run():
    fit, study, chosen = made_fit(SHAPES["maximum"][0], noise=0.05)  # best at 3.6 and 2.6
    best = optimum.optimum(fit, study, chosen).set_index("factor")
    assert best["value"].tolist() == [4, 3]


def test_the_best_point_is_none_that_no_runs_surround():
    """A plane that rises towards a corner where nothing was run."""
    study, chosen = made_study(lambda a, b: a + b, levels=BETWEEN, noise=0.1, degree=1)
    study = replace(study, runs=study.runs[study.runs["a"] + study.runs["b"] < 7.5])
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    best = optimum.optimum(fit, study, chosen)
    assert best["value"].sum() <= 7 + 1e-9
    assert best["beyond"].all()


def test_interval_of_the_optimum_covers_as_often_as_it_says():
    """Trajectory effects are large: an interval that drew single runs would be far too short."""
    truth, covered = 1.0, []
    for repeat in range(60):
        rng = np.random.default_rng(repeat)
        study, chosen = made_study(lambda a, b: -(a**2) - b**2, replicates=4, bootstrap=300)
        study.runs["trajectory"] = (
            study.runs["a"].astype(str) + "/" + study.runs["replicate"].astype(str)
        )
        groups = study.runs["trajectory"].factorize()[0]
        study.runs["y"] += truth + rng.normal(0, 0.3, groups.max() + 1)[groups]
        study.runs["y"] += rng.normal(0, 0.05, len(study.runs))
        fit = split_plot(study, chosen, "y", "absolute")
        best = optimum.optimum(fit, study, chosen)
        covered.append(best["ci_low"][0] < truth < best["ci_high"][0])
    assert np.mean(covered) >= 0.9


def test_the_same_seed_gives_the_same_interval_and_row_order_does_not_matter():
    chosen = reference.settings(bootstrap=200)

    def table(runs_table):
        again = study_of(runs_table, chosen)
        fit = ordinary_least_squares(again, chosen, "accuracy", "absolute")
        return optimum.optimum(fit, again, chosen)

    raw = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    first = table(raw)
    pd.testing.assert_frame_equal(first, table(raw))
    shuffled = table(raw.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(first, shuffled, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_any_number_of_factors(count):
    names = tuple("abcdef"[:count])
    fit, study, chosen = made_fit(
        lambda *coded: sum(coded) - sum(x**2 for x in coded),
        factors=names,
        levels=(1.5, 2.5, 3.5),
        replicates=2 if count < 6 else 1,
        noise=0.01,
        bootstrap=200,
    )
    assert canonical.stationary(fit)["coded"].to_numpy() == pytest.approx([0.5] * count, abs=0.05)
    best = optimum.optimum(fit, study, chosen)
    assert best["value"].to_numpy(float) == pytest.approx([3] * count, abs=0.05)
    assert len(effects.surfaces(fit)) == count * (count - 1) / 2 * 15**2 * (3 if count == 3 else 1)
    assert effects.interactions(fit, chosen).empty == (count == 1)


def test_the_best_point_is_found_in_the_best_category():
    def response(a, kind):
        return -((a - 0.25) ** 2) + 0.5 * (kind == "y")

    fit, study, chosen = made_mixed(response, noise=0.01, degree=2)
    best = optimum.optimum(fit, study, chosen).set_index("factor")
    assert best.loc["kind", "value"] == "y" and best.loc["a", "value"] == pytest.approx(
        2.75, abs=0.1
    )
    assert not best["on_edge"].any() and not best["beyond"].any()
    known = candidates(fit, study.runs)
    worst = known.best(sign=-1)
    assert worst["kind"][0] != "y" and worst["a"][0] == 1.5


def test_candidates_lie_between_runs_of_one_category_and_runs_are_the_first():
    fit, study, _ = made_mixed(lambda a, kind: a, noise=0.1, degree=1)
    known = candidates(fit, study.runs.query("kind != 'z' or a < 2"))
    assert known.run == 7
    assert known.settings[: known.run].duplicated().sum() == 0
    between = known.settings[known.run :]
    assert set(between["kind"]) == {"x", "y"}  # of z one setting alone was run
    assert between["a"].between(1.5, 3.5).all() and not between["a"].isin([1.5, 3.5]).any()
    np.testing.assert_allclose(known.contrasts, fit.contrasts(known.settings))
    leverage = ((known.contrasts @ fit.inverse_root) ** 2).sum(axis=1)
    assert leverage.max() <= known.highest_leverage
    few = known.thinned(9)
    assert len(few) == 9
    np.testing.assert_array_equal(few[:7], known.contrasts[:7])
    assert len(known.thinned(3)) == 3


def test_however_many_runs_there_are_the_candidates_between_them_are_few(monkeypatch):
    fit, study, _ = made_mixed(lambda a, kind: a, noise=0.1, degree=1)
    # three pairs of each of three kinds
    for most, between in ((9, 9), (18, 18), (4, 4), (1000, 9 * candidates_module.STEPS)):
        monkeypatch.setattr(candidates_module, "MOST_BETWEEN", most)
        known = candidates(fit, study.runs)
        assert len(known.settings) - known.run == between
