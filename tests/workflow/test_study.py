"""The whole DAG: sources, baseline, grid, tables, figures, report, on a tiny DistilBERT."""

import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from pypdf import PdfReader
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, f1_score, log_loss

from common.configuration import read_config
from common.files import STARTED_WITH
from finetuning.architecture import Architecture
from study.memory import run_memory
from tests.tiny import write_tiny_sentences
from tests.workflow.conftest import ANY_FOLDER, PROJECT, configure, snakemake

NAME = "tiny"


def results(study):
    return study / "results" / NAME


def read_runs(study):
    return pd.read_csv(results(study) / "runs.csv")


def state(study, pattern="cells/**/*"):
    """Modification time and digest of each file."""
    files = sorted(path for path in results(study).glob(pattern) if path.is_file())
    return {
        path.relative_to(study).as_posix(): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files
    }


def test_project_and_study_run_from_any_folder(finished_study):
    assert ANY_FOLDER in str(finished_study)
    assert (results(finished_study) / "report.pdf").exists()


def test_there_is_a_row_for_every_cell(finished_study):
    runs = read_runs(finished_study)
    expected = set(itertools.product([0.001, 0.003], [4, 8], [1, 2, 3], [0, 1]))
    columns = ["learning_rate", "batch_size", "epochs", "replicate"]
    assert set(runs[columns].itertuples(index=False, name=None)) == expected
    assert len(runs) == len(expected)
    assert (runs["status"] == "ok").all()
    assert runs["trajectory"].nunique() == 8


def test_metrics_are_those_of_the_stored_predictions(finished_study):
    for _, run in read_runs(finished_study).iterrows():
        for prefix, column in (("", "predictions"), ("baseline_", "baseline_predictions")):
            stored = load_file(results(finished_study) / run[column])
            logits, labels = stored["logits"].astype(float), stored["labels"]
            probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            predicted = logits.argmax(axis=1)
            assert run[f"{prefix}accuracy"] == pytest.approx(accuracy_score(labels, predicted))
            assert run[f"{prefix}f1"] == pytest.approx(f1_score(labels, predicted))
            assert run[f"{prefix}loss"] == pytest.approx(log_loss(labels, probabilities))
        for metric in ("accuracy", "f1", "loss"):
            difference = run[metric] - run[f"baseline_{metric}"]
            assert run[f"delta_{metric}"] == pytest.approx(difference)


def test_training_learns_what_the_sentences_tell(finished_study):
    runs = read_runs(finished_study)
    best = runs.query("learning_rate == 0.003 and batch_size == 4 and epochs == 3")
    assert best["accuracy"].mean() > runs["baseline_accuracy"].mean() + 0.2
    assert best["loss"].mean() < runs["baseline_loss"].mean()


def test_evaluation_and_training_films_differ(finished_study):
    texts = pd.read_parquet(results(finished_study) / "data" / "texts.parquet")
    for path in (results(finished_study) / "data").glob("*.safetensors"):
        split = load_file(path)
        films = {
            part: set(texts["group"].iloc[split[f"{part}/rows"]])
            for part in ("training", "evaluation")
        }
        assert films["training"] and films["evaluation"]
        assert not films["training"] & films["evaluation"]


def test_coefficients_are_those_of_least_squares_on_the_table(finished_study):
    runs = read_runs(finished_study).assign(
        rate=lambda t: np.log10(t["learning_rate"] / 0.001) / np.log10(3) - 0.5,
        size=lambda t: np.log2(t["batch_size"]) - 2.5,
        time=lambda t: t["epochs"] - 2.0,
    )
    runs["rate"] *= 2
    runs["size"] *= 2
    fit = smf.ols(
        "loss ~ rate + size + time + rate:size + rate:time + size:time + I(time**2)", runs
    ).fit()
    table = pd.read_csv(results(finished_study) / "analysis" / "coefficients.csv")
    chosen = table.query("metric == 'loss' and framing == 'absolute' and estimator == 'ols'")
    chosen = chosen.set_index("term")
    names = {
        "Intercept": "intercept",
        "rate": "learning_rate",
        "rate:size": "learning_rate:batch_size",
        "size:time": "batch_size:epochs",
        "I(time ** 2)": "epochs^2",
    }
    for theirs, ours in names.items():
        assert chosen["estimate"][ours] == pytest.approx(fit.params[theirs], rel=1e-8)
        assert chosen["p_value"][ours] == pytest.approx(fit.pvalues[theirs], rel=1e-6)


def test_the_report_says_what_ran_and_what_came_out(finished_study):
    pages = PdfReader(results(finished_study) / "report.pdf").pages
    first, text = pages[0].extract_text(), " ".join(page.extract_text() for page in pages)
    assert NAME in first.lower()
    assert "Source: local files" in first and "sentences.csv" in first
    assert "24" in first  # runs
    runs = read_runs(finished_study)
    assert f"{runs['baseline_accuracy'].mean() * 100:.1f}" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_nothing_is_left_to_do(finished_study):
    assert "Nothing to be done" in snakemake(finished_study, "-n").stdout


def test_figures_and_report_come_from_the_cache(copy, no_tensorflow):
    before = state(copy)
    drawn = state(copy, "figures/*")
    for path in (results(copy) / "figures").iterdir():
        path.unlink()
    (results(copy) / "figures").rmdir()
    done = snakemake(copy, "--cores", "1", "figures", **no_tensorflow)
    assert done.returncode == 0, done.stderr
    assert "rule finetune" not in done.stderr and "Fine-tuning" not in done.stderr
    digests = {name: digest for name, (_, digest) in drawn.items()}
    assert {name: digest for name, (_, digest) in state(copy, "figures/*").items()} == digests
    assert any(name.endswith(".svg") for name in digests)
    assert any(name.endswith(".png") for name in digests)

    (results(copy) / "report.pdf").unlink()
    done = snakemake(copy, "--cores", "1", "report", **no_tensorflow)
    assert done.returncode == 0, done.stderr
    assert PdfReader(results(copy) / "report.pdf").pages
    assert state(copy) == before


def test_one_cell_is_rerun_alone_with_the_same_bytes(copy):
    before = state(copy)
    cell = f"results/{NAME}/cells/learning_rate=0.003/batch_size=8/epochs=2/replicate=1"
    done = snakemake(
        copy,
        *("--cores", "4", "--allowed-rules", "finetune_cell", "--force"),
        f"{cell}/metrics.json",
    )
    assert done.returncode == 0, done.stderr
    assert "1 of 1 steps (100%) done" in done.stderr
    after = state(copy)
    own = [name for name in before if name.startswith(f"{cell}/")]
    assert len(own) == 4
    for name in before:
        if name not in own:
            assert after[name] == before[name], name
        elif not name.endswith("timing.json"):
            assert after[name][1] == before[name][1], name
    assert after[f"{cell}/metrics.json"][0] > before[f"{cell}/metrics.json"][0]
    assert "Nothing to be done" in snakemake(copy, "-n").stdout


def test_what_a_run_costs_is_said_before_and_while_it_trains(copy):
    configure(copy, lambda config: config["training"].update(memory_mb="auto"))
    cells = copy / "results" / NAME / "cells" / "learning_rate=0.003" / "batch_size=8"
    runs = [cells / f"epochs={epochs}" / "replicate=1" for epochs in (1, 2, 3)]
    before = state(copy)
    for run in runs:
        shutil.rmtree(run)
    told = "3 cells by 1 runs of at most 3 epochs, 48 steps"
    planned = snakemake(copy, "--cores", "2", "plan")
    assert planned.returncode == 0 and told in planned.stderr
    assert not runs[0].exists()

    target = str((runs[0] / "metrics.json").relative_to(copy))
    refused = snakemake(copy, "--cores", "2", "--resources", "mem_mb=700", "--", target)
    assert refused.returncode != 0 and "but 700 MB are available" in refused.stderr
    assert "Traceback" not in refused.stderr and not runs[0].exists()

    done = snakemake(copy, "--cores", "2", target)
    assert done.returncode == 0, done.stderr
    assert told in done.stderr
    sizes = Architecture.read(results(copy) / "baseline" / "checkpoint")
    config = read_config(results(copy) / "config.yaml")
    declared = run_memory(config, "hub", sizes, batch_size=8)
    assert not list((copy / "results").rglob("*.tally.json"))
    for run in runs:
        assert json.loads((run / "timing.json").read_text())["peak_memory_mb"] <= declared
    for name, (_, content) in state(copy).items():
        assert name.endswith("timing.json") or content == before[name][1], name


def test_a_changed_cell_redoes_only_tables_figures_and_report(copy):
    cell = f"results/{NAME}/cells/learning_rate=0.003/batch_size=8/epochs=2/replicate=1"
    metrics = copy / cell / "metrics.json"
    changed = json.loads(metrics.read_text())
    changed["metrics"]["accuracy"] = 0.5
    metrics.write_text(json.dumps(changed))
    planned = snakemake(copy, "-n").stdout
    jobs = set(re.findall(r"^(\w+) +\d+$", planned, re.MULTILINE)) - {"total"}
    assert jobs == {"runs", "analysis", "figures", "interactive", "report", "all"}


def test_unshared_epochs_give_the_same_bytes(finished_study, tmp_path):
    study = tmp_path / "unshared"
    study.mkdir()
    for name in ("config.yaml", "sentences.csv"):
        (study / name).write_bytes((finished_study / name).read_bytes())
    (study / "checkpoint").symlink_to(finished_study / "checkpoint")
    configure(study, lambda config: config.update(share_epochs=False))
    cells = [
        f"results/{NAME}/cells/learning_rate=0.003/batch_size=4/epochs={epochs}/replicate=0"
        for epochs in (3, 1)  # one after the other, in another order than the whole grid
    ]
    for cell in cells:
        done = snakemake(study, "--cores", "1", f"{cell}/metrics.json")
        assert done.returncode == 0, done.stderr
        for file in ("metrics.json", "predictions.safetensors", "history.csv"):
            ours, theirs = study / cell / file, finished_study / cell / file
            assert ours.read_bytes() == theirs.read_bytes(), f"{cell}/{file}"
    assert not (study / cells[0].replace("epochs=3", "epochs=2")).exists()


def test_the_command_gives_the_workflows_tables(finished_study, tmp_path, no_tensorflow):
    command = [sys.executable, "-m", "analysis", str(results(finished_study) / "runs.csv")]
    command += ["--out", str(tmp_path), "--config", str(finished_study / "config.yaml")]
    environment = {"PYTHONPATH": f"{no_tensorflow['PYTHONPATH']}:{PROJECT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tables = sorted((results(finished_study) / "analysis").glob("*.csv"))
    assert len(tables) > 10
    for table in tables:
        assert (tmp_path / "analysis" / table.name).read_bytes() == table.read_bytes(), table.name
    assert (tmp_path / "report.pdf").exists()
    pages = sorted((results(finished_study) / "interactive").iterdir())
    assert [page.name for page in pages] == ["runs.html", "surfaces.html"]
    for page in pages:
        assert (tmp_path / "interactive" / page.name).read_bytes() == page.read_bytes()


def test_only_schedules_that_do_not_look_ahead_share_a_run(new_study, tmp_path):
    study = tmp_path / "schedules"
    study.mkdir()
    (study / "config.yaml").write_bytes((new_study / "config.yaml").read_bytes())

    def vary_schedule(config):
        del config["factors"]["batch_size"], config["training"]["schedule"]
        config["training"]["batch_size"] = 4
        config["factors"]["schedule"] = {"levels": ["constant", "linear"], "scale": "categorical"}
        config["analysis"]["formula"] = "learning_rate + schedule + epochs"

    configure(study, vary_schedule)
    planned = dict(re.findall(r"^(\w+) +(\d+)$", snakemake(study, "-n").stdout, re.MULTILINE))
    assert planned["finetune_trajectory"] == "4"  # two learning rates, two replicates
    assert planned["finetune_cell"] == "12"  # of three epochs each


def test_a_change_that_the_fetched_checkpoint_does_not_allow_is_refused(copy):
    configure(copy, lambda config: config["training"].update(frozen_layers=3))
    done = snakemake(copy, "--cores", "4", "--config", "overwrite=true")
    assert done.returncode != 0
    assert "training.frozen_layers: 3" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(sources="hub"), "'sources' is not a known key.*did you mean 'source'"),
        (lambda c: c["factors"]["epochs"].update(levels=[2]), r"factors\.epochs\.levels: \[2\]"),
        (lambda c: c["analysis"].update(degre=2), "degre.*degree"),
        (
            lambda c: c["analysis"]["metrics"].update(acuracy={"better": "higher"}),
            r"analysis\.metrics: 'acuracy' is not measured; did you mean 'accuracy'",
        ),
        (
            lambda c: c["factors"]["epochs"].update(levels=[1, 3]),
            r"too few levels for epochs\^2 \(epochs has 2 and it takes 3\)\. Add levels, or take "
            r"these terms out of analysis\.formula\.",
        ),
    ],
)
def test_a_bad_configuration_starts_nothing(new_study, tmp_path, change, message):
    study = tmp_path / "refused"
    study.mkdir()
    (study / "config.yaml").write_bytes((new_study / "config.yaml").read_bytes())
    configure(study, change)
    done = snakemake(study, "--cores", "4")
    assert done.returncode != 0
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert not (study / "results").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c["hub"].update(label_column="lable"),
            "no column 'lable'; did you mean 'label'",
        ),
        (lambda c: c["training"].update(frozen_layers=3), "frozen_layers: 3 .*checkpoint has 2"),
        (lambda c: c["data"].update(evaluation_examples=2000), "data.evaluation_examples: 2000"),
    ],
)
def test_a_bad_source_trains_nothing(new_study, tmp_path, change, message):
    study = tmp_path / "refused"
    study.mkdir()
    (study / "config.yaml").write_bytes((new_study / "config.yaml").read_bytes())
    (study / "checkpoint").symlink_to(new_study / "checkpoint")
    write_tiny_sentences(study / "sentences.csv", films=24)
    configure(study, change)
    done = snakemake(study, "--cores", "4")
    assert done.returncode != 0
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    left = {path.name for path in results(study).iterdir()}
    assert left <= {"logs", ".lock", "config.yaml", STARTED_WITH}
