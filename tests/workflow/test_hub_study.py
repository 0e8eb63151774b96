"""A study whose checkpoint and data set come from a Hub: the whole DAG, a server on loopback.

What the Hub's answers mean one by one is tested in unit/finetuning/test_hub.py.
"""

import hashlib
import io
import json
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pypdf import PdfReader

from finetuning.files import read_json
from tests.hub_server import HubServer
from tests.tiny import (
    CHECKPOINT,
    DATASET,
    hub_checkpoint,
    hub_dataset,
    parquet,
    whole_config,
    write_tiny_distilbert,
    write_tiny_sentences,
)
from tests.workflow.conftest import Result, configure, snakemake

TOKEN = "hf_" + "s" * 34
RESULTS = Path("results/tiny")
UNUSED_SPLIT = "plain_text/unsupervised-00000-of-00001.parquet"


@dataclass
class HubStudy:
    """A folder with a configuration, the Hub it names, and a cache of its own.

    files and commits: what was published, by the kind of repository.
    """

    folder: Path
    hub: HubServer
    cache: Path
    files: dict[str, dict[str, bytes]] = field(repr=False)
    commits: dict[str, str]
    first_requests: list[tuple[str, str, dict]] = field(default_factory=list, repr=False)

    def run(self, *arguments: str, **environment: str) -> Result:
        own = {"HF_ENDPOINT": self.hub.endpoint, "HF_HOME": str(self.cache), "HF_TOKEN": TOKEN}
        return snakemake(self.folder, *arguments, **own | environment)

    @property
    def source(self) -> dict:
        return read_json(self.folder / RESULTS / "source.json")

    def paths(self) -> list[str]:
        """What the Hub was asked for; huggingface_hub looks its own news up besides."""
        return [path for _, path, _ in self.hub.requests if "agent-harnesses" not in path]


def configuration():
    """4 training runs, 12 cells; the Hub's names as in the default study, at the branch main."""
    config = whole_config()
    config["source"] = "auto"
    config["hub"] |= {
        "checkpoint": CHECKPOINT,
        "dataset": DATASET,
        "evaluation_split": "test",
        "group_column": None,
    }
    config["data"] |= {"training_examples": 64, "evaluation_examples": 48}
    del config["factors"]["batch_size"]
    config["training"]["batch_size"] = 8
    config["analysis"]["formula"] = "learning_rate + epochs + learning_rate:epochs + epochs^2"
    return config


def long_texts():
    """A table of more than 20 MB, which huggingface_hub fetches in pieces of 10 MB."""
    noise = np.random.default_rng(0).bytes(11_000_000).hex()
    texts = [noise[start : start + 1000] for start in range(0, len(noise), 1000)]
    return parquet(pd.DataFrame({"text": texts, "label": -1}))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Run once, with a private checkpoint, from a Hub that is busy and drops connections."""
    folder = tmp_path_factory.mktemp("hub") / "study"
    checkpoint = hub_checkpoint(write_tiny_distilbert(folder.parent / "checkpoint"))
    sentences = pd.read_csv(write_tiny_sentences(folder.parent / "sentences.csv", films=24))
    dataset = hub_dataset(sentences) | {UNUSED_SPLIT: long_texts()}
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(), sort_keys=False))
    with HubServer() as hub:
        commits = {
            "model": hub.publish("model", CHECKPOINT, checkpoint),
            "dataset": hub.publish("dataset", DATASET, dataset),
        }
        files = {"model": checkpoint, "dataset": dataset}
        study = HubStudy(folder, hub, folder.parent / "cache", files, commits)
        hub.repositories["model", CHECKPOINT].token = TOKEN
        hub.fail("/api/datasets/", status=503)
        hub.cut("model.safetensors", after=1000)
        hub.cut("unsupervised", after=15_000_000)
        done = study.run("--cores", "4")
        assert done.returncode == 0, done.stderr
        (folder / "terminal.txt").write_text(done.stdout + done.stderr)
        study.first_requests = list(hub.requests)
        yield study


@pytest.fixture
def copy(study, tmp_path):
    """The finished study elsewhere, with the same Hub, to do things to."""
    shutil.copytree(study.folder, tmp_path / "copy")
    return replace(study, folder=tmp_path / "copy")


@pytest.fixture
def new(study, tmp_path):
    """A study of which nothing was run; what it publishes is under other names."""
    (tmp_path / "new").mkdir()
    shutil.copy(study.folder / "config.yaml", tmp_path / "new")
    return replace(study, folder=tmp_path / "new")


def test_the_hub_is_preferred_and_what_it_had_is_pinned(study):
    source = study.source
    assert source["kind"] == "hub"
    assert source["checkpoint_revision"] == study.commits["model"]
    assert source["dataset_revision"] == study.commits["dataset"]
    expected = {
        f"{key}/{name}": hashlib.sha256(content).hexdigest()
        for key, kind in (("checkpoint", "model"), ("dataset", "dataset"))
        for name, content in study.files[kind].items()
        if (key, name) != ("checkpoint", "README.md")
    }
    assert source["sha256"] == expected
    assert len(pd.read_csv(study.folder / RESULTS / "runs.csv")) == 12
    pages = [page.extract_text() for page in PdfReader(study.folder / RESULTS / "report.pdf").pages]
    assert "Source: Hugging Face Hub" in pages[0]
    text = re.sub(r"\s", "", "".join(pages))
    assert all(commit in text for commit in study.commits.values())
    assert read_json(study.folder / RESULTS / "provenance.json")["source"] == source


def test_a_busy_hub_and_broken_connections_were_overcome(study):
    assert [fault.times for fault in study.hub.faults] == [0, 0, 0]
    ranges = [
        headers.get("range", "bytes=0-")
        for method, path, headers in study.first_requests
        if method == "GET" and path.startswith("/cdn/") and "unsupervised" in path
    ]
    assert len(ranges) == 2
    assert int(re.match(r"bytes=(\d+)", ranges[1])[1]) >= 10_000_000  # it went on, not anew


def test_the_token_was_used_and_is_written_nowhere(study):
    asked = [(path, headers) for _, path, headers in study.first_requests if CHECKPOINT in path]
    assert any("/resolve/" in path for path, _ in asked)
    assert all(headers["authorization"] == f"Bearer {TOKEN}" for _, headers in asked)
    stored = [headers for _, path, headers in study.first_requests if path.startswith("/cdn/")]
    assert stored and not any("authorization" in headers for headers in stored)
    for root in (study.folder, study.cache):
        files = [path for path in root.rglob("*") if path.is_file()]
        assert files
        assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_a_moved_branch_does_not_move_the_study(copy, tmp_path):
    other = hub_checkpoint(write_tiny_distilbert(tmp_path / "other", seed=9))
    moved = [
        copy.hub.publish("model", CHECKPOINT, other),
        copy.hub.publish("dataset", DATASET, {"README.md": b"# Gone"}),
    ]
    try:
        assert "Nothing to be done" in copy.run("-n").stdout
        # Fetched again, by a machine that has nothing: the same commits.
        copy.cache = tmp_path / "empty cache"
        copy.hub.requests.clear()
        made = [RESULTS / "pretrained" / "model.safetensors", RESULTS / "data" / "texts.parquet"]
        before = [(copy.folder / path).read_bytes() for path in made]
        shutil.rmtree(copy.folder / RESULTS / "pretrained")
        (copy.folder / RESULTS / "data" / "texts.parquet").unlink()
        done = copy.run("--cores", "2", str(RESULTS / "pretrained"), str(made[1]))
        assert done.returncode == 0, done.stderr
        assert [(copy.folder / path).read_bytes() for path in made] == before
        asked = " ".join(copy.paths())
        assert all(commit in asked for commit in copy.commits.values())
        assert not any(commit in asked for commit in moved) and "/main" not in asked
    finally:
        copy.hub.publish("model", CHECKPOINT, copy.files["model"])
        copy.hub.publish("dataset", DATASET, copy.files["dataset"])


def test_offline_with_a_filled_cache(new, study):
    new.hub.requests.clear()
    targets = [str(RESULTS / "pretrained"), str(RESULTS / "data" / "replicate=0.safetensors")]
    done = new.run("--cores", "2", *targets, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert new.source == study.source
    assert new.hub.requests == []
    split = RESULTS / "data" / "replicate=0.safetensors"
    assert (new.folder / split).read_bytes() == (study.folder / split).read_bytes()


def of_another_architecture(files):
    settings = json.loads(files["config.json"]) | {"model_type": "roberta"}
    return files | {"config.json": json.dumps(settings).encode()}


def of_another_vocabulary(files):
    tokenizer = json.loads(files["tokenizer.json"])
    words = tokenizer["model"]["vocab"]
    words["another"] = len(words)
    return files | {"tokenizer.json": json.dumps(tokenizer).encode()}


def of_other_labels(files):
    settings = json.loads(files["config.json"]) | {"id2label": {"0": "ham", "1": "spam"}}
    return files | {"config.json": json.dumps(settings).encode()}


def pickled(files):
    renamed = {"model.safetensors": "pytorch_model.bin"}
    return {renamed.get(name, name): content for name, content in files.items()}


def of_other_columns(files):
    train = next(name for name in files if "train" in name)
    rows = pd.read_parquet(io.BytesIO(files[train])).rename(columns={"text": "review"})
    return {"train.parquet": parquet(rows), "test.parquet": parquet(rows)}


def of_a_script(files):
    return {"imdb.py": b"raise SystemExit"}


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("model", of_another_architecture, "a model of type 'roberta'; only DistilBERT"),
        ("model", of_another_vocabulary, "the vocabulary does not match: the tokenizer has"),
        ("model", of_other_labels, "the labels neg, pos .* 0 ham, 1 spam"),
        ("model", pickled, "only pickled weights .pytorch_model.bin."),
        ("dataset", of_other_columns, "no column 'text'; known are review, label"),
        ("dataset", of_a_script, "loaded by a script .imdb.py., which is never run"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_trains(new, kind, change, message):
    name = f"{change.__name__}/imdb"
    new.hub.publish(kind, name, change(new.files[kind]))
    key = "checkpoint" if kind == "model" else "dataset"
    configure(new.folder, lambda config: config["hub"].update({key: name}))
    done = new.run("--cores", "2")
    assert done.returncode != 0
    errors = re.findall("^Error: (.*)", done.stderr, re.MULTILINE)
    assert len(errors) == 1
    assert re.search(message, errors[0]), errors
    assert "Traceback" not in done.stdout + done.stderr
    assert {path.name for path in (new.folder / RESULTS).iterdir()} == {
        "logs",
        ".lock",
        "config.yaml",
        "started_with.json",
    }
