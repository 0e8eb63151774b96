"""Logits of a classifier on a set of examples."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras_hub.models import DistilBertTextClassifier

from finetuning import batches
from finetuning.dataset import Examples

ROWS = 32  # texts evaluated at once


def compile_predictor(classifier: DistilBertTextClassifier) -> Callable[..., tf.Tensor]:
    """A function of (tokens, mask) that returns logits (rows, classes), without dropout."""
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(jit_compile=True, autograph=False, input_signature=[ids, ids])
    def predict(tokens, mask):  # noqa: ANN001
        logits = classifier({"token_ids": tokens, "padding_mask": mask}, training=False)
        return tf.cast(logits, tf.float32)

    return predict


def predict_logits(predictor: Callable[..., tf.Tensor], examples: Examples) -> np.ndarray:
    """Logits in the examples' own order, float32, shape (examples, classes)."""
    by_length = np.argsort(examples.lengths, kind="stable")
    logits = []
    for rows in batches.in_order(by_length, ROWS):
        batch = batches.pad(examples, rows, ROWS)
        logits.append(predictor(batch.tokens, batch.mask).numpy()[: len(rows)])
    in_order = np.empty_like(np.concatenate(logits))
    in_order[by_length] = np.concatenate(logits)
    return in_order
