"""Metrics as functions of sums over examples, so that all resamples are one matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.runs.predictions import Predictions

# Metrics that are functions of sums over examples, so that all resamples are one matrix product.
SUMMED_METRICS = ("accuracy", "f1", "f1_macro", "loss")
POSITIVE_CLASS = 1


def summands(predictions: Predictions, metric: str) -> np.ndarray:
    """(n, k) columns whose sums determine the metric."""
    if metric == "accuracy":
        return predictions.correct[:, None].astype(float)
    if metric == "loss":
        rows = np.arange(len(predictions.labels))
        return -predictions.log_probabilities[rows, predictions.labels][:, None]
    binary = predictions.logits.shape[1] == 2
    classes = [POSITIVE_CLASS] if metric == "f1" and binary else range(predictions.logits.shape[1])
    columns = []
    for label in classes:
        is_predicted, is_label = predictions.predicted == label, predictions.labels == label
        columns += [2.0 * (is_predicted & is_label), is_predicted.astype(float) + is_label]
    return np.column_stack(columns)


def metric_of_sums(sums: np.ndarray, metric: str, examples: int) -> np.ndarray:
    """The metric from sums (…, k) of `summands`; F1 of a class that never occurs counts 0."""
    if metric in ("accuracy", "loss"):
        return sums[..., 0] / examples
    hits, cases = sums[..., 0::2], sums[..., 1::2]
    return np.divide(hits, cases, out=np.zeros_like(hits), where=cases > 0).mean(axis=-1)


def influences(predictions: Predictions, metric: str) -> np.ndarray:
    """(n,) first-order influence of each example on the metric, summing to zero.

    Their variance over n is the metric's sampling variance (the delta method; for F1 the ratio
    estimator of Cochran 1977, section 6.3).
    """
    columns = summands(predictions, metric)
    if metric in ("accuracy", "loss"):
        return columns[:, 0] - columns[:, 0].mean()
    hits, cases = columns[:, 0::2], columns[:, 1::2]
    means = cases.mean(axis=0)
    used = means > 0
    ratios = hits.mean(axis=0)[used] / means[used]
    each = (hits[:, used] - ratios * cases[:, used]) / means[used]
    return each.sum(axis=1) / len(means)


def metrics_of_sums(
    sums: np.ndarray, blocks: Sequence[tuple[str, int]], examples: int
) -> np.ndarray:
    """(…, metrics) from sums (…, k) of the columns of several metrics side by side."""
    values, column = [], 0
    for metric, columns in blocks:
        values.append(metric_of_sums(sums[..., column : column + columns], metric, examples))
        column += columns
    return np.stack(values, axis=-1)
