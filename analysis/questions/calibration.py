"""How far a classifier's confidence can be believed: reliability diagrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from common.metrics import calibration_bins, calibration_error


def reliability_bins(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """Confidence against accuracy in equal-width bins, pooled over the given models.

    Columns bin (1 … 10, as `calibration_bins` has them), confidence, accuracy, count, and
    expected_calibration_error of all. Empty bins are left out.
    """
    confidence = np.concatenate([each.confidence for each in predictions])
    correct = np.concatenate([each.correct for each in predictions])
    bins = calibration_bins(confidence)
    table = (
        pd.DataFrame({"bin": bins, "confidence": confidence, "accuracy": correct.astype(float)})
        .groupby("bin")
        .agg(
            confidence=("confidence", "mean"), accuracy=("accuracy", "mean"), count=("bin", "size")
        )
        .reset_index()
    )
    table["expected_calibration_error"] = calibration_error(confidence, correct)
    return table


def reliability(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], settings: Settings
) -> pd.DataFrame:
    """`reliability_bins` of every cell (replicates pooled) and of the baseline.

    Column model says which: "cell" (the factors name it) or "baseline" (the factors are empty).
    """
    factors = list(settings.factor_names)
    names = ["model", *factors, "bin", "confidence", "accuracy", "count"]
    names.append("expected_calibration_error")
    parts = []
    if "predictions" in runs:
        kept = runs[runs["predictions"].isin(list(predictions))]
        for levels, cell in kept.groupby(factors, sort=True, dropna=False):
            part = reliability_bins([predictions[name] for name in cell["predictions"]])
            parts.append(part.assign(model="cell", **dict(zip(factors, levels, strict=True))))
    if "baseline_predictions" in runs:
        baselines = [n for n in runs["baseline_predictions"].unique() if n in predictions]
        if baselines:
            part = reliability_bins([predictions[name] for name in baselines])
            parts.append(part.assign(model="baseline"))
    return pd.concat(parts).reindex(columns=names) if parts else pd.DataFrame(columns=names)
