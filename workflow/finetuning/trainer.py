"""Fine-tunes a classifier for some epochs and hands it back after each of them.

One compiled program per padded length computes gradients, another applies AdamW (Loshchilov &
Hutter 2019) to them. Both are traced once: start-up is what costs most in a small cell.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras_hub.models import DistilBertTextClassifier

from finetuning import batches
from finetuning.checkpoints import load_classifier
from finetuning.dataset import Examples
from finetuning.hyperparameters import Hyperparameters, learning_rate_at

IDS = tf.TensorSpec([None, None], tf.int32)


class Diverged(Exception):
    """The loss became infinite or not a number. Holds the step (from 1) and the history so far."""

    def __init__(self, step: int, history: list[dict]) -> None:
        super().__init__(f"the training loss is not finite at step {step}")
        self.step = step
        self.history = history


@dataclass(frozen=True)
class TrainedEpoch:
    """The state after an epoch (from 1): the classifier as it is now and what was done so far.

    history has one row a step since the start: step, epoch (fraction trained), training_loss,
    step_learning_rate. tokens counts those trained on so far, padded those and the padding.
    """

    epoch: int
    classifier: DistilBertTextClassifier
    history: list[dict]
    tokens: int
    padded: int


def finetune(
    checkpoint: Path,
    examples: Examples,
    hyperparameters: Hyperparameters,
    seeds: dict[str, int],
    new_head: bool = False,
) -> Iterator[TrainedEpoch]:
    """Trains from a checkpoint directory, yielding after every epoch.

    seeds: "order" draws the batches, "dropout" the units dropped and a new head.
    Raises Diverged as soon as a training loss is not finite.
    """
    keras.utils.set_random_seed(seeds["dropout"])
    classifier = load_classifier(checkpoint, hyperparameters.dropout, new_head)
    freeze(classifier, hyperparameters.frozen_layers)
    optimizer = keras.optimizers.AdamW(weight_decay=hyperparameters.weight_decay, epsilon=1e-8)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(classifier.trainable_variables)
    step_on = compile_step(classifier, optimizer)

    order = np.random.default_rng(seeds["order"])
    size = hyperparameters.batch_size
    steps_per_epoch = -(-len(examples) // size)
    history: list[dict] = []
    step = tokens = padded = 0
    for epoch in range(1, hyperparameters.epochs + 1):
        for rows in batches.draw_epoch(examples.lengths, size, order):
            learning_rate = learning_rate_at(step, steps_per_epoch, hyperparameters)
            optimizer.learning_rate = learning_rate
            batch = batches.pad(examples, rows, size)
            loss = float(step_on(batch))
            step += 1
            tokens += int(examples.lengths[rows].sum())
            padded += batch.tokens.size
            history.append(
                {
                    "step": step,
                    "epoch": step / steps_per_epoch,
                    "training_loss": loss,
                    "step_learning_rate": learning_rate,
                }
            )
            if not np.isfinite(loss):
                raise Diverged(step, history)
        yield TrainedEpoch(epoch, classifier, history, tokens, padded)


def freeze(classifier: DistilBertTextClassifier, frozen_layers: int) -> None:
    """Keeps the embeddings and the first blocks as they are; 0 freezes nothing."""
    if frozen_layers:
        backbone = classifier.backbone
        frozen = [backbone.embeddings, backbone.embeddings_layer_norm]
        for layer in frozen + backbone.transformer_layers[:frozen_layers]:
            layer.trainable = False


def compile_step(
    classifier: DistilBertTextClassifier, optimizer: keras.optimizers.Optimizer
) -> Callable[[batches.Batch], tf.Tensor]:
    """A function that takes one optimisation step on a batch and returns its mean cross-entropy.

    Gradients and update are separate programs: only the first depends on the batch's shape, and
    compiling AdamW for 22 million parameters again for each length would cost seconds.
    """
    variables = classifier.trainable_variables

    @tf.function(
        jit_compile=True,
        autograph=False,
        input_signature=[IDS, IDS, tf.TensorSpec([None], tf.int32), tf.TensorSpec([None])],
    )
    def gradients(tokens, mask, labels, weights):  # noqa: ANN001
        with tf.GradientTape() as tape:
            logits = classifier({"token_ids": tokens, "padding_mask": mask}, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
        found = tape.gradient(loss, [variable.value for variable in variables])
        return loss, [tf.convert_to_tensor(gradient) for gradient in found]

    @tf.function(jit_compile=True, autograph=False)
    def update(found):  # noqa: ANN001
        optimizer.apply(found, variables)

    def step_on(batch: batches.Batch) -> tf.Tensor:
        loss, found = gradients(batch.tokens, batch.mask, batch.labels, batch.weights)
        update(found)
        return loss

    return step_on
