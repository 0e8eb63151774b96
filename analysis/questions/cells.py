"""The mean of every metric in every cell, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.runs.settings import Settings
from analysis.runs.study import Study


def cells(study: Study, settings: Settings) -> pd.DataFrame:
    """Mean of every metric in every cell, and of its difference to the baseline, with intervals.

    mean_low, mean_high and ci_low, ci_high (of delta) are t intervals for the mean over
    replicates like these. The variance is pooled over the cells from the two-way table cell ×
    replicate, var(replicate) + var(rest), with Satterthwaite's (1946) degrees of freedom; NaN with
    fewer than two replicates.
    """
    factors = list(settings.factor_names)
    parts = []
    for metric in settings.metric_names:
        mean = _cell_means(study.runs, factors, metric, settings.alpha)
        mean = mean.rename(columns={"low": "mean_low", "high": "mean_high"})
        delta = f"delta_{metric}"
        if delta in study.runs:
            other = _cell_means(study.runs, factors, delta, settings.alpha)
            mean[["delta", "ci_low", "ci_high"]] = other[["mean", "low", "high"]]
        else:
            mean[["delta", "ci_low", "ci_high"]] = np.nan
        parts.append(mean.reset_index().assign(metric=metric))
    names = ["metric", "runs", "mean", "mean_low", "mean_high", "delta", "ci_low", "ci_high"]
    return pd.concat(parts, ignore_index=True)[[*factors, *names]]


def _cell_means(runs: pd.DataFrame, factors: list[str], column: str, alpha: float) -> pd.DataFrame:
    known = runs[[*factors, "replicate", column]].dropna(subset=[column])
    grouped = known.groupby(factors, dropna=False)[column]
    table = grouped.agg(runs="size", mean="mean")
    centred = known[column] - grouped.transform("mean")
    by_replicate = centred.groupby(known["replicate"]).agg(["mean", "size"])
    replicates, cell_count, count = len(by_replicate), len(table), len(known)
    rest_df = count - cell_count - (replicates - 1)
    table["low"] = table["high"] = np.nan
    if replicates < 2 or rest_df < 1:
        return table
    between = float(by_replicate["size"] @ by_replicate["mean"] ** 2)
    rest = max(float(centred @ centred) - between, 0.0) / rest_df
    between /= replicates - 1
    # E[between] = rest + (runs a replicate) * var(replicate): take var(replicate) + rest
    each = count / replicates
    replicate_part, rest_part = between / each, rest * (each - 1) / each
    total = replicate_part + rest_part
    if total > 0:
        share = replicate_part / total
        df = 1 / (share**2 / (replicates - 1) + (1 - share) ** 2 / rest_df)
        margin = stats.t.ppf(1 - alpha / 2, df) * np.sqrt(total / table["runs"])
        table["low"], table["high"] = table["mean"] - margin, table["mean"] + margin
    return table
