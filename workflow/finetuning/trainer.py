"""Fine-tunes a classifier: a ``Run`` trains epoch by epoch, and can be kept and gone on with.

One compiled program per padded length computes gradients; AdamW applies them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras_hub.models import DistilBertTextClassifier

from common.hyperparameters import Hyperparameters
from common.metrics import measure
from finetuning import batches
from finetuning.adamw import AdamW
from finetuning.checkpoints import load_classifier
from finetuning.dataset import Examples
from finetuning.evaluation import compile_predictor, predict_logits
from finetuning.programs import Program
from finetuning.schedule import Patience, learning_rate_at


class Diverged(Exception):
    """The loss became infinite or not a number, at a step counted from 1."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss is not finite at step {step}")
        self.step = step


@dataclass
class Progress:
    """How far a run is, in plain numbers.

    epoch: complete epochs; batch: batches done of the one under way; order: state of the generator
    of batches at its start. history has one row a step: step, epoch (fraction trained),
    training_loss, step_learning_rate. tokens counts those trained on, padded those and the padding.
    best_epoch: the one whose weights are the result of early stopping.
    """

    order: dict
    epoch: int = 0
    batch: int = 0
    tokens: int = 0
    padded: int = 0
    reductions: int = 0
    best_epoch: int = 0
    stopping: Patience = field(default_factory=Patience)
    plateau: Patience = field(default_factory=Patience)
    history: list[dict] = field(default_factory=list)


class Run:
    """One training run from a checkpoint directory.

    sets: of equal size; each epoch trains on the next of them, and after the last on the first.
    seeds: "order" draws the batches, "dropout" the units dropped and a new head. validation: the
    examples that early stopping and reduce_on_plateau look at after each epoch. Its ``classifier``
    and ``progress`` are those of the last step; ``predict`` takes (tokens, mask).
    """

    def __init__(
        self,
        checkpoint: Path,
        sets: Sequence[Examples],
        hyperparameters: Hyperparameters,
        seeds: dict[str, int],
        validation: Examples | None = None,
        new_head: bool = False,
    ) -> None:
        keras.utils.set_random_seed(seeds["dropout"])
        self.classifier = load_classifier(checkpoint, hyperparameters.dropout, new_head)
        freeze(self.classifier, hyperparameters.frozen_layers)
        self.sets, self.validation = sets, validation
        self.hyperparameters = hyperparameters
        self.optimizer = AdamW(self.classifier.trainable_variables, hyperparameters.weight_decay)
        self.gradients = compile_gradients(self.classifier)
        self.predict: Callable[..., list] = compile_predictor(self.classifier)
        self.order = np.random.default_rng(seeds["order"])
        self.progress = Progress(dict(self.order.bit_generator.state))
        self.best_weights: list[np.ndarray] = []

    def epochs(self, after_step: Callable[[], None] = lambda: None) -> Iterator[int]:
        """Trains on to the last epoch, yielding the number of each as it is complete.

        Ends before the last epoch where early stopping says so; the best epoch's weights are then
        in ``best_weights``. Raises Diverged as soon as a loss is not finite.
        """
        while self.progress.epoch < self.hyperparameters.epochs and not self.stopped:
            self._train_epoch(after_step)
            if self.hyperparameters.validates:
                self._validate()
            yield self.progress.epoch

    @property
    def stopped(self) -> bool:
        """Whether early stopping has ended the run."""
        patience = self.hyperparameters.early_stopping
        return 0 < patience <= self.progress.stopping.waited

    @property
    def examples_trained(self) -> int:
        """Examples in the steps so far, each as often as it was seen."""
        of_an_epoch = len(self.sets[0])
        under_way = self.progress.batch * self.hyperparameters.batch_size
        return self.progress.epoch * of_an_epoch + min(under_way, of_an_epoch)

    def logits(self, examples: Examples) -> np.ndarray:
        """Logits of the run's result so far, shape (examples, classes).

        Its result is the classifier as it is now, or as it was after the best epoch where the run
        may stop early.
        """
        if not self.best_weights:
            return predict_logits(self.predict, examples)
        weights = self.classifier.trainable_variables
        now = [weight.numpy() for weight in weights]
        _assign(weights, self.best_weights)
        logits = predict_logits(self.predict, examples)
        _assign(weights, now)
        return logits

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """All that the rest of the run depends on: arrays by name, and plain numbers."""
        variables = enumerate(self._variables())
        arrays = {f"variable.{n}": np.asarray(variable.numpy()) for n, variable in variables}
        arrays |= {f"best.{n}": weights for n, weights in enumerate(self.best_weights)}
        return arrays, asdict(self.progress)

    def restore(self, arrays: dict[str, np.ndarray], progress: dict) -> None:
        """Goes back to a state of a run that was made with the same arguments."""
        for n, variable in enumerate(self._variables()):
            variable.assign(arrays[f"variable.{n}"])
        kept = sum(name.startswith("best.") for name in arrays)
        self.best_weights = [arrays[f"best.{n}"] for n in range(kept)]
        patience = {name: Patience(**progress[name]) for name in ("stopping", "plateau")}
        self.progress = Progress(**progress | patience)

    def _variables(self) -> list:
        """Weights, seeds of the dropout layers, and AdamW's steps and moments."""
        return [*self.classifier.variables, *self.optimizer.state]

    def _train_epoch(self, after_step: Callable[[], None]) -> None:
        progress, size = self.progress, self.hyperparameters.batch_size
        examples = self.sets[progress.epoch % len(self.sets)]
        steps_per_epoch = -(-len(examples) // size)
        self.order.bit_generator.state = progress.order
        drawn = batches.draw_epoch(examples.lengths, size, self.order)
        for rows in drawn[progress.batch :]:
            step = len(progress.history)
            learning_rate = learning_rate_at(
                step, steps_per_epoch, self.hyperparameters, progress.reductions
            )
            batch = batches.pad(examples, rows, size)
            loss, found = self.gradients(batch.tokens, batch.mask, batch.labels, batch.weights)
            self.optimizer.apply(found, tf.constant(learning_rate, tf.float32))
            loss = float(loss)
            progress.tokens += int(examples.lengths[rows].sum())
            progress.padded += batch.tokens.size
            progress.history.append(
                {
                    "step": step + 1,
                    "epoch": (step + 1) / steps_per_epoch,
                    "training_loss": loss,
                    "step_learning_rate": learning_rate,
                }
            )
            if not np.isfinite(loss):
                raise Diverged(step + 1)
            progress.batch += 1
            after_step()
        progress.epoch, progress.batch = progress.epoch + 1, 0
        progress.order = dict(self.order.bit_generator.state)

    def _validate(self) -> None:
        if self.validation is None:
            raise ValueError("early stopping and reduce_on_plateau need validation examples")
        progress, hyperparameters = self.progress, self.hyperparameters
        logits = predict_logits(self.predict, self.validation)
        loss = measure(logits, self.validation.labels)["loss"]
        if not np.isfinite(loss):
            raise Diverged(len(progress.history))
        if progress.stopping.tell(loss) and hyperparameters.early_stopping:
            progress.best_epoch = progress.epoch
            self.best_weights = [weight.numpy() for weight in self.classifier.trainable_variables]
        progress.plateau.tell(loss)
        reduces = hyperparameters.schedule == "reduce_on_plateau"
        if reduces and progress.plateau.waited >= hyperparameters.plateau_patience:
            progress.reductions += 1
            progress.plateau.waited = 0


def freeze(classifier: DistilBertTextClassifier, frozen_layers: int) -> None:
    """Keeps the embeddings and the first blocks as they are; 0 freezes nothing."""
    if frozen_layers:
        backbone = classifier.backbone
        frozen = [backbone.embeddings, backbone.embeddings_layer_norm]
        for layer in frozen + backbone.transformer_layers[:frozen_layers]:
            layer.trainable = False


def compile_gradients(classifier: DistilBertTextClassifier) -> Callable[..., tuple]:
    """A function of tokens and mask, int32 (rows, length), labels, int32 (rows,), and weights,
    float32 (rows,): the weighted mean of the cross-entropy (nats), and its gradient by each
    trainable variable, of the variable's shape.

    It also moves on the seeds of the dropout layers.
    """
    not_trainable = classifier.non_trainable_variables
    seeds = [n for n, variable in enumerate(not_trainable) if "seed_generator" in variable.path]

    def gradients(trainable: list, others: list, *batch: tf.Tensor) -> list:
        tokens, mask, labels, weights = batch
        with tf.GradientTape() as tape:
            tape.watch(trainable)
            inputs = {"token_ids": tokens, "padding_mask": mask}
            logits, others = classifier.stateless_call(trainable, others, inputs, training=True)
            logits = tf.cast(logits, tf.float32)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
        found = map(tf.convert_to_tensor, tape.gradient(loss, trainable))
        return [loss, *[others[n] for n in seeds], *found]

    program = Program(gradients, classifier)

    def gradients_of(*batch: np.ndarray) -> tuple:
        loss, *found = program(*batch)
        _assign([not_trainable[n] for n in seeds], found[: len(seeds)])
        return loss, found[len(seeds) :]

    return gradients_of


def _assign(variables: list[keras.Variable], values: Sequence) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
