"""The response surface against R's rsm and against surfaces whose shape is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.fit import means
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.resampling import draws
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions import canonical, effects, optimum, steepest_path
from analysis.questions.candidates import candidates
from analysis.runs.formula import model_terms
from analysis.runs.settings import Settings

BETWEEN = (1.5, 2.5, 3.5, 4.5, 5.5)  # not whole numbers: values between can be run, too


def made_study(
    response, factors=("a", "b"), levels=(1, 2, 3, 4, 5), replicates=3, noise=0.0, **more
):
    """A full factorial of linear factors, coded -1..1, with y = response(coded factors).

    A table needs a metric that is measured: ``other``."""
    grid = np.stack(np.meshgrid(*[levels] * len(factors), indexing="ij"), -1)
    table = pd.DataFrame(np.tile(grid.reshape(-1, len(factors)), (replicates, 1)), columns=factors)
    table["replicate"] = np.repeat(range(replicates), len(table) // replicates)
    half = (levels[-1] - levels[0]) / 2
    coded = [(table[name] - levels[0]) / half - 1 for name in factors]
    table["y"] = response(*coded) + noise * np.random.default_rng(5).normal(size=len(table))
    table["other"] = np.random.default_rng(6).normal(size=len(table))
    config = {
        "seed": 7,
        "factors": {name: {"scale": "linear"} for name in factors},
        "analysis": {
            "metrics": {"y": {"better": "higher"}, "other": {"better": "higher"}},
            **more,
        },
    }
    chosen = Settings.from_config(config)
    return study_of(table, chosen), chosen


def made_fit(response, **more):
    study, chosen = made_study(response, **more)
    return ordinary_least_squares(study, chosen, "y", "absolute"), study, chosen


# --- against rsm --------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["block", "noblock"])
def test_chemreact_stationary_point_and_eigenvalues(model):
    study, chosen = reference.chemreact(), reference.settings(reference.CHEMREACT_CONFIG)
    fit = ordinary_least_squares(
        study, chosen, "Yield", "absolute", replicate_block=model == "block"
    )
    answer = reference.answers("chemreact")[model]
    point = canonical.stationary(fit)
    assert point["coded"].to_numpy() == pytest.approx(answer["xs"], abs=1e-9)
    assert point["natural"].to_numpy() == pytest.approx(
        [85 + 5 * answer["xs"][0], 175 + 5 * answer["xs"][1]], abs=1e-8
    )
    assert canonical.eigenvalues(fit)["eigenvalue"].to_numpy() == pytest.approx(
        answer["eig"], abs=1e-9
    )
    assert set(point["nature"]) == {"maximum"} and point["inside"].all()
    # rsm's canonical path starts there; its height is that of the fitted surface
    assert point["predicted"][0] == pytest.approx(
        fit.predict(pd.DataFrame({"Time": [point["natural"][0]], "Temp": [point["natural"][1]]}))[
            0
        ][0]
    )


def test_chemreact_steepest_ascent():
    """The path is rsm's table to its last digit, at the distances that rsm's root search reaches.

    rsm finds the multiplier of each point with `uniroot`, whose default tolerance leaves the point
    up to 0.00096 beside the distance asked for (at 4), and prints three decimals. Repeating that
    search gives the distances at which its points really lie; there ours must be the same.
    """
    study, chosen = reference.chemreact(), reference.settings(reference.CHEMREACT_CONFIG)
    fit = ordinary_least_squares(study, chosen, "Yield", "absolute")
    answer = pd.DataFrame(reference.answers("chemreact")["steepest"])
    reached = distances_of_rsm(canonical.second_order(fit), answer["dist"].to_numpy())
    assert np.abs(reached - answer["dist"]).max() < 1e-3
    path = steepest_path.steepest(fit, chosen, reached)
    printed = path[["Time_coded", "Temp_coded"]].round(3)
    assert printed.to_numpy() == pytest.approx(answer[["x1", "x2"]].to_numpy(), abs=1e-9)
    # natural units and heights are rsm's own functions of the coordinates it printed
    natural = printed.to_numpy() * 5 + [85, 175]
    assert natural == pytest.approx(answer[["Time", "Temp"]].to_numpy(), abs=1e-9)
    height = fit.predict(answer[["Time", "Temp"]])[0]
    assert height.round(3) == pytest.approx(answer["yhat"].to_numpy(), abs=1e-9)
    # and asked for a distance, ours is exactly there
    exact = steepest_path.steepest(fit, chosen, answer["dist"].to_numpy())
    assert np.hypot(exact["Time_coded"], exact["Temp_coded"]).to_numpy() == pytest.approx(
        answer["dist"].to_numpy(), abs=1e-9
    )


def distances_of_rsm(second, distances):
    """How far from the centre the points of `rsm::steepest` lie when asked for these distances."""
    identity = np.eye(len(second.b))
    top = np.linalg.eigvalsh(second.B)[-1]

    def radius(multiplier):
        return np.linalg.norm(np.linalg.solve(multiplier * identity - second.B, second.b) / 2)

    nearest = distances[distances > 0].min()
    assert radius(top + 5) < nearest  # else rsm would widen the interval
    reached = [
        radius(uniroot(lambda m, d=d: radius(m) - d, top + 0.001, top + 5)) if d > 0 else 0.0
        for d in distances
    ]
    return np.array(reached)


def uniroot(function, a, b):
    """Brent's root finder step by step as R's `uniroot` takes them (Brent 1973, chapter 4).

    scipy.optimize.brentq takes others, which at this tolerance end elsewhere.
    """
    tolerance = np.finfo(float).eps ** 0.25
    fa, fb = function(a), function(b)
    c, fc = a, fa
    while True:
        before = b - a
        if abs(fc) < abs(fb):  # b is the best so far, c on the other side of the root
            a, b, c, fa, fb, fc = b, c, b, fb, fc, fb
        close = 2 * np.finfo(float).eps * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= close or fb == 0:
            return b
        if abs(before) >= close and abs(fa) > abs(fb):
            if a == c:  # two points: the secant
                p, q = (c - b) * fb / fa, 1 - fb / fa
            else:  # three: the inverse parabola
                r, s, t = fa / fc, fb / fc, fb / fa
                p = t * ((c - b) * r * (r - s) - (b - a) * (s - 1))
                q = (r - 1) * (s - 1) * (t - 1)
            p, q = (p, -q) if p > 0 else (-p, q)
            if p < 0.75 * (c - b) * q - abs(close * q) / 2 and p < abs(before * q / 2):
                step = p / q
        if abs(step) < close:
            step = np.copysign(close, step)
        a, fa = b, fb
        b += step
        fb = function(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa


# --- known shapes -------------------------------------------------------------------------------

SHAPES = {
    "maximum": (lambda a, b: 5 - (a - 0.3) ** 2 - 2 * (b + 0.2) ** 2, (0.3, -0.2)),
    "minimum": (lambda a, b: (a - 0.3) ** 2 + 2 * (b + 0.2) ** 2, (0.3, -0.2)),
    "saddle": (lambda a, b: (a - 0.1) ** 2 - (b - 0.4) ** 2, (0.1, 0.4)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_nature_of_a_known_surface(shape):
    response, at = SHAPES[shape]
    point = canonical.stationary(made_fit(response)[0])
    assert set(point["nature"]) == {shape}
    assert point["coded"].to_numpy() == pytest.approx(at, abs=1e-9)
    assert point["natural"].to_numpy() == pytest.approx(3 + 2 * np.array(at), abs=1e-9)


def test_a_stationary_point_outside_the_region_is_said_to_be_outside():
    point = canonical.stationary(made_fit(lambda a, b: -((a - 3) ** 2) - b**2)[0])
    assert not point["inside"].any()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"degree": 1}, "no second-order terms"),
        ({"degree": 3}, "beyond the second order"),
        ({"formula": "a + b + a^2"}, None),
    ],
)
def test_why_there_is_no_canonical_analysis(more, reason):
    fit, _, chosen = made_fit(lambda a, b: a - a**2 + 0.5 * b, noise=0.1, **more)
    said = canonical.notes(fit)
    if reason is None:
        assert list(canonical.stationary(fit)["factor"]) == ["a"]
        assert "b without a second-order term" in said[0].sentence
    else:
        assert canonical.stationary(fit).empty
        assert reason in said[0].sentence
    assert len(effects.effects(fit, chosen)) == 2 * effects.CURVE_POINTS


def test_without_a_slope_there_is_no_path_and_it_is_said():
    fit, _, chosen = made_fit(lambda a, b: a**2 + b**2, formula="a^2 + b^2")
    assert steepest_path.steepest(fit, chosen).empty
    assert "no slope at the centre" in steepest_path.notes(fit)[0].sentence


def test_a_ridge_has_no_stationary_point():
    fit, _, _ = made_fit(lambda a, b: -((a + b) ** 2))
    assert canonical.stationary(fit).empty
    assert "ridge" in canonical.notes(fit)[0].sentence
    assert canonical.eigenvalues(fit)["eigenvalue"].to_numpy() == pytest.approx([0, -2], abs=1e-9)


def test_steepest_of_a_first_order_model_is_the_gradient():
    fit, _, chosen = made_fit(lambda a, b: 3 * a - 4 * b, degree=1)
    path = steepest_path.steepest(fit, chosen, np.array([0, 1, 2]))
    assert path[["a_coded", "b_coded"]].to_numpy() == pytest.approx(
        np.array([[0, 0], [0.6, -0.8], [1.2, -1.6]]), abs=1e-9
    )
    assert list(path["inside"]) == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), factors=st.integers(1, 4))
@example(seed=117, factors=1)  # a slope of 4e-5 beside a curvature of 0.9
def test_no_point_at_the_same_distance_is_better_than_the_steepest_path(seed, factors):
    rng = np.random.default_rng(seed)
    b, matrix = rng.normal(size=factors), rng.normal(size=(factors, factors))
    matrix = (matrix + matrix.T) / 2
    distances = np.array([0.3, 1.0, 2.5])
    path = steepest_path.steepest_path(b, matrix, distances)
    assert np.linalg.norm(path, axis=1) == pytest.approx(distances, rel=1e-6)
    height = path @ b + np.einsum("ki,ij,kj->k", path, matrix, path)
    other = rng.normal(size=(500, factors))
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    for distance, best in zip(distances, height, strict=True):
        point = distance * other
        heights = point @ b + np.einsum("ki,ij,kj->k", point, matrix, point)
        assert heights.max() <= best + 1e-7


def test_steepest_path_without_slope_along_the_sharpest_rise_still_takes_it():
    path = steepest_path.steepest_path(np.array([0.1, 0.0]), np.diag([-1.0, 2.0]), np.array([1.0]))[
        0
    ]
    assert path[0] == pytest.approx(0.1 / 6)  # (mu - B)^-1 b / 2 at mu = 2
    assert abs(path[1]) == pytest.approx(np.sqrt(1 - path[0] ** 2))


# --- effects ------------------------------------------------------------------------------------


def test_effects_are_the_fits_predictions_with_others_at_the_centre():
    chosen = reference.settings()
    fit = ordinary_least_squares(reference.study(), chosen, "loss", "absolute")
    table = effects.effects(fit, chosen)
    rates = table[table["factor"] == "learning_rate"]
    points = pd.DataFrame({"learning_rate": rates["value"], "batch_size": 16.0, "epochs": 2.0})
    estimate, std_error = fit.predict(points)
    assert rates["estimate"].to_numpy() == pytest.approx(estimate)
    assert rates["std_error"].to_numpy() == pytest.approx(std_error)
    assert set(rates["held"]) == {"batch_size=16, epochs=2"}
    # the levels of the design are there exactly, so a report can look them up
    assert set(np.unique(reference.study().runs["learning_rate"])) <= set(rates["value"])
    assert (table["band_low"] <= table["ci_low"]).all()
    assert (table["band_high"] >= table["ci_high"]).all()


def test_relative_effects_are_held_at_the_baselines_hyperparameters():
    chosen = reference.settings()
    fit = ordinary_least_squares(reference.study(), chosen, "loss", "relative")
    table = effects.effects(fit, chosen)
    assert set(table.loc[table["factor"] == "epochs", "held"]) == {
        "learning_rate=1e-05, batch_size=32"
    }


def test_simultaneous_bands_cover_the_whole_curve_as_often_as_they_say():
    study, chosen = made_study(lambda a, b: a + b, levels=(1, 2, 3), noise=1.0)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    rows = means.contrasts_at(fit, {"a": np.linspace(1, 3, 21)})
    critical = means.max_t_critical(
        rows, fit.covariance, fit.residual_df, 0.05, np.random.default_rng(0)
    )
    rng = np.random.default_rng(1)
    hat = np.linalg.pinv(fit.design)
    errors = rng.normal(size=(4000, len(fit.response)))
    coefficients = errors @ hat.T
    residual = errors - coefficients @ fit.design.T
    sigma = np.sqrt((residual**2).sum(axis=1) / fit.residual_df)
    unit = np.sqrt(np.einsum("ki,ij,kj->k", rows, np.linalg.inv(fit.design.T @ fit.design), rows))
    worst = np.abs(coefficients @ rows.T / unit).max(axis=1) / sigma
    assert (worst < critical).mean() == pytest.approx(0.95, abs=0.012)
    pointwise = means.estimates(fit, rows, 0.05)
    t = ((pointwise["ci_high"] - pointwise["estimate"]) / pointwise["std_error"]).iloc[0]
    assert (worst < t).mean() < 0.92  # pointwise intervals do not cover the curve


def test_categorical_factors_are_averaged_and_shown_by_level():
    study, chosen = made_study(lambda a, b: a + b)
    study.runs["kind"] = np.where(study.runs.index % 2, "x", "y")
    study.runs["y"] += study.runs["kind"] == "x"
    config = {
        "factors": {"a": {}, "b": {}, "kind": {"scale": "categorical"}},
        "analysis": {"metrics": {"y": {"better": "higher"}}, "formula": "a + b + kind + a:b + a^2"},
    }
    chosen = Settings.from_config(config)
    fit = ordinary_least_squares(study, chosen, "y", "absolute", terms=model_terms(chosen))
    table = effects.effects(fit, chosen)
    kind = table[table["factor"] == "kind"].set_index("value")["estimate"]
    assert kind["x"] - kind["y"] == pytest.approx(1)
    middle = table[(table["factor"] == "a") & (table["value"] == 3)]
    assert middle["estimate"].to_numpy() == pytest.approx([0.5])
    assert set(table.loc[table["factor"] == "a", "held"]) == {"b=3, kind averaged"}
    best = optimum.optimum(fit, study, chosen).set_index("factor")
    assert best.loc["kind", "value"] == "x" and best.loc["a", "value"] == 5
    assert best["predicted"].iloc[0] == pytest.approx(3)
    assert set(effects.surfaces(fit)["held"]) == {"kind=x", "kind=y"}


# --- the best point inside the region -----------------------------------------------------------


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


def test_where_resampling_means_nothing_the_estimates_are_simulated_and_it_is_said():
    """Nine runs and six terms: most resamples lack a term."""
    study, chosen = made_study(lambda a, b: a + b, levels=(1, 2, 3), replicates=1, noise=0.1)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    drawn = draws(fit, chosen)
    assert drawn.method == "simulation" and len(drawn.coefficients) == chosen.bootstrap
    assert "resamples of trajectories lack a term" in drawn.notes[0].sentence
    # the multivariate t has the estimates' correlations, and more than their variance
    spread = np.cov(drawn.coefficients.T)
    wider = fit.residual_df / (fit.residual_df - 2)
    assert np.diag(spread) == pytest.approx(wider * np.diag(fit.covariance), rel=0.5)
    again = drawn.gram[0] @ drawn.coefficients[0]
    assert drawn.moments[0] == pytest.approx(again)


def test_blocks_of_one_trajectory_are_not_resampled():
    study, chosen = made_study(lambda a, b: a + b, noise=0.1)
    study.runs["trajectory"] = study.runs["replicate"].astype(str)
    fit = ordinary_least_squares(study, chosen, "y", "absolute", replicate_block=True)
    drawn = draws(fit, chosen)
    assert drawn.method == "simulation" and "single trajectory" in drawn.notes[0].sentence


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
