import copy
import math

import pytest
import reference

from analysis.runs.settings import RESERVED, TABLES_COLUMNS, Recommend, Settings
from analysis.variables import Metric
from common.errors import UserError
from tests import documented

GOOD = {
    "study": "ignored here",
    "seed": 7,
    "factors": {
        "learning_rate": {"levels": [1e-5, 3e-5], "scale": "log10"},
        "epochs": {"scale": "linear"},
        "schedule": {"scale": "categorical"},
    },
    "analysis": {
        "metrics": {"accuracy": {"better": "higher", "unit": "points"}},
        "desirability": {"accuracy": 2},
        "target_effect": {"accuracy": 0.005},
        "columns": {"learning_rate": "config.lr", "replicate": "seed"},
        "baseline": {"learning_rate": 1e-5, "schedule": "linear"},
    },
}


def changed(path, value):
    config = copy.deepcopy(GOOD)
    section = config
    *parents, key = path.split(".")
    for parent in parents:
        section = section[parent]
    section[key] = value
    return config


def test_a_config_is_read_in_its_order():
    settings = Settings.from_config(GOOD)
    assert settings.factor_names == ("learning_rate", "epochs", "schedule")
    assert settings.metric_names == ("accuracy",)
    assert settings.factor("learning_rate").scale == "log10"
    assert not settings.factor("schedule").numeric
    assert (settings.seed, settings.degree, settings.alpha) == (7, None, 0.05)
    assert settings.metric("accuracy").sign == 1
    assert settings.target_effect == {"accuracy": 0.005}


def test_a_metric_that_is_better_lower_has_a_negative_sign():
    config = {"factors": {"depth": {}}, "analysis": {"metrics": {"loss": {"better": "lower"}}}}
    assert Settings.from_config(config).metric("loss").sign == -1


def test_a_trajectory_may_be_told_by_several_columns():
    config = changed("analysis.columns", {"trajectory": ["recipe", "batch"]})
    assert Settings.from_config(config).columns == {"trajectory": ("recipe", "batch")}
    with pytest.raises(UserError, match=r"columns\.replicate: \['a'\] is not a column"):
        Settings.from_config(changed("analysis.columns", {"replicate": ["a"]}))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("analysis.degre", 2, ["analysis.degre", "unknown", "'degree'"]),
        ("analysis.degree", 4, ["analysis.degree", "4", "1, 2 or 3"]),
        ("analysis.alpha", 1.5, ["analysis.alpha", "1.5"]),
        ("analysis.bootstrap", "many", ["analysis.bootstrap", "'many'", "whole number"]),
        ("analysis.formula", "", ["analysis.formula"]),
        ("analysis.metrics", {}, ["analysis.metrics", "missing"]),
        ("analysis.metrics.accuracy", {"better": "up"}, ["accuracy.better", "'up'"]),
        ("analysis.desirability", {"acuracy": 1}, ["acuracy", "'accuracy'"]),
        ("analysis.desirability", {"accuracy": -1}, ["desirability.accuracy", "-1"]),
        ("analysis.recommend", {"metric": "acuracy"}, ["recommend.metric", "'accuracy'"]),
        ("analysis.recommend", {"prefer": "seconds"}, ["recommend.metric", "missing"]),
        ("analysis.recommend", {"metric": "accuracy", "within": 0.01}, ["within", "prefer"]),
        (
            "analysis.recommend",
            {"metric": "accuracy", "prefer": "accuracy"},
            ["recommend.prefer.accuracy", "neither another metric nor seconds"],
        ),
        (
            "analysis.recommend",
            {"metric": "accuracy", "prefer": "seconds", "within": 0},
            ["recommend.within", "0 is not above 0"],
        ),
        ("analysis.recommend", "accuracy", ["analysis.recommend", "mapping"]),
        ("analysis.pareto", ["accuracy", "secnds"], ["pareto.secnds", "unknown"]),
        ("analysis.pareto", ["accuracy"], ["analysis.pareto", "two different metrics"]),
        ("analysis.pareto", "accuracy", ["analysis.pareto", "list"]),
        (
            "analysis.target_effect",
            {"acuracy": 0.01},
            ["not one of analysis.metrics", "'accuracy'"],
        ),
        ("analysis.target_effect", {"accuracy": 1}, ["effect.accuracy", "proportion", "0.01"]),
        ("analysis.target_effect", {"accuracy": -0.01}, ["-0.01 is not above 0"]),
        ("analysis.target_effect", 0.01, ["0.01 is not a mapping"]),
        ("analysis.baseline", {"epoch": 1}, ["baseline.epoch", "'epochs'"]),
        ("analysis.baseline", {"learning_rate": "1e-5"}, ["'1e-5'", "1.0e-5"]),
        ("analysis.baseline", {"learning_rate": 0}, ["baseline.learning_rate", "logarithm"]),
        ("analysis.columns", {"replicates": "seed"}, ["replicates", "'replicate'"]),
        ("analysis.blocks", "dataset", ["analysis.blocks", "'dataset'", "list"]),
        ("analysis.blocks", ["epochs"], ["analysis.blocks", "epochs is a factor"]),
        ("analysis.blocks", ["status"], ["analysis.blocks.status", "column of the tables"]),
        ("analysis.observational", 1, ["analysis.observational", "1 is not true or false"]),
        ("analysis.metrics.accuracy.transform", "sqrt", ["transform", "'sqrt'", "'log'"]),
        ("analysis.metrics.accuracy.bounds", [1, 0], ["bounds", "1.0 is not below 0.0"]),
        ("analysis.metrics.accuracy.bounds", [0, 100], ["bounds", "between 0 and 1"]),
        ("analysis.metrics.accuracy.bounds", 1, ["bounds", "[0, .inf]"]),
        ("factors.epochs.scale", "lin", ["factors.epochs.scale", "'lin'", "'linear'"]),
        ("factors.epochs.level", [1], ["factors.epochs.level", "'levels'"]),
        ("factors.epochs.range", [3, 1], ["factors.epochs.range", "3.0 is not below 1.0"]),
        ("factors.replicate", {}, ["factors.replicate"]),
        ("factors", {}, ["factors", "empty"]),
        ("seed", -1, ["seed", "-1"]),
    ],
)
def test_a_mistake_is_named_with_what_would_do(path, value, words):
    with pytest.raises(UserError) as error:
        Settings.from_config(changed(path, value))
    for word in words:
        assert word in str(error.value)


def test_how_a_setting_is_recommended_is_read():
    assert reference.settings().recommend is None
    assert reference.settings(recommend={"metric": "f1"}).recommend == Recommend("f1")
    asked = {"metric": "loss", "prefer": "seconds", "within": 0.01}
    assert reference.settings(recommend=asked).recommend == Recommend("loss", "seconds", 0.01)


def test_degree_and_formula_exclude_each_other():
    with pytest.raises(UserError, match="either degree or formula"):
        reference.settings(degree=1, formula="epochs")


@pytest.mark.parametrize(
    ("name", "options", "bounds"),
    [
        ("accuracy", {"unit": "points"}, (0, 1)),
        ("val_loss", {}, (0, math.inf)),
        ("cost", {"unit": "s"}, (0, math.inf)),
        ("glossary", {}, (-math.inf, math.inf)),
        ("reward", {"bounds": [-1, math.inf]}, (-1, math.inf)),
        ("reward", {"transform": "log"}, (0, math.inf)),
    ],
)
def test_bounds_follow_from_the_unit_or_the_name_unless_given(name, options, bounds):
    config = changed("analysis.metrics", {name: {"better": "higher", **options}})
    config["analysis"].update(desirability={}, target_effect={})
    assert Settings.from_config(config).metric(name).bounds == bounds


def test_a_logit_needs_two_bounds():
    config = changed("analysis.metrics", {"reward": {"better": "higher", "transform": "logit"}})
    config["analysis"].update(desirability={}, target_effect={})
    with pytest.raises(UserError, match=r"reward\.transform: logit .* unit: points"):
        Settings.from_config(config)


def test_blocks_and_where_the_settings_come_from_are_read():
    config = changed("analysis.blocks", ["dataset", "replicate"])
    config["analysis"]["observational"] = True
    config["analysis"]["columns"]["dataset"] = "data"
    settings = Settings.from_config(config)
    assert settings.blocks == ("dataset", "replicate")
    assert settings.observational is True
    assert Settings.from_config(GOOD).blocks is None
    assert Settings.from_config(GOOD).observational is None


def test_every_column_beside_those_of_factors_is_reserved():
    """Of every table; a study's own runs.csv and histories.csv have metrics, which may be asked
    for, and costs, which are no factor of a study."""
    of_tables = {
        column
        for columns in documented.columns(["<factor>"], ["<metric>"]).values()
        if "<factor>" in columns or "<metric>" in columns
        for column in columns
        if "<" not in column
    }
    metrics = {"accuracy", "f1", "loss", "seconds", "tokens", "peak_memory_mb"}
    assert of_tables - metrics == {*TABLES_COLUMNS, *RESERVED} - {"intercept"}


@pytest.mark.parametrize("name", ["estimate", "seconds"])
def test_a_factor_named_like_a_column_of_the_tables_is_refused(name):
    config = {"factors": {name: {}}, "analysis": {"metrics": {"accuracy": {}}}}
    with pytest.raises(UserError, match=f"factors.{name}: this name is a column of the tables"):
        Settings.from_config(config)


def test_a_known_metric_needs_no_more_than_its_name():
    metrics = {
        "f1": {},
        "loss": {"unit": "bits"},
        "accuracy": {"unit": "%", "bounds": [0, 100]},
        "recall": {"better": "higher", "unit": "points"},
        "f1_macro": {"unit": "%"},
        "reward": {"better": "higher", "bounds": [-1, math.inf]},
    }
    config = {"factors": {"depth": {}}, "analysis": {"metrics": metrics}}
    assert Settings.from_config(config).metrics == (
        Metric("f1", "higher", "points", (0, 1)),
        Metric("loss", "lower", "bits", (0, math.inf)),
        Metric("accuracy", "higher", "%", (0, 100)),
        Metric("recall", "higher", "points", (0, 1)),
        Metric("f1_macro", "higher", "%", (0, 100)),
        Metric("reward", "higher", "", (-1, math.inf)),
    )


@pytest.mark.parametrize("bounds", [[1, 0], [0], "0 to 1", [0, "one"]])
def test_bounds_are_two_numbers_in_order(bounds):
    metrics = {"reward": {"better": "higher", "bounds": bounds}}
    with pytest.raises(UserError, match=r"analysis\.metrics\.reward\.bounds"):
        Settings.from_config({"factors": {"depth": {}}, "analysis": {"metrics": metrics}})
