from pathlib import Path

import pytest
import yaml

from common.errors import UserError
from finetuning.architecture import Architecture
from finetuning.files import write_json
from finetuning.sources import embedded
from study import configuration
from study.machine import Machine
from study.memory import check_fits, evaluation_memory, most_memory, run_memory
from study.plan import Known, _mean_padded, in_words, make_plan
from study.sections import complete
from study.work import tasks
from tests.tiny import whole_config

MINILM = Architecture.of(embedded.ENCODER_SETTINGS)
DISTILBERT = Architecture.of(embedded.ENCODER_SETTINGS | {"dim": 768, "hidden_dim": 3072})
FAST = Machine(cores=4, rate=1e11)


@pytest.fixture
def config():
    """The default study, on the embedded source."""
    config = yaml.safe_load(Path("config.yaml").read_text()) | {"source": "embedded"}
    configuration.check(config)
    return complete(config)


def planned(folder, config, known=None, machine=FAST, cores=4, available=20_000):
    known = known or Known({"kind": "embedded"}, MINILM, 33.6, {"a wheel": 84_000_000})
    return make_plan(folder, config, known, machine, cores, available)


def test_the_parameters_are_those_of_the_published_models():
    assert MINILM.parameters == pytest.approx(22.7e6, rel=0.01)
    assert DISTILBERT.parameters == pytest.approx(66.96e6, rel=0.001)


def test_work_is_what_the_configuration_asks_for(tmp_path, config):
    baseline, *rest = tasks(tmp_path, config, {"kind": "embedded"})
    assert (baseline.steps, baseline.trained, baseline.cells) == (64, 2048, 0)
    evaluations, runs = rest[:2], rest[2:]
    assert [task.evaluated for task in evaluations] == [400, 400]
    assert len(runs) == 18
    assert sum(run.cells for run in runs) == 54
    assert sum(run.steps for run in runs) == 2 * 3 * 3 * (32 + 16 + 8)
    assert {(run.epochs, run.trained, run.evaluated) for run in runs} == {(3, 768, 1200)}
    assert runs[0].log.relative_to(tmp_path).as_posix() == (
        "logs/cells/learning_rate=1e-05/batch_size=8/replicate=0.log"
    )
    assert runs[0].done.relative_to(tmp_path).as_posix() == (
        "cells/learning_rate=1e-05/batch_size=8/epochs=3/replicate=0/timing.json"
    )


def test_copies_are_judged_and_appended_ones_trained_on(tmp_path, config):
    plain = [task for task in tasks(tmp_path, config, {"kind": "embedded"}) if task.cells]
    config["training"] |= {"deletion": 0.1, "augmented_copies": 2}
    found = tasks(tmp_path, config, {"kind": "embedded"})
    judging = [task for task in found if task.log.parts[-3] == "judge_copies"]
    texts = config["data"]["training_examples"]
    assert [task.evaluated for task in judging] == [3 * texts] * config["replicates"]
    assert judging[0].done.name == "replicate=0.safetensors"
    runs = [task for task in found if task.cells]
    assert [task.trained for task in runs] == [3 * task.trained for task in plain]
    config["training"]["augmentation"] = "replace"
    replaced = [task for task in tasks(tmp_path, config, {"kind": "embedded"}) if task.cells]
    assert [task.trained for task in replaced] == [task.trained for task in plain]


def test_work_of_runs_that_share_nothing_validate_and_evaluate_everything(tmp_path, config):
    config["share_epochs"] = False
    config["training"]["early_stopping"] = 1
    config["data"] |= {"validation_examples": 56, "evaluation_examples": "all"}
    found = tasks(tmp_path, config, {"kind": "embedded", "texts": {"study": 1256, "baseline": 5}})
    runs = [task for task in found if task.cells]
    assert len(runs) == 54
    assert {(run.epochs, run.trained) for run in runs} == {(1, 200), (2, 400), (3, 600)}
    assert {run.evaluated - 56 * run.epochs for run in runs} == {1000}
    assert runs[0].log.name == "replicate=0.log"
    assert "epochs=1" in str(runs[0].log)


def test_sizes_of_a_source_take_the_place_of_those_of_the_study(tmp_path, config):
    config["embedded"]["data"] = {"training_examples": 64, "evaluation_examples": 32}
    runs = [task for task in tasks(tmp_path, config, {"kind": "embedded"}) if task.cells]
    assert {(run.trained, run.evaluated) for run in runs} == {(192, 96)}


def test_a_plan_tells_downloads_work_memory_and_time(tmp_path, config):
    said = in_words(planned(tmp_path, config), config)
    assert said[0] == "Plan of reviews (source: embedded, 22.7 million parameters)"
    assert said[1].split(None, 1) == ["download", "a wheel (84 MB)"]
    assert "54 cells by 18 runs of at most 3 epochs, 1,008 steps" in said[2]
    assert "4 runs side by side in the 20,000 MB available" in said[3]
    assert "minutes with --cores 4" in said[4]


def test_a_plan_is_of_what_is_left_and_goes_by_the_rates_of_finished_runs(tmp_path, config):
    whole = planned(tmp_path, config)
    runs = [task for task in whole.todo if task.cells]
    for run in runs[:9]:
        write_json(run.done, {"started": 0.0, "finished": 1000.0})
    rest = planned(tmp_path, config)
    assert sum(task.cells for task in rest.todo) == 27
    # nine runs of at most 1,000 seconds each, four at a time, and what is not training
    assert rest.seconds > 2000 > whole.seconds


def test_cores_that_are_not_there_make_nothing_faster(tmp_path, config):
    two = Machine(cores=2, rate=1e11)
    assert planned(tmp_path, config, machine=two).seconds > planned(tmp_path, config).seconds
    assert planned(tmp_path, config, machine=two, cores=2).seconds == pytest.approx(
        planned(tmp_path, config, machine=two).seconds, rel=0.1
    )


def test_memory_for_fewer_runs_than_cores_is_said(tmp_path, config):
    memory = most_memory(config, "embedded", MINILM)
    plan = planned(tmp_path, config, available=2 * memory + 1)
    assert plan.at_once == 2
    assert "no more fit, for 4 there are cores" in in_words(plan, config)[3]


def test_time_on_a_gpu_is_not_guessed(tmp_path, config):
    config["training"]["gpus"] = 1
    assert "not known for a GPU" in in_words(planned(tmp_path, config), config)[4]


def test_texts_of_unknown_length_count_as_the_longest():
    assert _mean_padded([], [24, 48]) == 48
    assert _mean_padded([3, 24, 25, 400], [24, 48]) == 36


def test_memory_follows_the_batch_and_a_number_overrides_it(config):
    sizes = [run_memory(config, "embedded", MINILM, size) for size in (8, 16, 32)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2] == most_memory(config, "embedded", MINILM)
    assert evaluation_memory(config, "embedded", MINILM) < sizes[0]
    assert run_memory(config, "embedded", DISTILBERT, 32) > sizes[2]
    config["training"]["early_stopping"] = 2
    assert run_memory(config, "embedded", MINILM, 8) > sizes[0]
    config["training"]["memory_mb"] = 3000
    assert {run_memory(config, "embedded", MINILM, size) for size in (8, 32)} == {3000}
    assert evaluation_memory(config, "embedded", MINILM) == 3000


def test_a_run_that_cannot_fit_is_refused_with_what_would_do():
    config = complete(whole_config())
    config["hub"]["padded_lengths"] = [256]
    config["factors"]["batch_size"]["levels"] = [8, 64]
    config["training"]["memory_mb"] = "auto"
    needed = most_memory(config, "hub", DISTILBERT)
    check_fits(config, "hub", DISTILBERT, needed)
    with pytest.raises(UserError) as told:
        check_fits(config, "hub", DISTILBERT, needed - 1)
    message = str(told.value)
    assert f"needs {needed:,} MB" in message and f"{needed - 1:,} MB are available" in message
    assert "batches of at most 32 (factors.batch_size.levels)" in message
    assert "texts of at most 128 tokens (hub.padded_lengths)" in message
    with pytest.raises(UserError, match="What would do: a machine with more memory"):
        check_fits(config, "hub", DISTILBERT, 100)
    config["factors"]["batch_size"]["levels"] = [8]
    config["embedded"]["baseline"]["batch_size"] = 32
    largest = run_memory(config, "embedded", MINILM, 32)
    with pytest.raises(UserError, match=r"at most 16 \(embedded\.baseline\.batch_size\)"):
        check_fits(config, "embedded", MINILM, largest - 1)
