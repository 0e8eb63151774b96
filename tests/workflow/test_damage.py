"""Damaged, moved, neighbouring and read-only studies, through the real Snakefile.

Most work on a study out of thin air, for which nothing has to be trained.
"""

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from common.configuration import read_config
from common.defaults import REFERENCE
from common.files import STARTED_WITH
from finetuning.files import read_json
from tests.finished_study import write_finished_study
from tests.tiny import whole_config
from tests.workflow.conftest import PROJECT, configure, snakemake

CELL = "cells/learning_rate=0.001/batch_size=4/epochs=2/replicate=0"


@pytest.fixture
def made_up(tmp_path):
    """A folder with config.yaml and the results of all cells, of which nothing was gathered."""
    study = tmp_path / "study"
    make_up(study, "tiny")
    return study


def make_up(folder, name):
    config = whole_config() | {"study": name}
    folder.mkdir(exist_ok=True)
    write_finished_study(folder / "results" / name, config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def planned(study, *arguments):
    """The jobs that Snakemake would run, by rule."""
    done = snakemake(study, "-n", *arguments)
    assert done.returncode == 0, done.stderr
    counts = re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)
    return {rule: int(count) for rule, count in counts if rule not in ("total", "all")}


def refused(study, *arguments):
    done = snakemake(study, "--cores", "2", *arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_no_table_is_made_of_a_damaged_cell_and_removing_it_helps(made_up):
    damaged = made_up / "results" / "tiny" / CELL / "predictions.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    message = refused(made_up, "runs")
    assert f"results/tiny/{CELL}/predictions.safetensors is damaged" in message
    removal = f"rm -r results/tiny/{CELL}"
    assert removal in message.partition("What went wrong:")[2]  # at the end
    assert not (made_up / "results" / "tiny" / "runs.csv").exists()
    subprocess.run(removal, shell=True, cwd=made_up, check=True)
    assert planned(made_up, "runs") == {"finetune_trajectory": 1, "runs": 1}


def test_no_report_is_made_of_damaged_tables(made_up):
    assert snakemake(made_up, "--cores", "1", "runs").returncode == 0
    runs = made_up / "results" / "tiny" / "runs.csv"
    runs.write_text("".join(runs.read_text().splitlines(keepends=True)[:-1]))
    assert "results/tiny/runs.csv is damaged" in refused(made_up, "report")
    assert not (made_up / "results" / "tiny" / "report.pdf").exists()


def test_training_refuses_a_damaged_split(copy):
    split = copy / "results" / "tiny" / "data" / "replicate=0.safetensors"
    content = bytearray(split.read_bytes())
    content[-1] ^= 1
    split.write_bytes(content)
    message = refused(copy, f"results/tiny/{CELL}/metrics.json")
    assert "results/tiny/data/replicate=0.safetensors is damaged" in message
    assert "Delete it and rerun the same command" in message


def test_only_what_a_change_affects_is_computed_again(copy):
    original = (copy / "config.yaml").read_text()

    def after(change):
        (copy / "config.yaml").write_text(original)
        configure(copy, change)
        return planned(copy, "grid", "--config", "overwrite=true")

    (copy / "config.yaml").write_text(f"# a comment\n{original}")
    assert planned(copy) == {}
    rates = [0.001, 0.003, 0.009]
    added = after(lambda c: c["factors"]["learning_rate"].update(levels=rates))
    assert added == {"finetune_trajectory": 4, "grid": 1}  # two batch sizes, two replicates
    added = after(lambda c: c.update(replicates=3))
    assert added["finetune_trajectory"] == 4
    assert {*added} == {"draw_split", "finetune_trajectory", "grid"} and added["draw_split"] == 1
    changed = after(lambda c: c["data"].update(training_examples=100))
    assert (changed["draw_split"], changed["finetune_trajectory"]) == (2, 8)
    changed = after(lambda c: c["training"].update(dropout=0.2))
    assert changed == {"finetune_trajectory": 8, "grid": 1}
    (copy / "config.yaml").write_text(original)
    configure(copy, lambda c: c["analysis"].update(alpha=0.1))
    assert not {"finetune_trajectory", "finetune_cell"} & {*planned(copy)}


def test_runs_of_another_configuration_are_replaced_only_when_that_is_asked_for(made_up):
    assert snakemake(made_up, "--cores", "1", "runs").returncode == 0
    configure(made_up, lambda config: config["training"].update(weight_decay=0.5))
    metrics = made_up / "results" / "tiny" / CELL / "metrics.json"
    before = metrics.read_bytes()
    message = refused(made_up, "runs")
    assert "holds 24 finished runs of another configuration" in message
    assert "(training.weight_decay: 0.01 then, 0.5 now)" in message
    assert "add --config overwrite=true" in message
    assert metrics.read_bytes() == before
    # It starts. Of cells that are made up Snakemake has no records, but they tell themselves.
    (made_up / "results" / "tiny" / "runs.csv").unlink()
    message = refused(made_up, "runs", "--config", "overwrite=true")
    assert "of another configuration" not in message
    assert "24 of 24 cells cannot be used" in message
    kept = read_json(made_up / "results" / "tiny" / STARTED_WITH)
    assert kept["training"]["weight_decay"] == 0.5 and "overwrite" not in kept
    assert read_config(made_up / "results" / "tiny" / "config.yaml")["training"] == kept["training"]


def test_a_file_of_what_differs_is_the_same_study_and_so_is_the_whole_that_is_kept(made_up):
    assert snakemake(made_up, "--cores", "1", "runs").returncode == 0
    path, default = made_up / "config.yaml", read_config(REFERENCE)
    whole = read_config(path)
    small = {
        key: {name: each for name, each in section.items() if each != default[key].get(name)}
        if key in ("data", "training", "embedded")
        else section
        for key, section in whole.items()
        if section != default.get(key)
    }
    assert len(yaml.safe_dump(small)) < 0.8 * len(yaml.safe_dump(whole))
    path.write_text(yaml.safe_dump(small, sort_keys=False))
    assert planned(made_up, "runs") == {}
    path.write_text((made_up / "results" / "tiny" / "config.yaml").read_text())
    assert planned(made_up, "runs") == {}


def test_without_snakemakes_records_a_changed_configuration_is_refused(copy):
    """Snakemake then no longer knows what the cells were computed with; they do."""
    shutil.rmtree(copy / ".snakemake")
    (copy / "results" / "tiny" / "runs.csv").unlink()
    configure(copy, lambda config: config["training"].update(weight_decay=0.5))
    message = refused(copy, "runs", "--config", "overwrite=true")
    assert "24 of 24 cells cannot be used" in message
    assert "hyperparameters.weight_decay: 0.01 then, 0.5 now" in message
    assert "rm -r results/tiny/cells" in message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["factors"]["epochs"].update(levels=[1, 2, 3, 4]), "levels: .1, 2, 3. then"),
        (lambda c: c["data"].update(training_examples=100), "training_examples: 128 then, 100 now"),
    ],
)
def test_without_records_a_table_of_another_configuration_is_refused(made_up, change, told):
    assert snakemake(made_up, "--cores", "1", "runs").returncode == 0
    configure(made_up, lambda config: config["training"].update(memory_mb=2500))
    shutil.rmtree(made_up / ".snakemake")
    assert planned(made_up, "runs") == {}
    configure(made_up, change)
    replacing = ("--config", "overwrite=true")
    message = refused(made_up, "runs", *replacing)
    assert "results/tiny/runs.csv was made with other settings" in message
    assert re.search(told, message) and "Delete it" in message
    (made_up / "results" / "tiny" / "runs.csv").unlink()
    assert planned(made_up, "runs", *replacing)["runs"] == 1


def test_a_study_can_be_moved(copy, tmp_path):
    moved = shutil.move(copy, tmp_path / "elsewhere")
    assert planned(moved) == {}


def test_a_copy_without_file_times_and_records_needs_one_time_for_all(copy, tmp_path):
    other = tmp_path / "other"
    ignored = shutil.ignore_patterns(".snakemake")
    shutil.copytree(copy, other, ignore=ignored, copy_function=shutil.copyfile)
    for path in other.rglob("*"):
        os.utime(path, (1e9, 1e9))  # older than the scripts too, as in a fresh clone
    assert planned(other) == {}


def test_two_studies_side_by_side_at_once(tmp_path):
    folder = tmp_path / "both"
    running = []
    for name in ("one", "two"):
        make_up(folder, name)
        (folder / "config.yaml").rename(folder / f"{name}.yaml")
    for name in ("one", "two"):
        command = ["snakemake", "--snakefile", str(PROJECT / "Snakefile"), "--cores", "1", "runs"]
        running.append(
            subprocess.Popen(
                [*command, "--configfile", f"{name}.yaml"],
                cwd=folder,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in running:
        _, told = process.communicate()
        assert process.returncode == 0, told
    for name in ("one", "two"):
        provenance = read_json(folder / "results" / name / "provenance.json")
        assert provenance["study"] == name


@pytest.fixture
def mounted(made_up):
    """The made-up study on a small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    results = made_up / "results"
    results.rename(made_up / "kept")
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(results)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    shutil.copytree(made_up / "kept", results, dirs_exist_ok=True)
    yield made_up
    subprocess.run(["umount", str(results)], check=True)


def contents(folder):
    return {p: p.read_bytes() for p in (folder / "cells").rglob("*") if p.is_file()}


def test_a_full_disk_is_told_and_loses_nothing(mounted):
    results = mounted / "results" / "tiny"
    before = contents(results)
    fill(results / "filler")
    message = refused(mounted, "runs")
    assert "No space left on device" in message
    assert contents(results) == before
    (results / "filler").unlink()
    assert snakemake(mounted, "--cores", "1", "runs").returncode == 0


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC


def test_a_read_only_folder_is_told(mounted):
    before = contents(mounted / "results" / "tiny")
    remount = ["mount", "-o", "remount,ro", str(mounted / "results")]
    subprocess.run(remount, check=True)
    message = refused(mounted, "runs")
    assert "results/tiny/.lock cannot be written: Read-only file system" in message
    assert contents(mounted / "results" / "tiny") == before
