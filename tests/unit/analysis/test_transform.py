"""A metric that is analysed on another scale: the same fit as of transformed values, told in its
own unit."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from analysis import tables
from analysis.preparation import study_of
from analysis.runs.settings import Settings
from common.errors import UserError

RATES = (1e-5, 3e-5, 9e-5)
WIDTHS = (2.5, 4.5, 6.5)


def simulated(scale=0.4):
    """A grid with three replicates, whose logit is linear in both factors; seconds are its odds."""
    draw = np.random.default_rng(8)
    runs = pd.DataFrame(
        [(rate, width, replicate) for rate in RATES for width in WIDTHS for replicate in range(3)],
        columns=["learning_rate", "width", "replicate"],
    )
    eta = 3 + np.log10(runs["learning_rate"] / 3e-5) + 0.3 * runs["width"]
    eta += scale * draw.standard_normal(len(runs))
    runs["accuracy"] = expit(eta)
    runs["seconds"] = np.exp(-eta + draw.standard_normal(len(runs)))
    return runs


def computed(runs, **metrics):
    config = {
        "factors": {"learning_rate": {"scale": "log10"}, "width": {}},
        "analysis": {"metrics": metrics, "degree": 1, "bootstrap": 100},
    }
    study = study_of(runs, Settings.from_config(config))
    return tables.compute(study, study.settings)


PROPORTION = {"better": "higher", "unit": "points"}
SECONDS = {"better": "lower", "unit": "s"}


@pytest.fixture(scope="module")
def transformed():
    return computed(
        simulated(),
        accuracy={**PROPORTION, "transform": "logit"},
        seconds={**SECONDS, "transform": "log"},
    )


@pytest.fixture(scope="module")
def by_hand():
    """The analysis of a table whose columns were transformed before."""
    runs = simulated()
    runs = runs.assign(accuracy=logit(runs["accuracy"]), seconds=np.log(runs["seconds"]))
    unbounded = {"unit": "", "bounds": [-np.inf, np.inf]}
    return computed(
        runs,
        accuracy={"better": "higher", **unbounded},
        seconds={"better": "lower", **unbounded},
    )


def own_unit(values, metrics):
    return np.where(metrics == "accuracy", expit(values), np.exp(values))


@pytest.mark.parametrize("name", ["coefficients", "joint", "anova", "influence", "eigenvalues"])
def test_what_is_on_the_scale_is_that_of_transformed_values(transformed, by_hand, name):
    pd.testing.assert_frame_equal(transformed[name], by_hand[name])


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("effects", ["estimate", "ci_low", "ci_high", "band_low", "band_high"]),
        ("interactions", ["estimate", "ci_low", "ci_high"]),
        ("surfaces", ["estimate"]),
        ("steepest", ["predicted"]),
        ("optimum", ["predicted", "ci_low", "ci_high"]),
        ("best", ["mean"]),
        ("recommendation", ["estimate", "ci_low", "ci_high"]),
    ],
)
def test_means_and_ends_of_intervals_are_transformed_exactly(transformed, by_hand, name, columns):
    found, on_scale = transformed[name], by_hand[name]
    assert len(found) == len(on_scale) > 0
    for column in columns:
        expected = own_unit(on_scale[column], on_scale["metric"])
        assert found[column].to_numpy() == pytest.approx(expected, rel=1e-9)


def test_the_same_settings_could_be_the_best(transformed, by_hand):
    for column in ("learning_rate", "width", "could_be_best", "recommended"):
        assert transformed["best"][column].tolist() == by_hand["best"][column].tolist()


def test_distances_to_the_best_are_differences_of_the_metric(transformed, by_hand):
    found, on_scale = transformed["best"], by_hand["best"]
    for metric, inverse, sign in (("accuracy", expit, 1), ("seconds", np.exp, -1)):
        rows = on_scale[on_scale["metric"] == metric]
        top, second = rows["mean"].iloc[:2]
        others = np.r_[second, np.full(len(rows) - 1, top)]
        for end in ("lower", "upper"):
            expected = sign * (inverse(others + sign * rows[end]) - inverse(others))
            width = 1 if metric == "accuracy" else np.inf
            mine = found.loc[found["metric"] == metric, end]
            assert mine.to_numpy() == pytest.approx(np.clip(expected, -width, width), abs=1e-9)


def test_differences_are_between_means_in_the_own_unit_by_the_delta_method(transformed, by_hand):
    found = transformed["differences"].query("metric == 'accuracy' and comparison == 'average'")
    row = found[(found["level"] == RATES[0]) & (found["other_level"] == RATES[2])].iloc[0]
    effects = by_hand["effects"].query(
        "metric == 'accuracy' and factor == 'learning_rate' and framing == 'absolute'"
    )
    low, high = (
        effects[np.isclose(effects["value"].astype(float), rate)].iloc[0]
        for rate in (RATES[0], RATES[2])
    )
    # the curve is at the middle of the widths, which is their average
    assert row["difference"] == pytest.approx(
        expit(high["estimate"]) - expit(low["estimate"]), rel=1e-6
    )
    fit = by_hand["coefficients"].query(
        "metric == 'accuracy' and estimator == 'split_plot' and term == 'learning_rate'"
    )
    slope, error = fit["estimate"].iloc[0], fit["std_error"].iloc[0]
    middle = (low["estimate"] + high["estimate"]) / 2
    ends = expit(middle - slope), expit(middle + slope)
    gradients = [end * (1 - end) for end in ends]
    variance = sum(gradients) ** 2 * error**2 + (gradients[1] - gradients[0]) ** 2 * (
        low["std_error"] ** 2 - error**2
    )
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_prices_are_differences_of_the_metric(transformed):
    prices = transformed["prices"]
    gap = (prices["value_best"] - prices["value_there"]).abs()
    assert prices["price"].to_numpy() == pytest.approx(gap.to_numpy(), abs=1e-12)
    assert prices["value_best"].between(0, 1)[prices["metric"] == "accuracy"].all()


def test_power_is_of_differences_of_the_metric(transformed, by_hand):
    found, on_scale = transformed["power"], by_hand["power"]
    rows = on_scale["metric"] == "seconds"
    fitted = by_hand["influence"].query("metric == 'seconds' and framing == 'absolute'")["fitted"]
    expected = on_scale.loc[rows, "smallest_difference"] * np.exp(fitted.mean())
    assert found.loc[rows, "smallest_difference"].to_numpy() == pytest.approx(
        expected.to_numpy(), rel=1e-9
    )


def test_another_analysis_is_that_without_the_transform(transformed):
    names = transformed["stability"].query("variation == 'analysis'")["name"]
    assert "no transform" in set(names)
    assert not {"log-odds", "logarithm"} & set(names)


def test_the_relative_framing_is_left_out_and_said():
    runs = simulated().assign(baseline_accuracy=0.9)
    found = computed(runs, accuracy={**PROPORTION, "transform": "logit"})
    assert set(found["coefficients"]["framing"]) == {"absolute"}
    assert found["notes"]["sentence"].str.contains("it is analysed on another scale").any()


@pytest.mark.parametrize(
    ("transform", "value", "unit"),
    [("logit", 1.0, "points"), ("logit", 0.0, "points"), ("log", 0.0, "s")],
)
def test_a_value_without_a_transform_is_refused(transform, value, unit):
    runs = simulated()
    runs.loc[4, "accuracy"] = value
    options = {"better": "higher", "unit": unit, "transform": transform}
    with pytest.raises(UserError, match=r"row 5 .*has no (logit|log); leave .*out"):
        computed(runs, accuracy=options)
