"""Logits of a classifier on a set of examples."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras_hub.models import DistilBertTextClassifier

from finetuning import batches
from finetuning.dataset import Examples
from finetuning.programs import Program


def compile_predictor(classifier: DistilBertTextClassifier) -> Program:
    """The forward pass without dropout.

    It takes tokens and mask, int32 (rows, length), and returns a list of one: logits, float32
    (rows, classes).
    """

    def predict(trainable: list, others: list, tokens: tf.Tensor, mask: tf.Tensor) -> list:
        inputs = {"token_ids": tokens, "padding_mask": mask}
        logits, _ = classifier.stateless_call(trainable, others, inputs, training=False)
        return [tf.cast(logits, tf.float32)]

    return Program(predict, classifier)


def predict_logits(predictor: Callable[..., list], examples: Examples) -> np.ndarray:
    """Logits in the examples' own order, float32, shape (examples, classes)."""
    by_length = np.argsort(examples.lengths, kind="stable")
    logits = []
    for rows in batches.in_order(by_length, batches.ROWS):
        batch = batches.pad(examples, rows, batches.ROWS)
        (found,) = predictor(batch.tokens, batch.mask)
        logits.append(found.numpy()[: len(rows)])
    in_order = np.empty_like(np.concatenate(logits))
    in_order[by_length] = np.concatenate(logits)
    return in_order
