"""Programs that are kept for the next process, and what a job imports."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from common.errors import UserError
from finetuning.files import read_arrays

LOSS_AT_LENGTHS = """
import sys
from pathlib import Path
import numpy as np
from finetuning import runtime
runtime.start(threads=1)
from finetuning.checkpoints import load_classifier
from finetuning.trainer import compile_gradients
import finetuning.trajectory  # all that a training job is made of
gradients = compile_gradients(load_classifier(Path(sys.argv[1]), dropout=0.1))
for length in map(int, sys.argv[2:]):
    ids = np.ones((4, length), np.int32)
    gradients(ids, ids, np.zeros(4, np.int32), np.ones(4, np.float32))
slow = "datasets huggingface_hub matplotlib pandas scipy sklearn transformers".split()
slow += ["sentencepiece", "tokenizers"]
print([name for name in slow if name in sys.modules])
"""


def batch(length=8):
    mask = np.arange(length) < np.array([[length], [3]])
    return np.full((2, length), 7, np.int32) * mask, mask.astype(np.int32)


def damage(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(UserError, match="damaged"):
        read_arrays(path)


@pytest.fixture
def programs(keras, monkeypatch, tmp_path):
    """An empty folder of kept programs."""
    from finetuning import programs

    monkeypatch.setattr(programs, "programs_directory", lambda: tmp_path / "programs")
    return tmp_path / "programs"


def test_a_second_process_compiles_nothing_whatever_it_needs_first(tiny_checkpoint, tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)

    def run(*lengths):
        """The files of the cache after a process, and what it has imported."""
        command = [sys.executable, "-c", LOSS_AT_LENGTHS, str(tiny_checkpoint), *lengths]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return {path.name for path in tmp_path.rglob("*") if path.is_file()}, done.stdout

    kept, imported = run("8", "16")
    assert sum(name.startswith("program_") for name in kept) == 2
    assert imported.strip() == "[]"
    assert run("16", "8")[0] == kept


def test_programs_compute_what_keras_and_tensorflow_do(programs, keras, tiny_checkpoint, tmp_path):
    import tensorflow as tf

    from finetuning.checkpoints import load_classifier
    from finetuning.evaluation import compile_predictor
    from finetuning.trainer import compile_gradients

    shutil.copytree(tiny_checkpoint, tmp_path / "undropped")
    configuration = tmp_path / "undropped" / "config.json"
    undropped = json.loads(configuration.read_text()) | {"seq_classif_dropout": 0.0}
    configuration.write_text(json.dumps(undropped))
    classifier = load_classifier(tmp_path / "undropped")
    tokens, mask = batch()
    labels, weights = np.array([0, 1], np.int32), np.array([1, 0.5], np.float32)
    with tf.GradientTape() as tape:
        expected = classifier({"token_ids": tokens, "padding_mask": mask}, training=True)
        losses = keras.losses.sparse_categorical_crossentropy(labels, expected, from_logits=True)
        loss = tf.reduce_sum(losses * weights) / 1.5
    variables = [variable.value for variable in classifier.trainable_variables]
    wanted = tape.gradient(loss, variables)

    for _ in range(2):  # lowered here, then read back
        (logits,) = compile_predictor(classifier)(tokens, mask)
        np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
        found_loss, found = compile_gradients(classifier)(tokens, mask, labels, weights)
        assert float(found_loss) == pytest.approx(float(loss), rel=1e-5)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, tf.convert_to_tensor(other), rtol=1e-4, atol=1e-6)


def test_a_damaged_program_is_not_used(programs, tiny_checkpoint):
    from finetuning.checkpoints import load_classifier
    from finetuning.evaluation import compile_predictor

    classifier = load_classifier(tiny_checkpoint)
    (logits,) = compile_predictor(classifier)(*batch())
    (kept,) = programs.iterdir()
    damage(kept)
    (again,) = compile_predictor(classifier)(*batch())
    np.testing.assert_array_equal(again, logits)
    read_arrays(kept)


def test_a_program_of_another_classifier_or_package_is_not_used(
    programs, keras, tiny_checkpoint, monkeypatch
):
    from finetuning import programs as module
    from finetuning.checkpoints import load_classifier
    from finetuning.trainer import compile_gradients, freeze

    arguments = (*batch(), np.zeros(2, np.int32), np.ones(2, np.float32))

    def losses(dropout, frozen_layers):
        keras.utils.set_random_seed(1)
        classifier = load_classifier(tiny_checkpoint, dropout)
        freeze(classifier, frozen_layers)
        loss, gradients = compile_gradients(classifier)(*arguments)
        return float(loss), len(gradients), len(list(programs.iterdir()))

    undropped, all_variables, _ = losses(0.0, 0)
    assert losses(0.0, 0) == (undropped, all_variables, 1)
    dropped, _, kept = losses(0.5, 0)
    assert dropped != undropped
    assert kept == 2
    _, fewer, kept = losses(0.0, 1)
    assert fewer < all_variables
    assert kept == 3
    monkeypatch.setattr(module, "_package", lambda: "changed")
    assert losses(0.0, 0) == (undropped, all_variables, 4)
