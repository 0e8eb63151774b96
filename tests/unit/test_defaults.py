"""A study's file says what differs from config.yaml; the rest is as it is there."""

import copy

import pytest
import yaml

from common import defaults
from common.configuration import read_config
from common.defaults import REFERENCE, resolve
from common.errors import UserError
from study import configuration

DEFAULT = read_config(REFERENCE)
RATE = {"learning_rate": {"levels": [1e-5, 1e-4, 1e-3], "scale": "log10"}}


def test_nothing_said_is_config_yaml():
    assert resolve({}) == DEFAULT
    assert resolve(copy.deepcopy(DEFAULT)) == DEFAULT


def test_a_name_and_one_factor_are_a_study():
    config = configuration.resolved({"study": "mine", "factors": RATE})
    configuration.check(config)
    assert config["factors"] == RATE
    # The other factors of config.yaml keep their middle levels.
    held = {"batch_size": 16, "epochs": 2}
    expected = copy.deepcopy(DEFAULT) | {"study": "mine", "factors": RATE}
    del expected["analysis"]["degree"]  # it is of config.yaml's own factors
    assert config == expected | {"training": DEFAULT["training"] | held}


def test_mappings_are_merged_and_lists_replaced():
    config = resolve({"training": {"dropout": 0.2}, "hub": {"padded_lengths": [32]}})
    assert config["training"] == DEFAULT["training"] | {"dropout": 0.2}
    assert config["hub"] == DEFAULT["hub"] | {"padded_lengths": [32]}


def test_a_factor_takes_the_place_of_the_fixed_value():
    factor = {"dropout": {"levels": [0.0, 0.1, 0.2], "scale": "linear"}}
    training = resolve({"factors": factor, "training": {"batch_size": 4}})["training"]
    assert "dropout" not in training
    assert (training["learning_rate"], training["batch_size"], training["epochs"]) == (3e-5, 4, 2)


def test_a_fixed_value_of_the_file_itself_is_refused_beside_the_factor():
    config = configuration.resolved({"factors": RATE, "training": {"learning_rate": 1e-5}})
    with pytest.raises(UserError, match="learning_rate is both a factor and a fixed value"):
        configuration.check(config)


def test_what_a_file_without_factors_fixes_is_no_factor():
    config = configuration.resolved({"training": {"batch_size": 4, "dropout": 0.2}})
    configuration.check(config)
    assert {*config["factors"]} == {"learning_rate", "epochs"}
    assert config["training"] == DEFAULT["training"] | {"batch_size": 4, "dropout": 0.2}


def test_metrics_are_replaced_whole_and_with_them_what_was_said_of_the_others():
    metrics = {"accuracy": {}, "seconds": {"unit": "s"}}
    analysis = resolve({"analysis": {"metrics": metrics}})["analysis"]
    assert analysis["metrics"] == metrics
    assert "target_effect" not in analysis
    assert analysis["bootstrap"] == DEFAULT["analysis"]["bootstrap"]


def test_a_formula_takes_the_place_of_the_degree():
    analysis = resolve({"analysis": {"formula": "epochs"}})["analysis"]
    assert "degree" not in analysis


def test_another_checkpoint_or_data_set_has_other_revisions_and_another_baseline():
    hub = resolve({"hub": {"checkpoint": "./mine"}})["hub"]
    assert not {"checkpoint_revision", "baseline"} & {*hub}
    assert hub["dataset_revision"] == DEFAULT["hub"]["dataset_revision"]
    assert "dataset_revision" not in resolve({"hub": {"dataset": "texts.csv"}})["hub"]


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"factors": RATE, "training": {"epochs": 1}},
        {"analysis": {"metrics": {"loss": {}}, "formula": "epochs"}},
        {"hub": {"checkpoint": "./mine", "baseline": {"epochs": 1}}, "source": "hub"},
        {"source": "embedded"},
        {"training": {"epochs": 1}},
    ],
    ids=str,
)
def test_what_was_resolved_resolves_to_itself(own):
    once = configuration.resolved(own)
    assert configuration.resolved(once) == once
    assert configuration.resolved(yaml.safe_load(yaml.safe_dump(once))) == once


def test_a_source_that_is_not_asked_for_needs_no_section():
    assert "hub" not in configuration.resolved({"source": "embedded"})
    own = {"source": "embedded", "hub": {"padded_lengths": [8]}}
    assert configuration.resolved(own)["hub"]["padded_lengths"] == [8]


@pytest.mark.parametrize("section", ["hub", "factors", "training", "analysis", "data", "source"])
@pytest.mark.parametrize("value", [None, 5, "text", [], [[]]], ids=str)
def test_a_section_of_another_kind_is_left_for_the_checks(section, value):
    config = configuration.resolved({section: value})
    assert config[section] == value
    if section != "analysis":  # the analysis checks its own
        with pytest.raises(UserError, match=f"^{section}: "):
            configuration.check(config)


@pytest.mark.parametrize("text", ["factors: [1]\nhub: 2\n", "factors: {epochs: {levels: 3}}\n"])
def test_a_spoilt_config_yaml_is_left_for_the_checks(tmp_path, monkeypatch, text):
    spoilt = tmp_path / "config.yaml"
    spoilt.write_text(text)
    monkeypatch.setattr(defaults, "REFERENCE", spoilt)
    own = {"study": "mine", "source": "hub", "factors": RATE}
    with pytest.raises(UserError):
        configuration.check(configuration.resolved(own))


def test_the_degree_of_config_yaml_is_of_its_own_factors():
    factors = {"dropout": {"levels": [0.1, 0.3], "scale": "linear"}}
    assert resolve({"study": "mine"})["analysis"]["degree"] == 2
    assert "degree" not in resolve({"study": "mine", "factors": factors})["analysis"]
    asked = {"study": "mine", "factors": factors, "analysis": {"degree": 1}}
    assert resolve(asked)["analysis"]["degree"] == 1
