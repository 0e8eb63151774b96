"""The Hub, spoken to through HF_ENDPOINT by the unchanged code, on a server of ours."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from unittest import mock

import pandas as pd
import pytest

from common.errors import UserError
from finetuning import sources
from finetuning.sources import hugging_face as hub_module
from finetuning.sources.local import CHECKPOINT_FILES
from tests.hub_server import PARQUET_COPY, HubServer
from tests.tiny import (
    CHECKPOINT,
    DATASET,
    DATASET_CARD,
    VOCABULARY,
    hub_checkpoint,
    hub_dataset,
    study_config,
    write_tiny_distilbert,
    write_tiny_sentences,
)


@pytest.fixture(scope="module")
def server():
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def environment(server, tmp_path_factory):
    """What production code finds in the environment: the endpoint, and a cache of its own."""
    return {
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(tmp_path_factory.mktemp("cache")),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }


@contextmanager
def new_process(environment):
    """A process that imports huggingface_hub with that environment (it is read at import)."""
    with mock.patch.dict(os.environ, environment):
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        pool.submit(os.getpid).result()
    yield pool
    pool.shutdown()


@pytest.fixture(scope="module")
def worker(environment):
    with new_process(environment) as worker:
        yield worker


@pytest.fixture
def hub(server):
    server.clear()
    return server


@pytest.fixture
def run(worker):
    return lambda function, *arguments: worker.submit(function, *arguments).result(timeout=60)


@pytest.fixture
def sentences(tmp_path):
    rows = pd.read_csv(write_tiny_sentences(tmp_path / "sentences.csv"))
    return rows.assign(label=(rows["label"] == "positive").astype(int))


@pytest.fixture
def files(tmp_path, sentences):
    """The files of a checkpoint and of a data set that look like the default ones."""
    directory = write_tiny_distilbert(tmp_path / "checkpoint")
    return {"model": hub_checkpoint(directory), "dataset": hub_dataset(sentences)}


@pytest.fixture
def commits(hub, files):
    return {
        "model": hub.publish("model", CHECKPOINT, files["model"]),
        "dataset": hub.publish("dataset", DATASET, files["dataset"]),
    }


@pytest.fixture
def config(commits):
    return study_config(CHECKPOINT, DATASET, evaluation_split="test")


def refusal(run, config):
    with pytest.raises(UserError) as caught:
        run(sources.resolve, config)
    message = str(caught.value)
    assert "\n" not in message
    return message


def paths(hub):
    return [path for _, path, _ in hub.requests if "agent-harnesses" not in path]


FAULTS = {
    "network": hub_module.HTTPError("no route"),
    "disk": OSError(28, "No space left on device"),
    "program": TypeError("unexpected"),
}


def resolve_with(where, fault, config):
    """In the process that speaks to the server: what resolving comes to when a call fails."""
    place = hub_module if where == "snapshot_download" else hub_module.HfApi
    with mock.patch.object(place, where, side_effect=FAULTS[fault]):
        return sources.resolve(config)


@pytest.mark.parametrize("fault", ["disk", "program"])
@pytest.mark.parametrize("where", ["model_info", "snapshot_download"])
def test_only_the_network_is_taken_for_the_hubs_silence(run, config, where, fault):
    with pytest.raises(type(FAULTS[fault]), match=str(FAULTS[fault]).replace("[", r"\[")):
        run(resolve_with, where, fault, config)


def test_a_network_that_fails_is_told(run, config):
    with pytest.raises(UserError, match=r"did not answer \(HTTPError: no route\)"):
        run(resolve_with, "model_info", "network", config | {"source": "hub"})


def test_nothing_but_what_is_used_of_a_checkpoint_is_fetched(run, hub, config, files):
    unused = {"pytorch_model.bin": b"pickled", "tf_model.h5": b"weights", "custom.py": b"1 / 0"}
    hub.publish("model", CHECKPOINT, files["model"] | unused)
    run(sources.resolve, config)
    assert any(path.endswith("model.safetensors") for path in paths(hub))
    for name in unused:
        assert not any(path.endswith(name) for path in paths(hub))


def test_a_preview_has_sizes_and_architecture_and_fetches_nothing_large(
    run, hub, config, commits, files
):
    # A commit that no other test has put into the cache.
    files["model"]["README.md"] += b"previewed\n"
    hub.publish("model", CHECKPOINT, files["model"])
    files["dataset"]["README.md"] += b"previewed\n"
    hub.publish("dataset", DATASET, files["dataset"])
    kind, seen = run(sources.preview, config)
    assert kind == "hub"
    assert seen.settings == json.loads(files["model"]["config.json"])
    used = [*CHECKPOINT_FILES, "README.md"]
    sizes = [len(data) for name, data in files["model"].items() if name in used]
    assert seen.downloads[CHECKPOINT] == sum(sizes)
    assert seen.downloads[DATASET] == sum(map(len, files["dataset"].values()))
    asked = [path for method, path, _ in hub.requests if method == "GET" and "/resolve/" in path]
    assert all(path.endswith("config.json") for path in asked)
    run(sources.choose, config)
    assert run(sources.preview, config)[1].downloads == {}


def test_the_hub_is_preferred_and_pinned(run, hub, config, commits, files, sentences, tmp_path):
    source = run(sources.resolve, config)
    assert source["kind"] == "hub"
    assert source["checkpoint_revision"] == commits["model"]
    assert source["dataset_revision"] == commits["dataset"]
    assert source["licence"] == {"checkpoint": "apache-2.0", "dataset": "other"}
    assert source["labels"] == ["NEGATIVE", "POSITIVE"]
    assert source["texts"] == {"study_evaluation": 48, "study_training": 48}
    assert source["requested"]["checkpoint_revision"] == "main"
    assert json.loads(json.dumps(source)) == source
    assert hub.endpoint not in json.dumps(source)
    # The branch is looked up once; all else is asked of the commit.
    assert sum(path.endswith("/revision/main") for path in paths(hub)) == 2

    hub.requests.clear()
    run(sources.write_checkpoint, source, tmp_path / "written")
    for name in ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt"):
        assert (tmp_path / "written" / name).read_bytes() == files["model"][name]
    texts = run(sources.read_texts, source, config)
    assert texts["text"].tolist() == sentences["text"].tolist()
    assert texts["label"].tolist() == sentences["label"].tolist()
    assert texts["part"].tolist() == ["study_training"] * 48 + ["study_evaluation"] * 48
    assert paths(hub) == []  # what is in the cache needs no connection


def test_datasets_itself_reads_from_the_server(run, config, commits):
    """The server is no straw man: datasets finds the data set by name on it."""
    import datasets

    rows = run(datasets.load_dataset, DATASET, None, None, None, "test")
    assert rows.num_rows == 48
    assert rows.features["label"].names == ["neg", "pos"]


def parquet_copy(files):
    """The content of refs/convert/parquet for a repository of the default data set."""
    return {
        path.replace("-00000-of-00001", "/0000"): content
        for path, content in files["dataset"].items()
        if path.endswith(".parquet")
    }


def test_the_parquet_copy_of_a_data_set_of_a_script(run, hub, config, files):
    hub.publish("dataset", DATASET, {"README.md": DATASET_CARD, "imdb.py": b"raise SystemExit"})
    commit = hub.publish("dataset", DATASET, parquet_copy(files), branch=PARQUET_COPY)
    config["hub"]["dataset_revision"] = PARQUET_COPY
    source = run(sources.resolve, config)
    assert source["dataset_revision"] == commit
    assert source["texts"] == {"study_evaluation": 48, "study_training": 48}


def test_datasets_lists_the_parquet_copy(hub, environment, commits, files):
    from datasets.utils import _dataset_viewer

    hub.publish("dataset", DATASET, parquet_copy(files), branch=PARQUET_COPY)
    # The data set viewer is a host of its own: here it is reached as if through a proxy.
    with new_process(environment | {"HTTP_PROXY": hub.endpoint}) as worker:
        question = (_dataset_viewer.get_exported_parquet_files, DATASET, commits["dataset"], None)
        listed = worker.submit(*question).result(timeout=60)
    assert [file["split"] for file in listed] == ["test", "train", "unsupervised"]
    assert listed[0]["url"].endswith("/refs%2Fconvert%2Fparquet/plain_text/test/0000.parquet")


def test_a_moved_branch_does_not_move_a_pinned_study(run, hub, config, commits, files, tmp_path):
    source = run(sources.resolve, config)
    other = write_tiny_distilbert(tmp_path / "other", seed=9)
    moved = hub.publish("model", CHECKPOINT, other)
    hub.publish("dataset", DATASET, {"README.md": b"# Gone"})
    run(sources.write_checkpoint, source, tmp_path / "written")
    written = (tmp_path / "written" / "model.safetensors").read_bytes()
    assert written == files["model"]["model.safetensors"]
    assert len(run(sources.read_texts, source, config)) == 96
    # A new study that asks for the branch gets the new commit; one that names the old, the old.
    config["hub"]["dataset_revision"] = commits["dataset"]
    assert run(sources.resolve, config)["checkpoint_revision"] == moved
    config["hub"]["checkpoint_revision"] = commits["model"]
    assert run(sources.resolve, config)["sha256"] == source["sha256"]


def fresh(files, tmp_path, seed, **size):
    """Other weights than any other test's, which are not in the cache."""
    directory = write_tiny_distilbert(tmp_path / f"fresh {seed}", seed=seed, **size)
    return files["model"] | {
        name: (directory / name).read_bytes() for name in ("model.safetensors", "config.json")
    }


@pytest.mark.parametrize("path", ["/api/models/", "model.safetensors", "/tree/"])
def test_a_hub_that_is_busy_for_a_moment_is_asked_again(run, hub, config, files, tmp_path, path):
    content = fresh(files, tmp_path, 100 + len(path))
    commit = hub.publish("model", CHECKPOINT, content)
    hub.fail(path, status=503)
    assert run(sources.resolve, config)["checkpoint_revision"] == commit
    assert all(fault.times == 0 for fault in hub.faults)


def test_a_download_that_breaks_off_goes_on_where_it_stopped(run, hub, config, files, tmp_path):
    # huggingface_hub writes in pieces of 10 MB; a smaller file begins anew.
    content = fresh(files, tmp_path, 200, dim=512)
    assert len(content["model.safetensors"]) > 20_000_000
    hub.publish("model", CHECKPOINT, content)
    hub.cut("model.safetensors", after=15_000_000)
    source = run(sources.resolve, config)
    run(sources.write_checkpoint, source, tmp_path / "written")
    written = (tmp_path / "written" / "model.safetensors").read_bytes()
    assert written == content["model.safetensors"]
    ranges = [
        headers.get("range")
        for method, path, headers in hub.requests
        if method == "GET" and "name=model.safetensors" in path
    ]
    assert len(ranges) == 2
    assert ranges[1] is not None
    assert int(ranges[1].removeprefix("bytes=").partition("-")[0]) >= 10_000_000


def test_a_hub_that_stays_broken_is_said_and_costs_nothing(run, hub, config, files, tmp_path):
    content = fresh(files, tmp_path, 300)
    commit = hub.publish("model", CHECKPOINT, content)
    hub.fail("resolve", status=403, times=1000)
    message = refusal(run, config)
    assert "could not be fetched from the Hub" in message
    assert "Rerun: what was downloaded is kept." in message
    hub.faults.clear()
    assert run(sources.resolve, config)["checkpoint_revision"] == commit


def in_new_process(environment, config, expression="sources.resolve(config)", **changes):
    """Run production code in a process of its own; gives what it printed and wrote as errors."""
    code = (
        "import json, sys; from finetuning import sources; config = json.load(sys.stdin)\n"
        f"print(json.dumps({expression}))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(config),
        capture_output=True,
        text=True,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(sys.path)} | changes,
    )


def test_a_private_checkpoint_needs_its_token_which_is_written_nowhere(
    run, hub, environment, config, files, tmp_path
):
    secret = "hf_" + "s" * 34
    hub.publish("model", "owner/private", fresh(files, tmp_path, 400))
    hub.repositories["model", "owner/private"].token = secret
    config["hub"]["checkpoint"] = "owner/private"
    message = refusal(run, config)
    assert "the Hub has no model 'owner/private' that you may read" in message

    home = tmp_path / "home"
    done = in_new_process(environment, config, HF_TOKEN=secret, HF_HOME=str(home))
    assert json.loads(done.stdout)["checkpoint"] == "owner/private"
    assert secret not in done.stdout + done.stderr
    for file in home.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()
    sent = [(path, headers) for _, path, headers in hub.requests if path.startswith("/cdn/")]
    assert sent
    assert all("authorization" not in headers for _, headers in sent)


def test_offline_with_a_filled_cache(run, hub, environment, config, commits):
    """Commits are found there, and branches as they stood when they were last looked up."""
    asked = {"checkpoint_revision": "main", "dataset_revision": commits["dataset"]}
    config["hub"] |= asked
    source = run(sources.resolve, config)
    hub.requests.clear()
    done = in_new_process(environment, config, HF_HUB_OFFLINE="1")
    assert json.loads(done.stdout) == source, done.stderr
    assert paths(hub) == []

    config["hub"]["checkpoint_revision"] = "0" * 40
    config["source"] = "hub"
    done = in_new_process(environment, config, HF_HUB_OFFLINE="1")
    last = done.stderr.strip().splitlines()[-1]
    assert "UserError: source: hub needs" in last
    assert f"HF_HUB_OFFLINE is set, and {CHECKPOINT} at revision {'0' * 40}" in last


def choose(config):
    """What `resolve` decides, without fetching the embedded wheels."""
    return sources.choose(config)


def choose_in_a_second(config):
    with mock.patch.object(hub_module, "ANSWER_SECONDS", 1):
        return choose(config)


def test_a_hub_that_does_not_answer_is_known_in_time(run, hub, config):
    assert hub_module.ANSWER_SECONDS <= 10
    hub.silent.set()
    start = time.monotonic()
    source = run(choose_in_a_second, config)
    assert time.monotonic() - start < 2
    assert source["kind"] == "embedded"
    assert "did not answer (no answer within 10 seconds)" in source["sentence"]
    assert f"EMBEDDED model and sentences were used instead of {CHECKPOINT}" in source["sentence"]


def test_a_hub_that_cannot_be_reached(config, environment):
    closed = environment | {"HF_ENDPOINT": "http://user:word@127.0.0.1:9"}
    start = time.monotonic()
    done = in_new_process(closed, config, "sources.choose(config)")
    assert time.monotonic() - start < 10
    source = json.loads(done.stdout)
    assert source["kind"] == "embedded"
    assert "Connection refused" in source["sentence"]
    assert "word" not in source["sentence"].replace("words", "")

    config["source"] = "hub"
    done = in_new_process(closed, config, "sources.choose(config)")
    last = done.stderr.strip().splitlines()[-1]
    assert "UserError: source: hub needs hub.checkpoint and hub.dataset" in last
    assert "source: embedded" in last


def test_ones_own_data_is_never_replaced_by_the_embedded(run, hub, config, tmp_path):
    hub.fail("/api/models/", status=403, times=1000)
    config["hub"]["dataset"] = str(write_tiny_sentences(tmp_path / "own.csv"))
    config["hub"]["evaluation_split"] = None
    message = refusal(run, config)
    assert "source: auto needs hub.checkpoint from the Hugging Face Hub" in message
    assert "HTTP status 403" in message


def test_local_files_touch_no_network(run, hub, tmp_path):
    config = study_config(
        str(write_tiny_distilbert(tmp_path / "checkpoint")),
        str(write_tiny_sentences(tmp_path / "sentences.csv")),
    )
    assert run(sources.resolve, config)["dataset_revision"] is None
    assert paths(hub) == []


def test_a_checkpoint_from_the_hub_with_a_local_table(run, config, tmp_path):
    config["hub"]["dataset"] = str(write_tiny_sentences(tmp_path / "own.csv"))
    config["hub"]["evaluation_split"] = None
    source = run(sources.resolve, config)
    assert source["texts"] == {"study": 96}
    assert "from local files" in source["sentence"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"checkpoint": "owner/nothing"}, "the Hub has no model 'owner/nothing'"),
        ({"dataset": "owner/nothing"}, "the Hub has no dataset 'owner/nothing'"),
        ({"checkpoint": "not a name"}, "the Hub has no model 'not a name'"),
        ({"checkpoint_revision": "v9"}, "hub.checkpoint_revision"),
        ({"dataset_revision": "f" * 40}, f"{DATASET} has no revision '{'f' * 40}'"),
        ({"text_column": "sentence"}, "has no column 'sentence'; known are text, label."),
        ({"label_column": "lable"}, "did you mean 'label'?"),
        ({"group_column": "film"}, "hub.group_column"),
        (
            {"evaluation_split": "validation"},
            "no split 'validation'; it has train, test, unsupervised.",
        ),
        ({"dataset_configuration": "small"}, "no configuration 'small'; it has plain_text."),
    ],
)
def test_what_the_hub_does_not_have_is_refused(run, config, changes, words):
    config["hub"] |= changes
    assert words in refusal(run, config)


def test_a_checkpoint_of_another_architecture(run, hub, config, files):
    settings = json.loads(files["model"]["config.json"]) | {"model_type": "roberta"}
    changed = files["model"] | {"config.json": json.dumps(settings).encode()}
    hub.publish("model", CHECKPOINT, changed)
    assert "type 'roberta'; only DistilBERT" in refusal(run, config)


def test_a_checkpoint_with_the_vocabulary_of_another(run, hub, config, files, tmp_path):
    other = write_tiny_distilbert(tmp_path / "other", vocabulary=VOCABULARY[:40], seed=9)
    weights = (other / "model.safetensors").read_bytes()
    hub.publish("model", CHECKPOINT, files["model"] | {"model.safetensors": weights})
    assert "the vocabulary does not match" in refusal(run, config)


def test_a_checkpoint_with_more_labels_than_the_data_set(run, hub, config, tmp_path):
    emotions = write_tiny_distilbert(tmp_path / "other", labels=("joy", "anger", "fear"))
    hub.publish("model", CHECKPOINT, emotions)
    message = refusal(run, config)
    assert "the labels neg, pos" in message
    assert "0 joy, 1 anger, 2 fear" in message


def test_a_checkpoint_of_pickled_weights_is_not_even_fetched(run, hub, config, files):
    content = dict(files["model"])
    content["pytorch_model.bin"] = content.pop("model.safetensors")
    hub.publish("model", CHECKPOINT, content)
    assert "only pickled weights (pytorch_model.bin" in refusal(run, config)
    assert not any("resolve" in path for path in paths(hub))


def test_a_data_set_of_a_loading_script(run, hub, config):
    hub.publish("dataset", DATASET, {"README.md": b"# x", "imdb.py": b"raise SystemExit"})
    message = refusal(run, config)
    assert "loaded by a script (imdb.py), which is never run" in message
    assert "refs/convert/parquet" in message


def test_a_data_set_without_rows(run, hub, config):
    hub.publish("dataset", DATASET, {"README.md": b"# x", "photo.bin": b"..."})
    assert "cannot be read" in refusal(run, config)


def test_a_data_set_of_several_configurations(run, hub, config, sentences):
    card = b"""---
configs:
- config_name: first
  data_files: first.csv
- config_name: second
  data_files: second.csv
---
"""
    tables = {f"{name}.csv": sentences.to_csv(index=False).encode() for name in ("first", "second")}
    hub.publish("dataset", DATASET, {"README.md": card} | tables)
    config["hub"]["evaluation_split"] = None
    assert "write one of first, second" in refusal(run, config)
    config["hub"]["dataset_configuration"] = "second"
    assert run(sources.resolve, config)["texts"] == {"study": 96}


def test_labels_of_the_data_set_that_are_not_the_checkpoints(run, hub, config, files):
    content = files["dataset"] | {"README.md": DATASET_CARD.replace(b"neg", b"ham")}
    hub.publish("dataset", DATASET, content)
    message = refusal(run, config)
    assert "the labels ham, pos" in message
    assert "0 NEGATIVE, 1 POSITIVE" in message


def test_no_password_of_an_endpoint_is_repeated():
    reason = hub_module._reason(OSError("no header from http://me:word@hub.example/owner/name"))
    assert reason == "OSError: no header from http://hub.example/owner/name"


def test_waiting_between_attempts_is_bounded(monkeypatch):
    waits = []
    monkeypatch.setattr(hub_module.time, "sleep", waits.append)
    attempts = []

    class ReadError(Exception):
        pass

    def broken():
        attempts.append(1)
        raise ReadError

    with pytest.raises(ReadError):
        hub_module._patiently(broken)
    assert (len(attempts), waits) == (4, [1, 2, 4])
    attempts.clear()
    with pytest.raises(ReadError):
        hub_module._patiently(broken, deadline=time.monotonic() + 1.5)
    assert len(attempts) == 2
