"""Trade-offs on tables whose conflicts, fronts and prices are known."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fit.estimators import coefficients
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.means import max_t_critical
from analysis.fit.resampling import Stream
from analysis.preparation import study_of
from analysis.questions import candidates, tradeoff
from analysis.runs.settings import Settings
from tests.simulation import chosen_points


def two_metrics(gain, cost, noise=0.0, **more):
    """A 5 × 5 design, coded -1..1; gain (higher is better) and cost (lower is better) of it."""
    a, b, replicate = (
        grid.ravel() for grid in np.meshgrid(range(5), range(5), range(3), indexing="ij")
    )
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"a": a, "b": b, "replicate": replicate})
    table["other"] = np.random.default_rng(6).normal(size=len(table))  # measured, as one must be
    for name, response in {"gain": gain, "cost": cost}.items():
        table[name] = response(a / 2 - 1, b / 2 - 1) + noise * rng.normal(size=len(table))
    config = {
        "factors": {"a": {}, "b": {}},
        "analysis": {
            "metrics": {
                "gain": {"better": "higher"},
                "cost": {"better": "lower"},
                "other": {"better": "higher"},
            },
            **more,
        },
    }
    chosen = Settings.from_config(config)
    study = study_of(table, chosen)
    fits = {
        name: ordinary_least_squares(study, chosen, name, "absolute") for name in ("gain", "cost")
    }
    return study, chosen, fits


# --- Pareto front -------------------------------------------------------------------------------


def front_by_definition(values, signs):
    good = values * signs
    return np.array(
        [not ((good >= row).all(axis=1) & (good > row).any(axis=1)).any() for row in good]
    )


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.integers(-4, 4)] * 3), min_size=1, max_size=40),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
)
def test_front_equals_its_definition(rows, signs):
    values, signs = np.array(rows, dtype=float), np.array(signs)
    assert (tradeoff.pareto_front(values, signs) == front_by_definition(values, signs)).all()


def test_front_of_many_points_is_fast_enough_to_finish():
    values = np.random.default_rng(0).normal(size=(100_000, 3))
    front = tradeoff.pareto_front(values, np.array([1, -1, 1]))
    assert 50 < front.sum() < 1000


def test_without_a_trade_off_one_observed_cell_is_the_front():
    study, chosen, fits = two_metrics(lambda a, b: a + b, lambda a, b: -a - b)
    table = tradeoff.pareto(tradeoff.candidates(fits, study, chosen), chosen)
    front = table[table["on_front"] & (table["level"] == "observed")]
    assert front[["a", "b"]].to_numpy().tolist() == [[4, 4]]


def test_a_conflict_along_one_factor_is_the_front():
    study, chosen, fits = two_metrics(lambda a, b: a - b**2, lambda a, b: a + b**2)
    points = tradeoff.candidates(fits, study, chosen)
    table = tradeoff.pareto(points, chosen)
    for level in ("observed", "fitted"):
        front = table[table["on_front"] & (table["level"] == level)]
        assert set(front["b"]) == {2} and front["a"].nunique() >= 5
    # the fitted surface goes through the noiseless cells
    both = table.groupby(["a", "b"])["gain"]
    assert (both.max() - both.min()).max() < 1e-9


def test_the_front_is_over_the_metrics_that_the_config_names():
    metrics = {name: {"better": "higher"} for name in ("one", "two", "three")}
    config = {"factors": {"a": {}}, "analysis": {"metrics": metrics}}
    points = pd.DataFrame(
        {
            "level": "observed",
            "a": [1, 2, 3],
            "one": [3, 2, 1],
            "two": [9, 8, 7],
            "three": [1, 2, 3],
        }
    )
    for names, front in ((None, [1, 2, 3]), (["one", "two"], [1]), (["one", "three"], [1, 2, 3])):
        chosen = reference.settings(config, **({"pareto": names} if names else {}))
        table = tradeoff.pareto(points, chosen)
        assert table.loc[table["on_front"], "a"].tolist() == front
    # with one metric left there is a best cell, but nothing to trade
    chosen = reference.settings(config, pareto=["one", "two"])
    assert tradeoff.pareto(points.drop(columns="two"), chosen).empty


# --- conflicts ----------------------------------------------------------------------------------


def test_conflict_agreement_and_no_effect_are_told_apart():
    _, chosen, fits = two_metrics(
        lambda a, b: a + b, lambda a, b: a - b, noise=0.1, formula="a + b + a:b"
    )
    table = coefficients({(name, "absolute", "ols"): fit for name, fit in fits.items()}, chosen)
    kinds = tradeoff.conflicts(table, chosen).set_index("term")
    assert kinds["kind"].to_dict() == {"a": "conflict", "b": "agree", "a:b": "unclear"}
    # turned so that positive is good: more a costs more
    assert kinds.loc["a", "estimate_a"] == pytest.approx(1, abs=0.05)
    assert kinds.loc["a", "estimate_b"] == pytest.approx(-1, abs=0.05)
    assert (kinds["ci_low_b"] < kinds["estimate_b"]).all()
    assert (kinds["estimate_b"] < kinds["ci_high_b"]).all()


def test_conflicts_of_one_metric_is_an_empty_table_with_the_columns():
    chosen = reference.settings()
    fit = ordinary_least_squares(reference.study(), chosen, "loss", "absolute")
    table = tradeoff.conflicts(coefficients({("loss", "absolute", "ols"): fit}, chosen), chosen)
    assert table.empty and "kind" in table


# --- desirability -------------------------------------------------------------------------------


def test_desirability_by_hand():
    """Derringer & Suich: d linear from worst to best, D their weighted geometric mean."""
    study, chosen, fits = two_metrics(
        lambda a, b: a, lambda a, b: a + b, desirability={"gain": 3, "cost": 1}
    )
    table = tradeoff.desirability(tradeoff.candidates(fits, study, chosen), chosen)
    cell = table[(table["level"] == "observed") & (table["a"] == 3) & (table["b"] == 0)].iloc[0]
    gain, cost = 3 / 4, (2 - (0.5 - 1)) / 4
    assert cell["desirability_gain"] == pytest.approx(gain)
    assert cell["desirability_cost"] == pytest.approx(cost)
    assert cell["overall"] == pytest.approx((gain**3 * cost) ** 0.25)
    assert table["overall"].is_monotonic_decreasing
    worst = table[(table["a"] == 0) & (table["level"] == "observed")]
    assert (worst["overall"] == 0).all()  # the worst in one metric is never chosen


def test_a_metric_that_never_varies_does_not_decide():
    assert (tradeoff.desirability_of(np.array([2.0, 2.0]), 2.0, 2.0) == 1).all()


# --- prices -------------------------------------------------------------------------------------


def priced(gain, cost, noise=0.0):
    study, chosen, fits = two_metrics(gain, cost, noise, bootstrap=500)
    return tradeoff.prices(fits, study, chosen).set_index("chosen_for")


def test_prices_of_a_conflict_are_the_differences_of_the_surfaces():
    # gain is best at a = 1, cost at a = -1: each loses 2 at the other's best point
    table = priced(lambda a, b: a - b**2, lambda a, b: 10 + a + b**2, noise=0.1)
    assert table.loc["cost", "metric"] == "gain"
    assert table.loc["cost", "price"] == pytest.approx(2, abs=0.15)
    assert table.loc["gain", "price"] == pytest.approx(2, abs=0.15)
    assert (table["ci_low"] < 2).all() and (table["ci_high"] > 2).all()
    assert (table["ci_low"] > 1.5).all()
    assert table.loc["gain", "value_best"] == pytest.approx(9, abs=0.15)
    assert table.loc["gain", "value_there"] == pytest.approx(11, abs=0.15)


def test_what_was_chosen_for_its_mean_is_not_overrated():
    """Where no setting differs from another; intervals for a given setting cover in 76 %, and 14 %
    of the prices seem to differ from 0."""
    found = chosen_points.simulate(replicates=2, studies=40)
    assert found["optimum covered"] >= 0.88
    assert found["price significant"] <= 0.08


def test_without_a_conflict_the_price_is_zero():
    table = priced(lambda a, b: a, lambda a, b: -2 * a + 0 * b)
    assert table["price"].to_numpy() == pytest.approx([0, 0], abs=1e-9)


def test_seconds_are_one_more_metric():
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    table["seconds"] = 20.0 * table["epochs"] * 16 / table["batch_size"] + table["replicate"]
    metrics = reference.CONFIG["analysis"]["metrics"]
    chosen = reference.settings(
        metrics={**metrics, "seconds": {"better": "lower", "unit": "s"}}, bootstrap=200
    )
    study = study_of(table, chosen)
    fits = {
        name: ordinary_least_squares(study, chosen, name, "absolute")
        for name in chosen.metric_names
    }
    price = tradeoff.prices(fits, study, chosen).set_index(["chosen_for", "metric"])["price"]
    assert len(price) == 12 and (price >= -1e-12).all()
    assert price["accuracy", "seconds"] > 20
    front = tradeoff.pareto(tradeoff.candidates(fits, study, chosen), chosen)
    observed = front[front["level"] == "observed"]
    fastest = observed[observed["seconds"] == observed["seconds"].min()]
    assert fastest["on_front"].any()


def test_no_metric_that_can_be_fitted_gives_empty_tables():
    study, chosen, _ = two_metrics(lambda a, b: a, lambda a, b: b)
    points = tradeoff.candidates({}, study, chosen)
    assert points.empty
    assert tradeoff.pareto(points, chosen).empty
    assert tradeoff.desirability(points, chosen).empty
    assert tradeoff.prices({}, study, chosen).empty
    none = coefficients(
        {("gain", "absolute", "ols"): ordinary_least_squares(study, chosen, "gain", "absolute")},
        chosen,
    ).query("framing == 'relative'")
    assert tradeoff.conflicts(none, chosen).empty


def test_the_order_of_the_runs_changes_no_point():
    study, chosen, fits = two_metrics(lambda a, b: a - b**2, lambda a, b: a + b**2)
    points = tradeoff.candidates(fits, study, chosen)
    shuffled = replace(study, runs=study.runs.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(points, tradeoff.candidates(fits, shuffled, chosen))


def test_the_interval_of_a_price_holds_for_the_differences_of_all_candidates():
    study, chosen, fits = two_metrics(
        lambda a, b: a - b**2, lambda a, b: a + b**2, noise=0.3, degree=1
    )
    row = tradeoff.prices(fits, study, chosen).set_index("chosen_for").loc["cost"]
    fit = fits["gain"]
    known = candidates.candidates(fit, study.runs)
    points = [
        *known.thinned(tradeoff.PAIRED),
        fit.contrasts(known.best(1))[0],
        fit.contrasts(candidates.candidates(fits["cost"], study.runs).best(-1))[0],
    ]
    differences = np.array([one - other for one, other in itertools.combinations(points, 2)])
    critical = max_t_critical(
        differences,
        fit.covariance,
        fit.residual_df,
        0.05,
        Stream.CHOSEN.generator(chosen),
    )
    between = points[-2] - points[-1]
    margin = critical * np.sqrt(between @ fit.covariance @ between)
    assert row["ci_high"] - row["price"] == pytest.approx(margin)
    assert row["price"] - row["ci_low"] == pytest.approx(margin)


def test_fitted_points_may_be_at_the_bounds_but_not_beyond():
    study, chosen, fits = two_metrics(lambda a, b: a + 2 * b, lambda a, b: b - a, noise=0.1)
    every = tradeoff.candidates(fits, study, chosen).query("level == 'fitted'")

    def fitted_within(low, high):
        metrics = (replace(chosen.metrics[0], bounds=(low, high)), *chosen.metrics[1:])
        points = tradeoff.candidates(fits, study, replace(chosen, metrics=metrics))
        return len(points.query("level == 'fitted'"))

    low, high = every["gain"].min(), every["gain"].max()
    assert fitted_within(low, high) == len(every) > 20
    assert fitted_within(np.nextafter(low, high), high) == len(every) - 1
    assert fitted_within(low, np.nextafter(high, low)) == len(every) - 1


@pytest.mark.parametrize(
    ("gain", "cost", "kind"),
    [
        ((0.1, 0.3), (0.2, 0.4), "conflict"),  # more costs more
        ((0.1, 0.3), (-0.4, -0.2), "agree"),
        ((-0.3, -0.1), (0.2, 0.4), "agree"),
        ((-0.3, -0.1), (-0.4, -0.2), "conflict"),
        ((0.0, 0.3), (0.2, 0.4), "unclear"),  # zero itself is not excluded
        ((-0.3, 0.0), (-0.4, -0.2), "unclear"),
        ((0.1, 0.3), (-0.4, 0.0), "unclear"),
        ((0.1, 0.3), (0.0, 0.4), "unclear"),
    ],
)
def test_intervals_that_exclude_zero_conflict_or_agree(gain, cost, kind):
    _, chosen, _ = two_metrics(lambda a, b: a, lambda a, b: b)
    ends = {"gain": gain, "cost": cost}
    table = pd.DataFrame(
        [
            {"metric": name, "term": "a", "estimate": sum(each) / 2, "ci_low": each[0],
             "ci_high": each[1]}
            for name, each in ends.items()
        ]
    )  # fmt: skip
    (row,) = tradeoff.conflicts(table, chosen).to_dict("records")
    assert row["kind"] == kind
    assert (row["ci_low_a"], row["ci_high_a"]) == gain
    assert (row["ci_low_b"], row["ci_high_b"]) == (-cost[1], -cost[0])
    assert row["estimate_b"] == -sum(cost) / 2


def test_desirability_is_that_of_a_value_between_the_worst_and_the_best():
    values = np.array([1.0, 2.0, 4.0, 5.0, 6.0])
    assert tradeoff.desirability_of(values, 2.0, 5.0).tolist() == [0, 0, 2 / 3, 1, 1]
    assert tradeoff.desirability_of(values, 5.0, 1.0).tolist() == [1, 0.75, 0.25, 0, 0]
