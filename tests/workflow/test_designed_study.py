"""A study of a design other than the grid, from its plan to its report's tables."""

import re

import pandas as pd
import pytest
import yaml

from tests.tiny import write_tiny_distilbert, write_tiny_sentences
from tests.workflow.conftest import configure, snakemake


@pytest.fixture
def study(new_study, tmp_path):
    """Three learning rates, the middle one twice, of two epochs."""
    folder = tmp_path / "designed"
    write_tiny_distilbert(folder / "checkpoint")
    write_tiny_sentences(folder / "sentences.csv", films=24)
    (folder / "config.yaml").write_bytes((new_study / "config.yaml").read_bytes())
    (folder / "settings.csv").write_text("learning_rate\n1e-3\n2e-3\n2e-3\n4e-3\n")

    def design(config):
        config["factors"] = {
            "learning_rate": {"range": [1e-3, 4e-3], "scale": "log2"},
            "epochs": {"levels": [1, 2], "scale": "linear"},
        }
        config["training"]["batch_size"] = 8
        config["replicates"] = 1
        config["design"] = {"kind": "table", "file": "settings.csv"}
        config["analysis"]["formula"] = "learning_rate + epochs"
        config["planning"] = {"compare": ["full"]}

    configure(folder, design)
    return folder


def runs_of(study):
    return pd.read_csv(study / "results" / "tiny" / "runs.csv")


def test_a_design_is_planned_run_and_analysed(study):
    planned = snakemake(study, "--cores", "1", "plan")
    assert planned.returncode == 0, planned.stderr
    assert "4 training runs, 8 cells, 8 epochs of training" in planned.stderr
    plan = pd.read_csv(study / "results" / "tiny" / "plan" / "plan.csv")
    assert set(plan["design"]) == {"table (file settings.csv)", "full"}
    assert "<svg" in (study / "results" / "tiny" / "plan" / "plan.html").read_text()

    done = snakemake(study, "--cores", "2", "analysis")
    assert done.returncode == 0, done.stderr
    runs = runs_of(study)
    twice = runs[(runs["learning_rate"] == 2e-3) & (runs["epochs"] == 2)]
    assert len(runs) == 8
    assert twice["loss"].nunique() == 2  # trained with an order of batches of its own
    assert (study / "results/tiny/analysis/aliases.csv").exists()
    again = snakemake(study, "--cores", "1", "-n", "analysis")
    assert "Nothing to be done" in again.stdout + again.stderr

    kept = yaml.safe_load((study / "results/tiny/config.yaml").read_text())
    assert len(kept["design"]["settings"]) == 4
    with (study / "settings.csv").open("a") as table:
        table.write("3e-3\n")
    more = snakemake(study, "-n", "grid").stdout
    assert dict(re.findall(r"^(\w+) +(\d+)$", more, re.MULTILINE))["finetune_trajectory"] == "1"
