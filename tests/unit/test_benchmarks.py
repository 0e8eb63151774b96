"""What the benchmarks compute from what they measured; running them is make benchmarks."""

import json
from dataclasses import replace

import pytest
import yaml

from analysis.runs.formula import model_terms
from analysis.runs.settings import Settings
from finetuning.augmentation import wordnet
from finetuning.augmentation.thesaurus import Thesaurus
from finetuning.sources import embedded
from study import configuration
from tests.benchmarks import (
    augmentation,
    jobs,
    measuring,
    planning_scale,
    startup,
    steady_state,
    table,
    threads,
)
from tests.benchmarks.studies import read_study
from tests.tiny import whole_config
from tests.unit.finetuning import small_wordnet

DISTILBERT = embedded.ENCODER_SETTINGS | {"dim": 768, "hidden_dim": 3072}


def step(length, seconds, tokens=100, rows=8, done=0.0):
    counted = {"examples": rows, "tokens": tokens, "padded": rows * length}
    return {"length": length, "seconds": seconds, "gradients": seconds / 2, "done": done, **counted}


def test_operations_of_a_step_are_six_for_each_weight_and_token_and_those_of_attention():
    weights = 6 * (4 * 768**2 + 2 * 768 * 3072)
    attention = 3 * 6 * 4 * 64 * 768
    head = 16 * 6 * (768**2 + 768 * 2)
    found = steady_state.operations(step(64, 1.0, rows=16), DISTILBERT)
    assert found == 16 * 64 * (6 * weights + attention) + head


def test_the_first_two_steps_of_each_length_do_not_count():
    steps = [step(16, 9), step(48, 9), step(16, 9), step(16, 1), step(48, 9), step(48, 2)]
    assert [s["seconds"] for s in jobs.steady(steps)] == [1, 2]
    assert jobs.tokens_per_second(jobs.steady(steps)) == pytest.approx(200 / 3)


def test_evaluation_is_compared_with_an_epoch_of_training_by_example():
    steps = [*[step(16, 9.0)] * jobs.WARM_STEPS, step(16, 4.0), step(16, 4.0), step(48, 7.0)]
    epoch = [(16, 8), (16, 2), (48, 8)]  # the last length was never steady
    side = {"steps": steps, "epoch": epoch, "peak_gflops": 100.0, "evaluation_seconds": 0.2}
    *_, found = steady_state.summarise("full", 8, [{"ours": side, "theirs": side}], DISTILBERT)
    assert (found["ours"], found["theirs"], found["ratio"]) == (200, 800, 0.25)


def test_several_rounds_are_told_by_medians_and_the_median_of_their_ratios():
    found = measuring.paired("grid", [1.0, 2.0, 9.0], [4.0, 10.0, 10.0], "s")
    assert (found["ours"], found["theirs"], found["ratio"]) == (2.0, 10.0, 0.25)


def test_the_study_of_long_epochs_is_the_default_one_but_for_what_it_says():
    default = yaml.safe_load((measuring.PROJECT / "config.yaml").read_text())
    study = yaml.safe_load((measuring.PROJECT / "tests/benchmarks/long_epochs.yaml").read_text())
    configuration.check(study)
    model_terms(Settings.from_config(study))
    del default["factors"]["batch_size"]
    default["factors"]["learning_rate"]["levels"] = [1e-5, 9e-5]
    default["training"]["batch_size"] = 16
    default["data"]["training_examples"] = 2400
    default["analysis"]["degree"] = 1
    assert study == default | {"study": "long-epochs", "source": "embedded", "replicates": 1}


def test_jobs_together_are_timed_from_the_first_waiting_to_the_last_end():
    warm = [step(16, 1.0)] * threads.WARM_STEPS
    first = {"stamps": {"all jobs are ready": 10.0}, "steps": [*warm, step(16, 1.0, done=12.0)]}
    second = {"stamps": {"all jobs are ready": 10.5}, "steps": [*warm, step(16, 1.0, done=15.0)]}
    assert threads.throughput([first, second]) == 200 / 5


def test_of_two_jobs_that_start_together_the_slower_one_counts():
    fast = {"started": 1.0, "steps": [step(16, 1.0, done=9.0)]}
    slow = {"started": 1.5, "steps": [step(16, 1.0, done=11.5)]}
    assert startup.first_step([fast, slow]) == 10


def test_planning_again_is_compared_with_the_first_plan():
    first, again = measuring.Run(4.0, 4.0, 200), measuring.Run(5.0, 5.0, 210)
    found = planning_scale.summarise(1000, {"fresh": first, "nothing_to_do": again})
    assert [row["ours"] for row in found] == [4.0, 5.0, 210]
    assert [row["ratio"] for row in found] == [None, 1.25, None]


def test_planning_is_measured(tmp_path, monkeypatch):
    out = tmp_path / "planning.json"
    monkeypatch.setattr("sys.argv", ["planning_scale", "--cells", "100", "--out", str(out)])
    planning_scale.main()
    told = {row["what"]: row["ours"] for row in json.loads(out.read_text())["table"]}
    assert list(told) == [
        "100 cells: first plan",
        "100 cells: plan with nothing to do, against the first",
        "100 cells: peak memory of a plan",
    ]
    assert min(told.values()) > 0


def test_a_part_of_a_grid_is_whole_trajectories_spread_over_it(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(whole_config()))
    for name in ("baseline/checkpoint", "data/replicate=0.safetensors"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(SystemExit, match=r"replicate=1.safetensors is not in .* --until"):
        read_study(tmp_path, config)
    (tmp_path / "data/replicate=1.safetensors").touch()
    whole = read_study(tmp_path, config)
    part = read_study(tmp_path, config, limit=2)
    assert (whole.whole, len(whole.cells), part.whole, part.trajectories) == (True, 24, False, 2)
    assert [cell["epochs"] for cell in part.cells] == [1, 2, 3] * 2
    assert (part.cells[0], part.cells[-1]) == (whole.cells[0], whole.cells[-1])
    assert not read_study(tmp_path, config, replicates=1).whole


def test_the_table_of_a_file_has_its_figures_and_its_machine(tmp_path, monkeypatch, capsys):
    rows = [
        measuring.line("whole grid", 300.0, 1000.0, "s"),
        measuring.line("training", 12345.6, None, "tokens/s"),
        measuring.line("mean loss", 0.5, 0.51, "", ratio=False),
    ]
    out = tmp_path / "found.json"
    settings = {"cells": 1054, "whole_grid": True, "factors": {"epochs": [1, 2]}, "rounds": 3}
    measuring.report(out, "grid", settings, rows, {"ours": measuring.Run(300.0, 500.0, 2000)})
    assert json.loads(out.read_text())["raw"]["ours"]["peak_memory_mb"] == 2000
    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["table", str(out)])
    table.main()
    printed = capsys.readouterr().out
    assert measuring.MACHINE["date"] in printed
    assert "Medians of 3 rounds; cells: 1,054; whole grid: yes; factors: epochs 1 / 2." in printed
    assert "| whole grid | 300 | 1,000 | s | 0.30 |" in printed
    assert "| training | 12,346 |  | tokens/s |  |" in printed
    assert "| mean loss | 0.5 | 0.51 |  |  |" in printed


def test_copying_is_timed_by_processor_time():
    files = small_wordnet.files()
    thesaurus = Thesaurus(wordnet.senses(files), wordnet.exceptions(files))
    copies = replace(augmentation.NONE, synonyms=1.0)
    few, many = (
        augmentation.seconds_of(copies, ["a good film"] * number, thesaurus)
        for number in (10, 3000)
    )
    assert 0 < few < many
