"""Checkpoints, training and evaluation on a tiny DistilBERT."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.metrics import log_loss

from common.errors import UserError
from common.hyperparameters import Hyperparameters
from finetuning.dataset import Split, examples_of, tokenise

LENGTHS = [8, 16]
SEEDS = {"order": 1, "dropout": 2}
PROVENANCE = {"threads": 1}
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
    parts = (rows[:60], rows[60:76], rows[76:])
    tokenised = tokenise(texts["text"], tiny_checkpoint, LENGTHS[-1])
    return Split(*(examples_of(texts, tokenised, part, LENGTHS) for part in parts))


class Killed(Exception):
    """Stands for kill -9 between two steps."""


def deliver(keras, checkpoint, split, folder, levels, die_at_step=None, copied=None, **changes):
    """Trains, keeping the state after every step; dies before a step if asked to."""
    from finetuning.state import State
    from finetuning.tally import Tally
    from finetuning.trajectory import deliver_cells

    class DyingState(State):
        def is_due(self):
            steps.append(1)
            if len(steps) == die_at_step:
                raise Killed
            return True

    folders = {epochs: folder / f"epochs={epochs}" for epochs in levels}
    hyperparameters = replace(BASE, epochs=max(levels), **changes)
    lines, steps = [], []
    state = DyingState(folder / "state.safetensors", {"levels": levels}, every=0)
    with Tally(folder / "run.log") as tally:
        deliver_cells(
            *(checkpoint, split, hyperparameters, SEEDS, PROVENANCE, folders, state, tally),
            say=lines.append,
            copied=copied,
        )
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
    with pytest.raises(UserError, match=message):
        load_classifier(tmp_path)


def test_one_run_delivers_the_cells_that_runs_of_their_own_would(
    keras, tiny_checkpoint, split, tmp_path, monkeypatch
):
    from finetuning import trajectory
    from finetuning.tally import Tally

    told, watched = [], []
    monkeypatch.setattr(Tally, "trained", lambda self, *done: told.append(done))

    class Watched(trajectory.Stopwatch):
        def pause(self):
            watched.append("pause")
            super().pause()

        def resume(self):
            watched.append("resume")
            super().resume()

    monkeypatch.setattr(trajectory, "Stopwatch", Watched)
    shared, lines = deliver(keras, tiny_checkpoint, split, tmp_path / "shared", [1, 2, 3])
    number = r"\d\.\d{4}"
    for epoch, line in enumerate(lines, 1):
        assert re.fullmatch(
            f"epoch {epoch}: training loss {number}, evaluation loss {number}, accuracy {number}",
            line,
        )
    assert len(lines) == 3 and watched == ["pause", "resume"] * 3
    assert told[7] == (8, 60, split.training.lengths.sum()) and len(told) == 24
    for epochs in (3, 1):
        alone, _ = deliver(keras, tiny_checkpoint, split, tmp_path / "alone", [epochs])
        assert results(alone[epochs]) == results(shared[epochs])
    assert results(shared[1]) != results(shared[3])
    measured = json.loads((shared[3] / "metrics.json").read_text())
    assert measured["steps"] == 3 * 8
    assert measured["hyperparameters"]["epochs"] == 3
    assert measured["tokens"] == 3 * split.training.lengths.sum()
    # 24 batches of 8 texts, one of which at least has more than 8 tokens
    assert measured["padding_share"] == round(1 - measured["tokens"] / (24 * 8 * 16), 4)
    assert "best_epoch" not in measured
    timing = json.loads((shared[3] / "timing.json").read_text())
    assert timing["seconds"] > 0 and timing["peak_memory_mb"] > 100


def test_a_seed_changes_the_run(keras, tiny_checkpoint, split):
    from finetuning.trainer import Run

    def losses(seeds, **changes):
        hyperparameters = replace(BASE, epochs=1, **changes)
        run = Run(tiny_checkpoint, [split.training], hyperparameters, seeds)
        next(run.epochs())
        return [row["training_loss"] for row in run.progress.history]

    first = losses(SEEDS)
    assert first == losses(SEEDS)
    assert first != losses(SEEDS | {"order": 9})
    assert first != losses(SEEDS | {"dropout": 9})
    # without dropout in the encoder that of the head remains
    assert losses(SEEDS, dropout=0.0) != losses(SEEDS | {"dropout": 9}, dropout=0.0)


def test_frozen_layers_keep_their_weights(keras, tiny_checkpoint, split, tmp_path):
    from finetuning.checkpoints import save_classifier
    from finetuning.trainer import Run

    def changed(frozen_layers):
        hyperparameters = replace(BASE, epochs=1, frozen_layers=frozen_layers)
        run = Run(tiny_checkpoint, [split.training], hyperparameters, SEEDS)
        next(run.epochs())
        save_classifier(run.classifier, tmp_path / "model.safetensors")
        before = load_file(tiny_checkpoint / "model.safetensors")
        after = load_file(tmp_path / "model.safetensors")
        return {name for name in before if not np.array_equal(before[name], after[name])}

    everything = changed(0)
    assert "distilbert.embeddings.word_embeddings.weight" in everything
    kept = ("distilbert.embeddings.", "distilbert.transformer.layer.0.")
    assert changed(1) == {name for name in everything if not name.startswith(kept)}
    assert {name.split(".")[0] for name in changed(2)} == {"pre_classifier", "classifier"}


def test_a_killed_run_goes_on_to_the_same_bytes(keras, tiny_checkpoint, split, tmp_path):
    changes = {"schedule": "reduce_on_plateau", "early_stopping": 2}
    levels = [1, 2]
    whole, _ = deliver(keras, tiny_checkpoint, split, tmp_path / "whole", levels, **changes)
    folder = tmp_path / "killed"
    # after steps 3 of the first epoch, 8 (its last) and 14, the sixth of the second
    for died_at in (4, 6, 7):
        for cell in folder.glob("epochs=*"):  # as Snakemake does with an unfinished job's outputs
            shutil.rmtree(cell)
        with pytest.raises(Killed):
            deliver(keras, tiny_checkpoint, split, folder, levels, die_at_step=died_at, **changes)
    shutil.rmtree(folder / "epochs=1")
    resumed, lines = deliver(keras, tiny_checkpoint, split, folder, levels, **changes)
    assert lines[0] == "resuming after step 14"
    for epochs in levels:
        assert results(resumed[epochs]) == results(whole[epochs])
    assert not (folder / "state.safetensors").exists()


def test_seconds_trained_before_a_kill_are_counted(keras, tiny_checkpoint, split, tmp_path):
    from finetuning.state import State

    with pytest.raises(Killed):
        deliver(keras, tiny_checkpoint, split, tmp_path, [1, 2], die_at_step=12)
    path, made_with = tmp_path / "state.safetensors", {"levels": [1, 2]}
    arrays, record = State(path, made_with, every=0).read(pytest.fail)
    delivered = record["cells"]["1"]["seconds"]
    assert 0 < delivered <= record["seconds"] < 1000
    State(path, made_with, every=0).write(arrays, record | {"seconds": 1000})
    folders, _ = deliver(keras, tiny_checkpoint, split, tmp_path, [1, 2])
    seconds = {
        n: json.loads((f / "timing.json").read_text())["seconds"] for n, f in folders.items()
    }
    assert seconds[1] == round(delivered, 2)
    assert 1000 < seconds[2] < 2000


def test_a_damaged_state_is_not_used(keras, tiny_checkpoint, split, tmp_path):
    whole, _ = deliver(keras, tiny_checkpoint, split, tmp_path / "whole", [1])
    (tmp_path / "state.safetensors").write_bytes(b"no state")
    folders, lines = deliver(keras, tiny_checkpoint, split, tmp_path, [1])
    assert "is damaged" in lines[0] and "Training starts from the baseline" in lines[0]
    assert results(folders[1]) == results(whole[1])


def test_adamw_is_that_of_keras(keras):
    import tensorflow as tf

    from finetuning.adamw import AdamW

    random = np.random.default_rng(0)
    shapes = {"kernel": (30, 4), "bias": (4,), "gamma": (4,)}
    started = {name: random.normal(size=shape).astype("f4") for name, shape in shapes.items()}
    variables, expected = (
        [keras.Variable(value, name=name) for name, value in started.items()] for _ in range(2)
    )
    ours = AdamW(variables, weight_decay=0.1)
    theirs = keras.optimizers.AdamW(weight_decay=0.1, epsilon=1e-8)
    theirs.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    theirs.build(expected)
    for learning_rate in (0.1, 0.05, 0.02, 0.0):
        gradients = [random.normal(size=shape).astype("f4") for shape in shapes.values()]
        ours.apply([tf.constant(g) for g in gradients], tf.constant(learning_rate))
        theirs.learning_rate = learning_rate
        theirs.apply([tf.constant(g) for g in gradients], expected)
    for value, one, other in zip(started.values(), variables, expected, strict=True):
        travelled = np.abs(one.numpy() - value).max()
        assert travelled > 0.05
        # 1 - 0.999 has a relative precision of 6e-5 in float32
        assert np.abs(one.numpy() - other.numpy()).max() < 5e-5 * travelled


def test_early_stopping_delivers_the_best_epoch(keras, tiny_checkpoint, split, tmp_path):
    from common.metrics import measure
    from finetuning.evaluation import predict_logits
    from finetuning.trainer import Run

    levels = list(range(1, 9))
    changes = {"learning_rate": 0.02, "epochs": 8, "dropout": 0.0}
    run = Run(tiny_checkpoint, [split.training], replace(BASE, **changes), SEEDS)
    validated, evaluated = {}, {}
    for epoch in run.epochs():
        logits = predict_logits(run.predict, split.validation)
        validated[epoch] = measure(logits, split.validation.labels)["loss"]
        evaluated[epoch] = predict_logits(run.predict, split.evaluation)
    # a patience of one epoch ends the run after the first that is no better than its best
    stopped = next(e for e in levels[1:] if validated[e] >= min(validated[b] for b in range(1, e)))
    assert stopped < 8, validated

    changes = {"learning_rate": 0.02, "dropout": 0.0, "early_stopping": 1}
    folders, lines = deliver(keras, tiny_checkpoint, split, tmp_path, levels, **changes)
    best = min(range(1, stopped + 1), key=validated.get)
    assert lines[-1] == f"no better validation loss since epoch {best}: stopped early"
    for epochs, folder in folders.items():
        recorded = json.loads((folder / "metrics.json").read_text())
        expected = min(range(1, min(epochs, stopped) + 1), key=validated.get)
        assert recorded["best_epoch"] == expected
        assert recorded["status"] == ("ok" if epochs <= stopped else "stopped_early")
        assert recorded["steps"] == 8 * min(epochs, stopped)
        predictions = load_file(folder / "predictions.safetensors")
        np.testing.assert_array_equal(predictions["logits"], evaluated[expected])
    assert recorded["stopped_after_epoch"] == stopped


def test_early_stopping_looks_at_the_validation_examples_alone(
    keras, tiny_checkpoint, split, tmp_path, monkeypatch
):
    from finetuning import trainer

    seen = []

    def ever_worse_on_validation(logits, labels):
        assert len(logits) == len(labels)
        seen.append(labels)
        validated = np.array_equal(labels, split.validation.labels)
        return {"loss": len(seen) if validated else -len(seen)}

    monkeypatch.setattr(trainer, "measure", ever_worse_on_validation)
    folders, _ = deliver(keras, tiny_checkpoint, split, tmp_path, [1, 4], early_stopping=1)
    recorded = json.loads((folders[4] / "metrics.json").read_text())
    assert (recorded["best_epoch"], recorded["stopped_after_epoch"], len(seen)) == (1, 2, 2)
    assert recorded["metrics"] == json.loads((folders[1] / "metrics.json").read_text())["metrics"]


def test_logits_that_are_not_finite_are_no_result(
    keras, tiny_checkpoint, split, tmp_path, monkeypatch
):
    from finetuning import trainer

    predict_logits = trainer.predict_logits

    def overflowing(predictor, examples):
        logits = predict_logits(predictor, examples)
        logits[3, 1] = np.inf
        return logits

    monkeypatch.setattr(trainer, "predict_logits", overflowing)
    folders, lines = deliver(keras, tiny_checkpoint, split, tmp_path, [1, 2])
    for folder in folders.values():
        recorded = json.loads((folder / "metrics.json").read_text())
        assert recorded["status"] == "diverged" and recorded["diverged_at_step"] == 8
        assert "metrics" not in recorded
        assert len(load_file(folder / "predictions.safetensors")["logits"]) == 0
    assert "not finite" in lines[-1]


def test_a_plateau_waits_anew_after_each_reduction(keras, tiny_checkpoint, split, monkeypatch):
    from finetuning import trainer

    monkeypatch.setattr(trainer, "measure", lambda *_: {"loss": 1.0})  # best once, then never
    changes = {"schedule": "reduce_on_plateau", "plateau_factor": 0.1, "epochs": 6}
    hyperparameters = replace(BASE, plateau_patience=2, **changes)
    run = trainer.Run(tiny_checkpoint, [split.training], hyperparameters, SEEDS, split.validation)
    rates = [run.progress.history[-1]["step_learning_rate"] for _ in run.epochs()]
    expected = [0.005, 0.005, 0.005, 0.0005, 0.0005, 0.00005]
    assert rates == pytest.approx(expected)


def test_a_plateau_reduces_the_learning_rate(keras, tiny_checkpoint, split):
    from finetuning.trainer import Run

    changes = {"schedule": "reduce_on_plateau", "plateau_factor": 0.1, "epochs": 12}
    hyperparameters = replace(BASE, learning_rate=0.02, plateau_patience=1, **changes)
    run = Run(tiny_checkpoint, [split.training], hyperparameters, SEEDS, split.validation)
    learning_rate, best = 0.02, np.inf
    for _ in run.epochs():
        assert run.progress.history[-1]["step_learning_rate"] == pytest.approx(learning_rate)
        logits = run.logits(split.validation)
        probability = np.exp(logits.astype(float))
        probability /= probability.sum(axis=1, keepdims=True)
        loss = log_loss(split.validation.labels, probability)
        learning_rate, best = (learning_rate, loss) if loss < best else (learning_rate / 10, best)
    assert learning_rate < 0.02


def test_mixed_precision_keeps_float32_weights_and_logits(keras, tiny_checkpoint, split):
    from finetuning.trainer import Run

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        run = Run(tiny_checkpoint, [split.training], replace(BASE, epochs=1), SEEDS)
        next(run.epochs())
    finally:
        keras.config.set_dtype_policy("float32")
    exact = Run(tiny_checkpoint, [split.training], replace(BASE, epochs=1), SEEDS)
    next(exact.epochs())
    assert {str(weight.dtype) for weight in run.classifier.trainable_variables} == {"float32"}
    logits, expected = run.logits(split.evaluation), exact.logits(split.evaluation)
    assert logits.dtype == np.float32
    assert 0 < np.abs(logits - expected).max() < 0.5


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


def test_epochs_train_on_the_sets_in_turn(keras, tiny_checkpoint, split):
    from finetuning.trainer import Run

    half = np.arange(30)
    sets = [split.training.take(half), split.training.take(half + 30)]
    run = Run(tiny_checkpoint, sets, replace(BASE, epochs=3), SEEDS)
    counted, seen = [0], []
    for _ in run.epochs(lambda: seen.append(run.examples_trained)):
        counted.append(run.progress.tokens)
    first, second = (int(each.lengths.sum()) for each in sets)
    assert np.diff(counted).tolist() == [first, second, first]
    assert [row["step"] for row in run.progress.history] == list(range(1, 13))
    assert [row["epoch"] for row in run.progress.history] == [step / 4 for step in range(1, 13)]
    # four steps of 8 an epoch, the last of which has 6 examples
    assert seen == [30 * epoch + step for epoch in range(3) for step in (8, 16, 24, 30)]
    assert run.examples_trained == 90


def test_copies_are_trained_on_and_copies_that_are_the_texts_change_nothing(
    keras, tiny_checkpoint, split, tmp_path
):
    from finetuning.augmentation.copied import Copied

    usable = np.ones(len(split.training), bool)
    same = Copied(split.training, usable, usable, usable, usable)
    reverse = split.training.take(np.arange(len(usable))[::-1])
    other = replace(same, examples=replace(reverse, labels=split.training.labels))
    found = {}
    for name, copied in (("without", None), ("same", same), ("other", other)):
        folders, _ = deliver(
            keras, tiny_checkpoint, split, tmp_path / name, [1], None, copied,
            augmentation="replace",
        )  # fmt: skip
        found[name] = results(folders[1])["predictions.safetensors"]
    assert found["without"] == found["same"] != found["other"]
