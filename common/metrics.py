"""Every outcome of a run that this project measures, each defined here and nowhere else.

Written in NumPy: a training job imports no scikit-learn, whose import takes longer than an
evaluation, and gathering computes the metrics again without TensorFlow. The tests compare every
metric with scikit-learn's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CALIBRATION_BINS = 10
POSITIVE_CLASS = 1
PROPORTION = (0.0, 1.0)
NOT_NEGATIVE = (0.0, math.inf)  # in whatever unit


@dataclass(frozen=True)
class Scored:
    """Logits (n, classes) of n examples and their labels (n,), with what metrics need of them."""

    logits: np.ndarray
    labels: np.ndarray

    @cached_property
    def log_probabilities(self) -> Array:
        logits = self.logits.astype(np.float64)
        logits = logits - logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    @cached_property
    def confidence(self) -> Array:
        """(n,) the probability of the predicted class."""
        return np.exp(self.log_probabilities.max(axis=1))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        return self.logits.argmax(axis=1)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        return self.predicted == self.labels


@dataclass(frozen=True)
class Metric:
    """One outcome of a run.

    name: its column in the tables; shown: how it is called; better: "higher" or "lower"; unit:
    "points" is a proportion, shown times 100; bounds: the least and the largest value it can have.

    sums: (n, k) columns whose sums over the examples determine it. It is their mean, or, if
    ``ratio``, the mean of the ratios of every first to every second column. measured: for a metric
    that no sums determine, its value. A cost has neither: it is observed, not computed.
    """

    name: str
    shown: str
    better: str
    unit: str = ""
    bounds: tuple[float, float] = NOT_NEGATIVE
    sums: Callable[[Scored], Array] | None = None
    ratio: bool = False
    measured: Callable[[Scored], float] | None = None
    in_history: bool = False  # a column of histories.csv

    def columns(self, scored: Scored) -> Array:
        """(n, k) the columns whose sums determine it. Raises TypeError where none do."""
        if self.sums is None:
            raise TypeError(f"{self.name} is no function of sums over examples")
        return self.sums(scored)

    def of_sums(self, sums: Array, examples: Array | float) -> Array:
        """The metric from sums (…, k) over so many examples, or over weights that sum to so much.

        A ratio to nothing is that of a class which is neither among the labels nor predicted: it
        does not count, as in scikit-learn.
        """
        if not self.ratio:
            return sums[..., 0] / examples
        parts, wholes = sums[..., 0::2], sums[..., 1::2]
        there = wholes > 0
        ratios = np.divide(parts, wholes, out=np.zeros_like(parts), where=there)
        return ratios.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)

    def of(self, scored: Scored) -> float:
        """The metric of all examples."""
        if self.measured is not None:
            return self.measured(scored)
        totals = np.array([column.sum() for column in self.columns(scored).T])
        return float(self.of_sums(totals, len(scored.labels)))


def calibration_bins(confidence: Array) -> NDArray[np.int64]:
    """(n,) numbers 1 … 10 of equal-width bins: number k holds (k − 1)/10 < confidence ≤ k/10.

    Guo et al. (2017), "On calibration of modern neural networks", section 2.
    """
    return np.clip(np.ceil(confidence * CALIBRATION_BINS), 1, CALIBRATION_BINS).astype(int)


def calibration_error(confidence: Array, correct: NDArray[np.bool_]) -> float:
    """Expected calibration error (Guo et al. 2017): the mean over examples of their bin's gap
    |accuracy − confidence|. Both arrays are (n,)."""
    bins = calibration_bins(confidence) - 1
    gaps = np.bincount(bins, weights=correct - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _f1_of(scored: Scored, classes: list[int]) -> Array:
    columns = []
    for label in classes:
        is_predicted, is_label = scored.predicted == label, scored.labels == label
        columns += [2.0 * (is_predicted & is_label), is_predicted.astype(float) + is_label]
    return np.column_stack(columns)


def _correct(scored: Scored) -> Array:
    return scored.correct[:, None].astype(float)


def _f1_macro(scored: Scored) -> Array:
    return _f1_of(scored, list(range(scored.logits.shape[1])))


def _f1(scored: Scored) -> Array:
    """With two classes that of the positive one, with more the macro F1."""
    return _f1_of(scored, [POSITIVE_CLASS]) if scored.logits.shape[1] == 2 else _f1_macro(scored)


def _cross_entropy(scored: Scored) -> Array:
    return -scored.log_probabilities[np.arange(len(scored.labels)), scored.labels][:, None]


def _calibration_error(scored: Scored) -> float:
    return calibration_error(scored.confidence, scored.correct)


DEFINITIONS = (
    Metric("accuracy", "accuracy", "higher", "points", PROPORTION, sums=_correct, in_history=True),
    Metric("f1", "F1", "higher", "points", PROPORTION, sums=_f1, ratio=True, in_history=True),
    Metric("f1_macro", "macro F1", "higher", "points", PROPORTION, sums=_f1_macro, ratio=True),
    Metric("loss", "loss", "lower", "nats", sums=_cross_entropy, in_history=True),
    Metric("ece", "calibration error", "lower", "points", PROPORTION, measured=_calibration_error),
    Metric("seconds", "training time", "lower", "s"),
    Metric("tokens", "tokens", "lower"),
    Metric("peak_memory_mb", "peak memory", "lower", "MB"),
)
BY_NAME = {metric.name: metric for metric in DEFINITIONS}
MEASURED = tuple(metric for metric in DEFINITIONS if metric.sums or metric.measured)
METRICS = tuple(metric.name for metric in MEASURED)
COSTS = tuple(metric.name for metric in DEFINITIONS if metric not in MEASURED)
SUMMED_METRICS = tuple(metric.name for metric in MEASURED if metric.sums)
HISTORY_METRICS = tuple(metric.name for metric in MEASURED if metric.in_history)


def measure(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Every metric of logits (n, classes) against labels (n,), by name."""
    scored = Scored(logits, labels)
    return {metric.name: metric.of(scored) for metric in MEASURED}
