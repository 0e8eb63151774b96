"""The part of a metric's variance that comes from the finite evaluation set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.questions.metric_sums import influences
from analysis.runs.predictions import Predictions
from common.metrics import BY_NAME, SUMMED_METRICS


@dataclass(frozen=True)
class EvaluationVariance:
    """Variance of a metric that comes from the finite evaluation set, by what shares it.

    shared: common to every run evaluated on the same examples; trajectory: common to the runs of
    one trajectory beyond that; run: each run's own.
    """

    shared: float
    trajectory: float
    run: float

    @property
    def total(self) -> float:
        return self.shared + self.trajectory + self.run


def evaluation_variance(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], metric: str
) -> EvaluationVariance | None:
    """Sampling (co)variances of the metric over examples, averaged over replicates.

    runs needs the columns replicate and trajectory. None where nothing can be said: no stored
    predictions, or a metric that is not a function of sums over examples.
    """
    if metric not in SUMMED_METRICS or "predictions" not in runs:
        return None
    estimates = []
    kept = runs[runs["predictions"].isin(list(predictions))]
    for _, replicate in kept.groupby("replicate"):
        models = [predictions[name] for name in replicate["predictions"]]
        if any(not np.array_equal(m.examples, models[0].examples) for m in models):
            continue
        each = np.array([influences(model, BY_NAME[metric]) for model in models])
        covariance = each @ each.T / each.shape[1] ** 2
        trajectory = replicate["trajectory"].to_numpy()
        same_run = np.eye(len(models), dtype=bool)
        same_trajectory = (trajectory[:, None] == trajectory) & ~same_run
        others = trajectory[:, None] != trajectory
        own = covariance[same_run].mean()
        shared = covariance[others].mean() if others.any() else 0.0
        within = covariance[same_trajectory].mean() if same_trajectory.any() else shared
        estimates.append((shared, within - shared, own - within))
    if not estimates:
        return None
    return EvaluationVariance(*(float(value) for value in np.mean(estimates, axis=0)))
