"""Nothing is stated that a metric cannot be, and no setting is best that nobody could run."""

import numpy as np
import pandas as pd
import pytest

from analysis.preparation import study_of
from analysis.questions.bounds import Bounded, beyond, bounded, in_own_units
from analysis.runs.settings import Settings
from tests.simulation import random_tables

SETTINGS = Settings.from_config(
    {"factors": {"a": {}}, "analysis": {"metrics": {"accuracy": {}, "loss": {}}}}
)


def test_means_beyond_the_bounds_are_left_out_and_intervals_end_there():
    table = pd.DataFrame(
        {
            "metric": ["accuracy", "accuracy", "accuracy", "loss"],
            "mean": [0.9, 1.159, 0.5, -0.1],
            "low": [0.85, 1.05, -0.2, -0.3],
            "high": [1.02, 1.2, 0.7, 0.2],
        }
    )
    columns = Bounded(("mean",), (("low", "high"),))
    found = bounded(table, columns, SETTINGS)
    np.testing.assert_equal(found["mean"].to_numpy(), [0.9, np.nan, 0.5, np.nan])
    np.testing.assert_equal(found["low"].to_numpy(), [0.85, np.nan, 0, 0])
    np.testing.assert_equal(found["high"].to_numpy(), [1, np.nan, 0.7, 0.2])
    assert beyond(table, found, columns) == ["accuracy", "loss"]


def test_what_is_at_a_bound_stays_and_what_is_beyond_by_rounding_is_at_it():
    metrics = {"accuracy": {}, "loss": {}, "share": {"better": "higher", "unit": "%"}}
    settings = Settings.from_config({"factors": {"a": {}}, "analysis": {"metrics": metrics}})
    rows = [
        ("accuracy", 1.0, 1.0, 1.2, 1.0, 1.0, 1.0),
        ("accuracy", 0.0, -0.2, 0.0, 0.0, 0.0, 0.0),
        ("accuracy", 1 + 5e-10, 0.5, 0.6, 1.0, 0.5, 0.6),
        ("accuracy", 1 + 2e-9, 0.5, 0.6, np.nan, 0.5, 0.6),
        ("accuracy", -5e-10, 0.5, 0.6, 0.0, 0.5, 0.6),
        ("accuracy", -2e-9, 0.5, 0.6, np.nan, 0.5, 0.6),
        ("share", 100 + 5e-8, 50, 60, 100, 50, 60),
        ("share", 100 + 2e-7, 50, 60, np.nan, 50, 60),
        ("loss", -5e-10, 1, 2, 0.0, 1, 2),
        ("loss", 1e9, 1, np.inf, 1e9, 1, np.inf),
    ]
    columns = ["metric", "mean", "low", "high", "mean there", "low there", "high there"]
    table = pd.DataFrame(rows, columns=columns)
    found = bounded(table, Bounded(("mean",), (("low", "high"),)), settings)
    for name in ("mean", "low", "high"):
        np.testing.assert_equal(found[name].to_numpy(), table[f"{name} there"].to_numpy(float))


def test_in_its_own_unit_a_mean_has_the_error_of_the_delta_method():
    settings = Settings.from_config(
        {
            "factors": {"a": {}},
            "analysis": {"metrics": {"loss": {"transform": "log"}, "accuracy": {}}},
        }
    )
    table = pd.DataFrame(
        {"metric": ["loss", "accuracy"], "mean": [np.log(2), 0.5], "low": [0.0, 0.4]}
    ).assign(high=np.log(3), std_error=0.1)
    columns = Bounded(("mean",), (("low", "high"),))
    found = in_own_units(table, columns, settings)
    assert found.loc[0, ["mean", "low", "high", "std_error"]].tolist() == pytest.approx(
        [2, 1, 3, 2 * 0.1]
    )
    pd.testing.assert_series_equal(found.loc[1], table.loc[1])
    assert in_own_units(table[:0], columns, settings).empty


def test_differences_are_no_longer_than_the_bounds_are_apart():
    table = pd.DataFrame(
        {
            "metric": ["accuracy"] * 3,
            "best": [0.9, 1.1, 0.9],
            "price": [0.1, 0.3, 0.2],
            "low": [-1.4, 0, 0.1],
            "high": [0.4, 1.7, 1.3],
        }
    )
    columns = Bounded(("best",), (), ("price",), (("low", "high"),))
    found = bounded(table, columns, SETTINGS)
    np.testing.assert_equal(found["price"].to_numpy(), [0.1, np.nan, 0.2])
    np.testing.assert_equal(found["low"].to_numpy(), [-1, np.nan, 0.1])
    np.testing.assert_equal(found["high"].to_numpy(), [0.4, np.nan, 1])
    relative = pd.DataFrame({"metric": ["accuracy"], "framing": ["relative"], "mean": [-0.3]})
    assert bounded(relative, Bounded(("mean",)), SETTINGS)["mean"][0] == -0.3


@pytest.mark.parametrize(("least", "bounds"), [(3, (0, 100)), (-3, (-np.inf, np.inf))])
def test_a_percentage_is_one_unless_a_run_says_otherwise(least, bounds):
    metrics = {"gain": {"better": "higher", "unit": "%"}}
    settings = Settings.from_config({"factors": {"a": {}}, "analysis": {"metrics": metrics}})
    table = pd.DataFrame({"a": [1, 2, 3] * 2, "gain": [least, 50, 90, 5, 48, 92]})
    assert study_of(table, settings).settings.metric("gain").bounds == bounds


# `make simulations` takes 500 tables
@pytest.mark.parametrize("seed", [1, 6, 11, 17])
def test_random_tables_state_nothing_impossible(seed):
    found = random_tables.computed(seed)
    assert found is not None
    assert random_tables.impossible(*found) == []
