"""Nothing is stated that a metric cannot be, and no setting is best that nobody could run."""

import numpy as np
import pandas as pd
import pytest

from analysis.preparation import study_of
from analysis.questions.bounds import Bounded, beyond, bounded
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
