"""The metrics of a set of logits.

Written in NumPy: a training job imports no scikit-learn, whose import takes longer than an
evaluation, and gathering computes them again without TensorFlow. The tests compare every metric
with scikit-learn's.
"""

import numpy as np

METRICS = ("accuracy", "f1", "f1_macro", "loss", "ece")
CALIBRATION_BINS = 10


def measure(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, F1, macro F1, cross-entropy (nats) and expected calibration error.

    logits: (examples, classes), labels: (examples,). With two classes ``f1`` is that of the
    positive class (label 1), with more it is the macro F1, over the classes that are among the
    labels or predicted, as scikit-learn's. The calibration error is the one of
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
    macro = float(f1[sizes > 0].mean())

    confidence = np.exp(log_probabilities.max(axis=1))
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=CALIBRATION_BINS)
    return {
        "accuracy": float(correct.mean()),
        "f1": float(f1[1]) if classes == 2 else macro,
        "f1_macro": macro,
        "loss": float(-log_probabilities[np.arange(len(labels)), labels].mean()),
        "ece": float(np.abs(gaps).sum() / len(labels)),
    }
