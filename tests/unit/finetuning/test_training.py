"""Checkpoints, training and evaluation on a tiny DistilBERT."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.metrics import accuracy_score, f1_score, log_loss

from finetuning.dataset import Split, tokenised_examples
from finetuning.errors import StudyError
from finetuning.hyperparameters import Hyperparameters

LENGTHS = [8, 16]
SEEDS = {"order": 1, "dropout": 2}
BASE = Hyperparameters(
    learning_rate=0.005,
    batch_size=8,
    epochs=3,
    weight_decay=0.01,
    dropout=0.1,
    warmup=0.0,
    frozen_layers=0,
    schedule="constant",
)


@pytest.fixture(scope="session")
def split(tiny_checkpoint, tmp_path_factory):
    import pandas as pd

    from tests.tiny import write_tiny_sentences

    path = write_tiny_sentences(tmp_path_factory.mktemp("sentences") / "sentences.csv")
    texts = pd.read_csv(path)
    texts["label"] = (texts["label"] == "positive").astype(int)
    rows = np.arange(len(texts))
    return Split(
        *(
            tokenised_examples(texts, part, tiny_checkpoint, LENGTHS)
            for part in (rows[:60], rows[60:])
        )
    )


def deliver(keras, checkpoint, split, folder, levels, **changes):
    from finetuning.trajectory import deliver_cells

    folders = {epochs: folder / f"epochs={epochs}" for epochs in levels}
    hyperparameters = replace(BASE, epochs=max(levels), **changes)
    lines = []
    deliver_cells(checkpoint, split, hyperparameters, folders, SEEDS, threads=1, say=lines.append)
    return folders, lines


def results(folder):
    names = ("metrics.json", "predictions.safetensors", "history.csv")
    return {name: (folder / name).read_bytes() for name in names}


def test_a_checkpoint_survives_loading_and_saving(keras, tiny_checkpoint, tmp_path):
    from finetuning.checkpoints import load_classifier, save_classifier

    save_classifier(load_classifier(tiny_checkpoint), tmp_path / "model.safetensors")
    before = load_file(tiny_checkpoint / "model.safetensors")
    after = load_file(tmp_path / "model.safetensors")
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda tensors: tensors.pop("classifier.bias"), "no tensor classifier.bias"),
        (
            lambda tensors: tensors.update({"pre_classifier.bias": np.zeros(7, np.float32)}),
            r"pre_classifier\.bias has shape \(7,\)",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    keras, tiny_checkpoint, tmp_path, spoil, message
):
    from finetuning.checkpoints import load_classifier

    tensors = load_file(tiny_checkpoint / "model.safetensors")
    spoil(tensors)
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((tiny_checkpoint / "config.json").read_bytes())
    with pytest.raises(StudyError, match=message):
        load_classifier(tmp_path)


@pytest.mark.parametrize("classes", [2, 3])
def test_metrics_agree_with_scikit_learn(keras, classes):
    from finetuning.metrics import measure

    random = np.random.default_rng(0)
    labels = random.integers(0, classes, 300)
    logits = (random.normal(size=(300, classes)) + 1.5 * np.eye(classes)[labels]).astype("f4")
    probabilities = np.exp(logits.astype(float))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = logits.argmax(axis=1)
    found = measure(logits, labels)
    macro = f1_score(labels, predicted, average="macro")
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert found["f1_macro"] == pytest.approx(macro)
    assert found["f1"] == pytest.approx(f1_score(labels, predicted) if classes == 2 else macro)
    assert found["loss"] == pytest.approx(log_loss(labels, probabilities))


def test_calibration_error_of_known_predictions(keras):
    from finetuning.metrics import measure

    # ten predictions of confidence 0.85, six of them right
    logits = np.tile([0.0, np.log(0.85 / 0.15)], (10, 1))
    labels = np.array([1] * 6 + [0] * 4)
    assert measure(logits, labels)["ece"] == pytest.approx(0.25)


def test_one_run_delivers_the_cells_that_runs_of_their_own_would(
    keras, tiny_checkpoint, split, tmp_path
):
    shared, lines = deliver(keras, tiny_checkpoint, split, tmp_path / "shared", [1, 2, 3])
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2", "epoch 3"]
    for epochs in (3, 1):
        alone, _ = deliver(keras, tiny_checkpoint, split, tmp_path / "alone", [epochs])
        assert results(alone[epochs]) == results(shared[epochs])
    assert results(shared[1]) != results(shared[3])
    measured = json.loads((shared[3] / "metrics.json").read_text())
    assert measured["steps"] == 3 * 8
    assert measured["hyperparameters"]["epochs"] == 3
    assert measured["tokens"] == 3 * split.training.lengths.sum()
    timing = json.loads((shared[3] / "timing.json").read_text())
    assert timing["seconds"] > 0 and timing["peak_memory_mb"] > 100


def test_a_seed_changes_the_run(keras, tiny_checkpoint, split):
    from finetuning.trainer import finetune

    def losses(seeds, **changes):
        hyperparameters = replace(BASE, epochs=1, **changes)
        run = finetune(tiny_checkpoint, split.training, hyperparameters, seeds)
        return [row["training_loss"] for row in next(run).history]

    first = losses(SEEDS)
    assert first == losses(SEEDS)
    assert first != losses(SEEDS | {"order": 9})
    assert first != losses(SEEDS | {"dropout": 9})
    # without dropout in the encoder that of the head remains
    assert losses(SEEDS, dropout=0.0) != losses(SEEDS | {"dropout": 9}, dropout=0.0)


def test_frozen_layers_keep_their_weights(keras, tiny_checkpoint, split, tmp_path):
    from finetuning.checkpoints import save_classifier
    from finetuning.trainer import finetune

    def changed(frozen_layers):
        hyperparameters = replace(BASE, epochs=1, frozen_layers=frozen_layers)
        run = finetune(tiny_checkpoint, split.training, hyperparameters, SEEDS)
        save_classifier(next(run).classifier, tmp_path / "model.safetensors")
        before = load_file(tiny_checkpoint / "model.safetensors")
        after = load_file(tmp_path / "model.safetensors")
        return {name for name in before if not np.array_equal(before[name], after[name])}

    everything = changed(0)
    assert "distilbert.embeddings.word_embeddings.weight" in everything
    kept = ("distilbert.embeddings.", "distilbert.transformer.layer.0.")
    assert changed(1) == {name for name in everything if not name.startswith(kept)}
    assert {name.split(".")[0] for name in changed(2)} == {"pre_classifier", "classifier"}


def test_a_diverged_run_is_recorded_and_trains_no_further(keras, tiny_checkpoint, split, tmp_path):
    folders, lines = deliver(
        keras, tiny_checkpoint, split, tmp_path, [1, 2], learning_rate=1e30, weight_decay=0.0
    )
    for epochs, folder in folders.items():
        recorded = json.loads((folder / "metrics.json").read_text())
        assert recorded["status"] == "diverged"
        assert recorded["hyperparameters"]["epochs"] == epochs
        assert "metrics" not in recorded
        history = (folder / "history.csv").read_text().splitlines()
        assert len(history) == recorded["diverged_at_step"] + 1 < 8 + 1
        assert len(load_file(folder / "predictions.safetensors")["labels"]) == 0
    assert "not finite" in lines[-1]
