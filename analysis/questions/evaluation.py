"""The part of a metric's variance that comes from the finite evaluation set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Array
from analysis.questions.metric_sums import influences
from analysis.runs.predictions import Predictions
from common.metrics import BY_NAME, SUMMED_METRICS


@dataclass(frozen=True)
class EvaluationVariance:
    """Variance of a metric that comes from the finite evaluation set, by what shares it.

    study: common to all runs, since replicates share texts; replicate: common to the runs of one
    replicate beyond that; trajectory: to those of one trajectory beyond that; run: each run's own.
    """

    study: float
    replicate: float
    trajectory: float
    run: float

    def divided_by(self, number: float) -> EvaluationVariance:
        parts = (self.study, self.replicate, self.trajectory, self.run)
        return EvaluationVariance(*(part / number for part in parts))

    @property
    def total(self) -> float:
        return self.study + self.replicate + self.trajectory + self.run


def evaluation_variance(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], metric: str
) -> EvaluationVariance | None:
    """Sampling (co)variances of the metric over texts, averaged over replicates.

    A text that two replicates share makes them deviate alike, so it is no part of what they differ
    by. runs needs the columns replicate and trajectory. None where nothing can be said: no stored
    predictions, or a metric that is not a function of sums over examples.
    """
    if metric not in SUMMED_METRICS or "predictions" not in runs:
        return None
    within, texts, means = [], [], []
    kept = runs[runs["predictions"].isin(list(predictions))]
    for _, replicate in kept.groupby("replicate"):
        first, *others = (predictions[name] for name in replicate["predictions"])
        if any(not np.array_equal(other.examples, first.examples) for other in others):
            continue
        each = np.array([influences(model, BY_NAME[metric]) for model in (first, *others)])
        each /= each.shape[1]
        within.append(_within_replicate(each, replicate["trajectory"].to_numpy()))
        texts.append(first.examples)
        means.append(each.mean(axis=0))
    if not within:
        return None
    shared, same_trajectory, own = np.mean(within, axis=0)
    study = _between_replicates(texts, means)
    return EvaluationVariance(
        study=study,
        replicate=float(shared) - study,
        trajectory=float(same_trajectory - shared),
        run=float(own - same_trajectory),
    )


def _within_replicate(each: Array, trajectory: np.ndarray) -> tuple[float, float, float]:
    """Mean covariance of runs of two trajectories, of one, and the variance of a run.

    each: (runs, n) influences over n; trajectory: (runs,).
    """
    covariance = each @ each.T
    same_run = np.eye(len(each), dtype=bool)
    same_trajectory = (trajectory[:, None] == trajectory) & ~same_run
    others = trajectory[:, None] != trajectory
    shared = covariance[others].mean() if others.any() else 0.0
    within = covariance[same_trajectory].mean() if same_trajectory.any() else shared
    return shared, within, covariance[same_run].mean()


def _between_replicates(texts: Sequence[np.ndarray], means: Sequence[Array]) -> float:
    """Mean covariance of runs of two replicates, from each one's mean influences over its texts."""
    count = len(texts)
    if count < 2:
        return 0.0
    everything = np.unique(np.concatenate(texts))
    by_text = np.zeros((count, len(everything)))
    for row, own, mean in zip(by_text, texts, means, strict=True):
        row[np.searchsorted(everything, own)] = mean
    total = by_text.sum(axis=0)
    return float(total @ total - (by_text**2).sum()) / (count * (count - 1))
