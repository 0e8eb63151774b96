"""Every bad configuration is refused in one message that names the key and what would do."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fit.resampling import Stream
from common.errors import UserError
from common.hyperparameters import HYPERPARAMETERS, NEUTRAL
from design import DESIGNS, grid
from finetuning import draws
from finetuning.augmentation import operators
from finetuning.sources import SOURCES, check_layers
from study import augmented, configuration
from study.sections import complete

DEFAULT = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())


def refusal(change):
    config = copy.deepcopy(DEFAULT)
    change(config)
    with pytest.raises(UserError) as refused:
        configuration.check(config)
    message = str(refused.value)
    assert "\n" not in message
    return message


def levels(name, *values, scale=None):
    def change(config):
        config["factors"][name]["levels"] = list(values)
        if scale:
            config["factors"][name]["scale"] = scale

    return change


def test_the_default_is_accepted():
    configuration.check(DEFAULT)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda c: c.update(sourc="hub"), ["'sourc'", "did you mean 'source'"]),
        (lambda c: c["training"].update(dropuot=0.1), ["'dropuot'", "in training", "'dropout'"]),
        (lambda c: c["factors"]["epochs"].update(level=[1]), ["'level'", "'levels'"]),
        (lambda c: c["factors"].update(learning_rat={"levels": [1, 2, 3], "scale": "linear"}),
         ["factors.learning_rat", "'learning_rate'"]),
        (lambda c: c.pop("seed"), ["seed is missing"]),
        (lambda c: c["data"].pop("training_examples"), ["data.training_examples is missing"]),
        (lambda c: c["training"].pop("dropout"), ["training.dropout is missing"]),
        (lambda c: c["training"].update(epochs=3), ["epochs is both a factor and a fixed value"]),
        (lambda c: c["data"].update(training_examples="many"),
         ["data.training_examples", "'many'", "a whole number of at least 2"]),
        (lambda c: c.update(share_epochs="sometimes"), ["share_epochs", "true or false"]),
        (lambda c: c.update(factors=[]), ["factors", "[]", "a mapping"]),
        (lambda c: c.update(factors={}), ["factors", "{}", "at least one hyperparameter"]),
        (levels("epochs"), ["factors.epochs.levels", "[]", "at least two levels"]),
        (levels("epochs", 2), ["factors.epochs.levels", "[2]", "at least two levels"]),
        (levels("epochs", 1, 2, 2), ["factors.epochs.levels", "2 is listed twice"]),
        (levels("learning_rate", 0.0, 1e-5, 1e-4), ["learning_rate.levels.0", "0.0", "positive"]),
        (levels("learning_rate", -1e-5, 1e-5, 1e-4), ["learning_rate.levels.0", "-1e-05"]),
        (levels("learning_rate", "1e-5", 1e-4, 1e-3), ["'1e-5'", "YAML", "3.0e-5"]),
        (levels("batch_size", 8, 16.5, 32), ["batch_size.levels.1", "16.5", "whole number"]),
        (levels("batch_size", 0, 16, 32), ["batch_size.levels.0", "0", "at least 1"]),
        (levels("batch_size", 8, 16, 4096), ["batch of 4096", "data.training_examples"]),
        (levels("batch_size", 8, 257), ["batch of 257", "training set of 256", "Write 256"]),
        (lambda c: c["data"].update(validation_examples=225),
         ["batch of 32", "training set of 31", "Write 31"]),
        (lambda c: c["data"].update(evaluation_examples="most"),
         ["data.evaluation_examples", "'most'", "at least 2, or all"]),
        (lambda c: c["data"].update(evaluation_examples=1), ["data.evaluation_examples: 1"]),
        (lambda c: c["data"].update(contradictions="keep"), ["'keep'", "drop or refuse"]),
        (lambda c: c["data"].update(least_of_a_class=0), ["data.least_of_a_class: 0"]),
        (levels("epochs", 1, 2, 0), ["epochs.levels.2", "at least 1"]),
        (lambda c: c["factors"]["learning_rate"].update(scale="log"), ["scale", "'log'", "log10"]),
        (lambda c: c["hub"].update(padded_lengths=[40, 24]), ["padded_lengths", "[24, 40]"]),
        (lambda c: c["hub"]["baseline"].pop("epochs"), ["hub.baseline.epochs is missing"]),
        (lambda c: c["embedded"]["baseline"].pop("warmup"), ["embedded.baseline.warmup"]),
        (lambda c: c.update(study="../elsewhere"), ["study", "'../elsewhere'", "letters"]),
        (lambda c: c.update(study="a\n"), ["study", "letters"]),
        (levels("learning_rate", 1e-5, 1e-4, float("nan")), ["levels.2", "nan", "finite"]),
        (lambda c: c.update(replicates=0), ["replicates", "0", "at least 1"]),
    ],
)  # fmt: skip
def test_refusals_name_key_value_and_remedy(change, parts):
    message = refusal(change)
    for part in parts:
        assert part in message


def with_factors(**factors):
    """The default with these hyperparameters as factors instead of fixed."""
    config = copy.deepcopy(DEFAULT)
    for name in factors:
        config["training"].pop(name)
    config["factors"] |= factors
    return config


def augmented_by(**training):
    """A change of the configuration, for which no translator is needed."""
    return lambda c: c["training"].update(training)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (augmented_by(synonyms=1.5), ["training.synonyms: 1.5", "a share from 0 to 1"]),
        (augmented_by(deletion=-0.1), ["training.deletion: -0.1", "a share from 0 to 1"]),
        (augmented_by(augmented_copies=0), ["training.augmented_copies: 0", "at least 1"]),
        (augmented_by(augmentation="add"), ["'add'", "append or replace"]),
        (augmented_by(augmented_copies=2), ["augmented_copies: 2", "without a method", "above 0"]),
        (augmented_by(augmentation="replace"), ["augmentation: 'replace'", "without a method"]),
        (lambda c: (c["training"].pop("insertion"), c["factors"].update(
            insertion={"levels": [0, 1.01], "scale": "linear"})),
         ["factors.insertion.levels.1: 1.01", "a share from 0 to 1"]),
        (lambda c: c["embedded"]["baseline"].update(deletion=0.1),
         ["embedded.baseline: the baseline is made without augmentation", "Remove deletion"]),
        (lambda c: c["augmentation"].update(translator="deepl"),
         ["augmentation.translator: 'deepl'", "apertium-eng-spa", "there: [program"]),
        (lambda c: c["augmentation"].update(translator={"there": ["a"], "back": []}),
         ["augmentation.translator"]),
        (lambda c: (augmented_by(back_translation=0.1)(c), c["augmentation"].update(
            translator={"there": ["no-such-one"], "back": ["cat"], "version": ["true"]})),
         ["augmentation.translator: back_translation needs the program no-such-one"]),
    ],
)  # fmt: skip
def test_refusals_of_augmentation(change, parts):
    message = refusal(change)
    for part in parts:
        assert part in message


def test_settings_that_would_be_the_same_runs_are_refused():
    config = with_factors(
        synonyms={"levels": [0.1, 0.3], "scale": "linear"},
        augmentation={"levels": ["append", "replace"], "scale": "categorical"},
    )
    configuration.check_runs_differ(complete(config))
    config["factors"]["synonyms"]["levels"] = [0, 0.1]
    with pytest.raises(UserError) as error:
        configuration.check_runs_differ(complete(config))
    for part in ("factors.augmentation: settings in which every rate", "Leave 0 out", "synonyms"):
        assert part in str(error.value)


def test_augmentation_is_a_factor_like_any_other_and_a_baseline_has_none():
    config = with_factors(
        synonyms={"levels": [0.1, 0.3], "scale": "linear"},
        augmented_copies={"levels": [1, 4], "scale": "log2"},
    )
    configuration.check(config)
    assert "synonyms" not in config["hub"]["baseline"]


def test_a_seed_from_which_two_replicates_get_the_same_numbers_is_refused(monkeypatch):
    seeds = {0: {"order": 1, "dropout": 2}, 1: {"order": 3, "dropout": 1}}
    monkeypatch.setattr(configuration, "replicate_seeds", lambda seed, replicate: seeds[replicate])
    assert "seed: from 20241 two replicates or purposes" in refusal(lambda config: None)
    seeds[1]["dropout"] = 4
    configuration.check(DEFAULT)


def test_every_purpose_of_random_numbers_has_a_number_of_its_own():
    purposes = [
        draws.BASELINE_FILMS_DRAW,
        draws.BASELINE_SENTENCES_DRAW,
        draws.SPLIT_DRAW,
        *operators.DRAWS.values(),
        augmented.EXAMPLES_DRAW,
        grid.BASELINE_TRAINING,
        grid.CELL_TRAINING,
        *Stream,
    ]
    assert len(set(purposes)) == len(purposes)


def test_a_batch_as_large_as_the_training_set_is_accepted():
    config = copy.deepcopy(DEFAULT)
    levels("batch_size", 8, 256)(config)
    configuration.check(config)
    config["data"] |= {"training_examples": 300, "validation_examples": 44}
    configuration.check(config)


@pytest.mark.parametrize(
    "change", [{"early_stopping": 1}, {"schedule": "reduce_on_plateau"}], ids=str
)
def test_a_validation_loss_needs_two_examples(change):
    for examples in (0, 1):
        message = refusal(
            lambda c, aside=examples: (
                c["training"].update(change),
                c["data"].update(validation_examples=aside),
            )
        )
        assert f"data.validation_examples: {examples} was given" in message
    config = copy.deepcopy(DEFAULT)
    config["training"] |= change
    config["data"]["validation_examples"] = 2
    configuration.check(config)


def test_a_whole_evaluation_split_and_what_sets_may_hold_can_be_asked_for():
    config = copy.deepcopy(DEFAULT)
    config["data"] |= {
        "evaluation_examples": "all",
        "contradictions": "refuse",
        "least_of_a_class": 5,
    }
    configuration.check(config)


def test_what_is_left_out_has_its_default():
    config = copy.deepcopy(DEFAULT)
    for name in NEUTRAL:
        del config["training"][name]
    for name in ("threads", "precision", "gpus", "memory_mb", "save_state_seconds"):
        del config["training"][name]
    for name in ("source", "share_epochs"):
        del config[name]
    del config["data"]["validation_examples"]
    configuration.check(config)
    full = complete(config)
    neutral = {name: full["training"].pop(name, None) for name in NEUTRAL}
    assert set(neutral.values()) == {None}  # else Snakemake would see changed parameters
    expected = copy.deepcopy(DEFAULT) | {"design": "full", "planning": {}}
    for source in SOURCES:
        expected[source]["data"] = {}
    for name in NEUTRAL:
        del expected["training"][name]
    assert full == expected


def test_only_the_sections_of_sources_that_may_be_used_are_needed():
    config = copy.deepcopy(DEFAULT) | {"source": "embedded"}
    del config["hub"]
    configuration.check(config)
    assert "hub is missing" in refusal(lambda c: c.pop("hub"))


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("source", "auto, hub or embedded"),
        ("design", f"{', '.join(DESIGNS)}, or a mapping of such a kind and its options,"),
    ],
)
def test_an_unknown_source_or_design_is_told_what_there_is(key, known):
    assert f"{key}: 'other' was given, but {known} is needed." in refusal(
        lambda config: config.update({key: "other"})
    )


def test_the_readme_has_a_row_for_every_hyperparameter():
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    rows = [
        f"| `{name}` | {each.meaning} | {each.needs} | {each.scale} "
        f"| {'' if each.default is None else each.default} |"
        for name, each in HYPERPARAMETERS.items()
    ]
    assert "\n".join(rows) in readme


def test_freezing_more_layers_than_there_are_is_refused():
    config = copy.deepcopy(DEFAULT)
    config["training"]["frozen_layers"] = 7
    with pytest.raises(UserError, match=r"training\.frozen_layers: 7 .* has 6"):
        check_layers(config, {"n_layers": 6})
    check_layers(config, {"n_layers": 7})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_spoilt_value_is_accepted_or_refused_but_never_breaks(data):
    config = copy.deepcopy(DEFAULT)
    place = config
    while True:
        key = data.draw(
            st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
        )
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(VALUES)
    try:
        configuration.check(config)
    except UserError as refused:
        assert str(refused)


def given_range(name, *ends, scale="linear"):
    def change(config):
        config["factors"][name] = {"range": list(ends), "scale": scale}

    return change


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (given_range("batch_size", 8, 8), ["factors.batch_size.range", "no width", "training"]),
        (given_range("batch_size", 32, 8), ["factors.batch_size.range", "no width"]),
        (given_range("batch_size", 8), ["factors.batch_size.range", "[8]", "[1.0e-5, 9.0e-5]"]),
        (given_range("batch_size", 8, 16.5), ["batch_size.range.1", "16.5", "whole number"]),
        (given_range("batch_size", 8, 1000), ["batch_size.range", "1000", "256"]),
        (given_range("learning_rate", 0.1, "2e-1"), ["learning_rate.range.1", "'2e-1'"]),
        (given_range("batch_size", 8, 32, scale="categorical"), ["batch_size.range", "levels"]),
        (lambda c: c["factors"].update(batch_size={"scale": "log2"}), ["neither levels nor"]),
    ],
)
def test_a_range_that_cannot_be_is_told(change, parts):
    message = refusal(change)
    assert all(part in message for part in parts), message
