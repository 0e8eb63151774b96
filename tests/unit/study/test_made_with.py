"""Whatever changes a result is compared before the result is used."""

import copy
from dataclasses import replace

import pytest

from common.errors import UserError
from common.hyperparameters import HYPERPARAMETERS, NAMES, Copies
from design.grid import Grid
from finetuning.files import check_made_with
from study import made_with
from tests.tiny import whole_config

SOURCE = {"kind": "embedded", "sha256": {"a": "0" * 64}}
ORIGIN = {"checkpoint": "1" * 64, "split": "2" * 64}
OTHER = {float: 0.25, int: 7, str: "linear"}


def config():
    found = whole_config() | {"source": "embedded"}
    found["factors"] = {"learning_rate": {"levels": [0.001, 0.003], "scale": "log10"}}
    found["training"] |= {"batch_size": 8, "epochs": 2}
    return found


def of_cell(config, origin=ORIGIN, replicate=0):
    grid = Grid.from_config(config)
    cell = {"learning_rate": config["factors"]["learning_rate"]["levels"][0]}
    return made_with.cell(config, grid, cell | {"replicate": replicate}, origin)


def refused(recorded, wanted, named):
    check_made_with("FILE", recorded, recorded)
    with pytest.raises(UserError, match=rf"FILE was made with other settings \({named}"):
        check_made_with("FILE", recorded, wanted)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"learning_rate"}))
def test_a_cell_depends_on_each_hyperparameter(name):
    changed = config()
    changed["training"][name] = OTHER[HYPERPARAMETERS[name].kind]
    refused(of_cell(config()), of_cell(changed), rf"hyperparameters\.{name}: ")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("training", "threads", 2),
        ("training", "precision", "mixed_bfloat16"),
        ("training", "gpus", 1),
        ("data", "training_examples", 64),
        ("data", "evaluation_examples", 20),
    ],
)
def test_a_cell_depends_on_how_it_is_computed(section, key, value):
    changed = config()
    changed[section][key] = value
    refused(of_cell(config()), of_cell(changed), f"{key}: ")


def test_a_cell_depends_on_seeds_levels_validation_and_what_it_is_computed_from(monkeypatch):
    recorded = of_cell(config())
    refused(recorded, of_cell(config() | {"seed": 2}), r"seeds\.order: ")
    refused(recorded, of_cell(config(), replicate=1), r"seeds\.order: ")
    only_dropout = copy.deepcopy(recorded)
    only_dropout["seeds"]["dropout"] += 1
    refused(recorded, only_dropout, r"seeds\.dropout: ")
    changed = config()
    changed["factors"]["learning_rate"]["levels"] = [0.002, 0.003]
    refused(recorded, of_cell(changed), r"hyperparameters\.learning_rate: ")
    changed = config()
    changed["data"] |= {"training_examples": 132, "validation_examples": 4}
    refused(recorded, of_cell(changed), "validation_examples: ")
    for key in ORIGIN:
        refused(recorded, of_cell(config(), ORIGIN | {key: "3" * 64}), rf"computed_from\.{key}: ")
    monkeypatch.setattr(made_with, "ENGINE", made_with.ENGINE + 1)
    refused(recorded, of_cell(config()), "engine: ")


@pytest.mark.parametrize(
    ("key", "value"), [("threads", 2), ("precision", "mixed_bfloat16"), ("gpus", 1)]
)
def test_the_baselines_evaluation_depends_on_how_it_is_computed(key, value):
    changed = config()
    changed["training"][key] = value
    refused(
        made_with.evaluation(config(), ORIGIN), made_with.evaluation(changed, ORIGIN), f"{key}: "
    )


def test_how_many_all_examples_are_the_split_says():
    everything = config()
    everything["data"]["evaluation_examples"] = "all"
    assert "evaluation_examples" not in made_with.evaluation(everything, ORIGIN)
    refused(
        made_with.split(config(), SOURCE),
        made_with.split(everything, SOURCE),
        r"data\.evaluation_examples: ",
    )


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("data", "training_examples", 64),
        ("data", "validation_examples", 4),
        ("data", "contradictions", "refuse"),
        ("data", "least_of_a_class", 3),
        ("embedded", "padded_lengths", [16, 32]),
        ("embedded", "baseline_films", 0.3),
        ("embedded", "baseline_examples", 20),
    ],
)
def test_a_split_depends_on_how_it_is_drawn_and_tokenised(section, key, value):
    changed = config()
    changed[section][key] = value
    recorded = made_with.split(config(), SOURCE)
    refused(recorded, made_with.split(changed, SOURCE), rf".*{key}: ")
    refused(recorded, made_with.split(config() | {"seed": 2}, SOURCE), "seed: ")
    other = SOURCE | {"sha256": {"a": "1" * 64}}
    refused(recorded, made_with.split(config(), other), r"sha256\.a: ")


def test_a_split_drawn_before_there_were_more_keys_stays_valid():
    older = config()
    for key in ("contradictions", "least_of_a_class"):
        del older["data"][key]
    assert made_with.split(older, SOURCE) == made_with.split(config(), SOURCE)


@pytest.mark.parametrize(
    ("key", "value"), [("threads", 4), ("padded_lengths", [8]), ("baseline", {"epochs": 3})]
)
def test_an_embedded_checkpoint_depends_on_how_it_is_made(key, value):
    changed = config()
    changed["embedded"][key] = value
    refused(
        made_with.checkpoint(config(), SOURCE), made_with.checkpoint(changed, SOURCE), rf".*{key}"
    )


def test_sizes_of_a_source_are_those_its_sets_are_drawn_by_and_change_no_texts():
    sized = config()
    sized["embedded"]["data"] = {"evaluation_examples": 8}
    refused(
        made_with.split(config(), SOURCE),
        made_with.split(sized, SOURCE),
        r"data\.evaluation_examples: ",
    )
    assert made_with.texts(sized, SOURCE) == made_with.texts(config(), SOURCE)
    other = sized | {"source": "hub"}
    hub = {"kind": "hub", "sha256": SOURCE["sha256"]}
    assert made_with.split(other, hub) == made_with.split(config() | {"source": "hub"}, hub)


def test_copies_depend_on_how_they_are_made_and_judged():
    wanted = Copies(synonyms=0.1, insertion=0, deletion=0, back_translation=0.1, number=1)
    source = SOURCE | {"wordnet": {"licence": "own"}, "translator": {"version": "1"}}
    recorded = made_with.copied(config(), source, wanted)
    more = made_with.copied(config(), source, replace(wanted, number=2))
    refused(recorded, more, r"copies\.number: 1 then, 2 now")
    newer = made_with.copied(config(), source | {"translator": {"version": "2"}}, wanted)
    refused(recorded, newer, r"translator\.version: 1 then, 2 now")
    other = made_with.copied(config(), source | {"wordnet": {"licence": "other"}}, wanted)
    refused(recorded, other, r"wordnet\.licence: ")
    filtered = config() | {"augmentation": {"keep_if_baseline_agrees": True}}
    agreeing = made_with.copied(filtered, source, wanted)
    refused(recorded, agreeing, "keep_if_baseline_agrees: False then, True now")
    only_deleted = made_with.copies(config(), SOURCE, Copies(0, 0, 0.1, 0, 1))
    assert not {"wordnet", "translator"} & only_deleted.keys()
