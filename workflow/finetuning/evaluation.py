"""Logits of a classifier on a set of examples, and the metrics computed from them.

Written in NumPy: a training job imports no scikit-learn, whose import takes longer than an
evaluation. The tests compare every metric with scikit-learn's.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras_hub.models import DistilBertTextClassifier

from finetuning import batches
from finetuning.dataset import Examples

ROWS = 32  # texts evaluated at once
CALIBRATION_BINS = 10


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


def measure(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, F1, macro F1, cross-entropy (nats) and expected calibration error.

    logits: (examples, classes), labels: (examples,). With two classes ``f1`` is that of the
    positive class (label 1), with more it is the macro F1. The calibration error is the one of
    Guo et al. (2017) with 10 equal-width bins of confidence.
    """
    logits = logits.astype(np.float64)
    classes = logits.shape[1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    predicted = logits.argmax(axis=1)
    correct = predicted == labels

    hits = np.bincount(labels[correct], minlength=classes)
    sizes = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    f1 = 2 * hits / np.maximum(sizes, 1)

    confidence = np.exp(log_probabilities.max(axis=1))
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=CALIBRATION_BINS)
    return {
        "accuracy": float(correct.mean()),
        "f1": float(f1[1] if classes == 2 else f1.mean()),
        "f1_macro": float(f1.mean()),
        "loss": float(-log_probabilities[np.arange(len(labels)), labels].mean()),
        "ece": float(np.abs(gaps).sum() / len(labels)),
    }
