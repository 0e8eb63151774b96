"""The other side of grid_vs_keras_tuner: Keras Tuner's GridSearch over the same cells.

A trial builds KerasHub's classifier from the checkpoint, compiles it as Keras does by default
(which is with XLA) and fits it for its epochs. As KerasHub's own preprocessor does, every text is
padded to one length, the study's longest. Left out in Keras Tuner's favour: evaluation after each
epoch, and the weights it would keep of each trial. Run in a process of its own:

    python -m tests.benchmarks.keras_tuner_loop JOB.json

JOB.json is that of pytorch_loop.py.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from finetuning.checkpoints import load_classifier
from finetuning.dataset import Examples, read_split

EVALUATED_AT_ONCE = 32


def padded(examples: Examples) -> dict[str, np.ndarray]:
    """All texts as the classifier takes them, padded to the study's longest length."""
    lengths = examples.lengths
    mask = np.arange(examples.padded_lengths[-1]) < lengths[:, None]
    tokens = np.zeros(mask.shape, np.int32)
    tokens[mask] = examples.tokens
    return {"token_ids": tokens, "padding_mask": mask.astype(np.int32)}


class Cells(keras_tuner.HyperModel):
    """A replicate's cells as trials: what is searched over is which of them."""

    def __init__(self, job: dict, replicate: int) -> None:
        super().__init__()
        self.checkpoint = Path(job["checkpoint"])
        self.split = read_split(Path(job["splits"][str(replicate)]))
        self.cells = {
            number: cell["hyperparameters"]
            for number, cell in enumerate(job["cells"])
            if cell["replicate"] == replicate
        }
        self.logits: dict[str, np.ndarray] = {}

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        cell = self.cells[hp.Choice("cell", list(self.cells))]
        model = load_classifier(self.checkpoint, cell["dropout"])
        optimizer = keras.optimizers.AdamW(
            cell["learning_rate"], weight_decay=cell["weight_decay"], epsilon=1e-8
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, **_: object) -> float:
        cell = self.cells[hp.get("cell")]
        model.fit(
            padded(self.split.training),
            self.split.training.labels,
            batch_size=cell["batch_size"],
            epochs=cell["epochs"],
            verbose=0,
        )
        logits = model.predict(padded(self.split.evaluation), EVALUATED_AT_ONCE, verbose=0)
        self.logits[str(hp.get("cell"))] = logits
        labels = self.split.evaluation.labels
        loss = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return float(np.mean(loss))  # to be minimised


def main(job: dict) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    logits, tokens, computed = {}, 0, 0
    for replicate in sorted({cell["replicate"] for cell in job["cells"]}):
        cells = Cells(job, replicate)
        with tempfile.TemporaryDirectory() as folder:
            keras_tuner.GridSearch(cells, directory=folder).search()
        logits |= cells.logits
        training = cells.split.training
        epochs = sum(cell["epochs"] for cell in cells.cells.values())
        tokens += epochs * len(training.tokens)
        computed += epochs * len(training) * int(training.padded_lengths[-1])
    save_file(logits | {"trained": np.array([tokens, computed], np.int64)}, job["out"])


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
