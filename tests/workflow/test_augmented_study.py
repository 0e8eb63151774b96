"""A study whose runs train on copies of their texts: made once, shared, recorded, checked."""

import shutil

import numpy as np
import pandas as pd
import pypdf
import pytest

from finetuning.augmentation.copied import read_copied
from finetuning.dataset import read_split
from finetuning.files import read_json, sha256
from tests.workflow.conftest import configure, snakemake

COPIES = "deletion=0.3,copies=1"


def augment(config):
    config["replicates"] = 1
    config["factors"] = {
        "learning_rate": {"levels": [0.001, 0.003], "scale": "log10"},
        "deletion": {"levels": [0, 0.3], "scale": "linear"},
    }
    config["training"] |= {"batch_size": 16, "epochs": 1, "augmentation": "replace"}
    config["analysis"] = {"metrics": {"accuracy": {}, "loss": {}}, "degree": 1}


@pytest.fixture(scope="module")
def results(new_study, tmp_path_factory):
    study = tmp_path_factory.mktemp("augmented") / "study"
    shutil.copytree(new_study, study, ignore=shutil.ignore_patterns("results", ".snakemake"))
    configure(study, augment)
    done = snakemake(study, "--cores", "2")
    assert done.returncode == 0, done.stderr
    return study / "results" / "tiny"


def test_cells_share_one_set_of_copies_and_name_it(results):
    (copies,) = (results / "data" / "copies").rglob("*.safetensors")
    assert copies.parent.name == COPIES
    for rate in (0.001, 0.003):
        with_copies, without = (
            read_json(
                results / f"cells/learning_rate={rate}/deletion={dose}/replicate=0/metrics.json"
            )
            for dose in (0.3, 0)
        )
        assert with_copies["computed_from"]["copies"] == sha256(copies)
        assert with_copies["hyperparameters"]["deletion"] == 0.3
        assert "copies" not in without["computed_from"]
        assert with_copies["steps"] == without["steps"]
        assert with_copies["metrics"]["loss"] != without["metrics"]["loss"]


def test_only_training_texts_are_copied_and_keep_their_row_and_label(results):
    split = read_split(results / "data" / "replicate=0.safetensors")
    copied = read_copied(results / "data" / "copies" / COPIES / "replicate=0.safetensors")
    assert copied.examples.rows.tolist() == split.training.rows.tolist()
    assert copied.examples.labels.tolist() == split.training.labels.tolist()
    evaluated = {split.evaluation.of(at).tobytes() for at in range(len(split.evaluation))}
    used = np.flatnonzero(copied.usable)
    assert not evaluated & {copied.examples.of(at).tobytes() for at in used}


def test_what_was_changed_is_gathered(results):
    table = pd.read_csv(results / "augmentation.csv")
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["deletion"], row["copies"], row["words_replaced"]) == (0.3, 128, 0)
    assert 0.1 < row["words_deleted"] < 0.2  # 30 % of 4 of 9 words; the others are stop words
    assert row["tokens_removed"] == pytest.approx(
        row["words_deleted"] * 9 * 128 / (row["tokens_before"] * 128)
    )
    examples = pd.read_csv(results / "augmentation_examples.csv")
    assert len(examples) == 10
    assert (examples["copy"].str.len() <= examples["text"].str.len()).all()
    runs = pd.read_csv(results / "runs.csv")
    assert set(runs["baseline_deletion"]) == {0}


def test_the_report_tells_what_was_changed(results):
    text = "".join(page.extract_text() for page in pypdf.PdfReader(results / "report.pdf").pages)
    assert "Augmentation" in text and "Copies replaced their texts" in " ".join(text.split())


def test_damaged_copies_are_named(results):
    path = results / "data" / "copies" / COPIES / "replicate=0.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    done = snakemake(results.parents[1], "--cores", "1", "--rerun-triggers", "mtime", "--", "runs")
    path.write_bytes(whole)
    assert done.returncode != 0
    assert f"{COPIES}/replicate=0.safetensors is damaged" in done.stderr
