"""The columns of metrics: numbers, in the metric's unit, within its bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.runs import structure
from analysis.runs.settings import Settings, implied_bounds
from analysis.runs.statuses import NO_RESULT
from analysis.runs.study import Note
from analysis.runs.values import any_numbers, numbers, row_of
from analysis.variables import Metric
from common.errors import UserError

SECONDS = ("s", "seconds")  # units of a metric whose values may be written as durations


def with_numbers(runs: pd.DataFrame, settings: Settings) -> None:
    """Reads the columns of metrics and numeric factors, all before any of them is changed."""
    read = {}
    for metric in settings.metrics:
        duration = metric.unit in SECONDS
        runs[metric.name] = runs[metric.name].astype(object).mask(runs["status"].isin(NO_RESULT))
        read[metric.name] = any_numbers(runs, metric.name, duration=duration).astype(float)
        baseline = f"baseline_{metric.name}"
        if baseline in runs and runs[baseline].notna().any():
            read[baseline] = numbers(runs, baseline, duration=duration).astype(float)
    for factor in settings.factors:
        if factor.numeric:
            read[factor.name] = numbers(runs, factor.name)
    if "seconds" in runs and "seconds" not in settings.metric_names:
        read["seconds"] = numbers(runs, "seconds", duration=True)
    for name, column in read.items():
        runs[name] = column


def with_metric(
    runs: pd.DataFrame, histories: pd.DataFrame, metric: Metric, notes: list[Note]
) -> Metric:
    """The metric with the bounds that hold in this table; its columns in its unit, and finite."""
    name, baseline = metric.name, f"baseline_{metric.name}"
    infinite = np.isinf(runs[name])
    runs.loc[infinite, "status"] = "diverged"
    runs[name] = runs[name].mask(infinite)
    columns = [name]
    if baseline in runs and runs[baseline].notna().any():
        columns.append(baseline)
    if metric.unit == "points":
        for column in columns:
            _as_proportion(runs, column, notes)
        if name in histories and histories[name].median() > 1:
            histories[name] /= 100
    low, high = metric.bounds
    for column in columns:
        beyond = (runs[column] < low) | (runs[column] > high)
        if not beyond.any():
            continue
        if metric.bounds != implied_bounds(name, metric.unit):
            raise UserError(
                f"Column {column}, {row_of(beyond)}: {runs.loc[beyond, column].iloc[0]} is outside "
                f"analysis.metrics.{name}.bounds ({low:g} to {high:g}); correct one of them."
            )
        metric = replace(metric, bounds=(-np.inf, np.inf))  # a loss that may be negative
        break
    if metric.transform is not None:
        _require_transformable(runs, metric)
    return metric


def _as_proportion(runs: pd.DataFrame, column: str, notes: list[Note]) -> None:
    """Divides percentages by 100; raises where a column is neither these nor proportions."""
    found = runs[column].dropna()
    if found.empty or found.between(0, 1).all():
        return
    if found.between(0, 100).all() and found.median() > 1:
        runs[column] /= 100
        notes.append(
            Note(
                "metrics",
                f"the column {column} has values above 1, up to {found.max():.4g}, though it is a "
                "proportion; they are read as percentages.",
                column.removeprefix("baseline_"),
            )
        )
        return
    wrong = ~runs[column].between(0, 1) & runs[column].notna()
    raise UserError(
        f"Column {column}, {row_of(wrong)}: {runs.loc[wrong, column].iloc[0]} is no proportion "
        "(0 to 1), nor are the column's values percentages; write unit: '' or the unit it has "
        "in place of unit: points."
    )


def _require_transformable(runs: pd.DataFrame, metric: Metric) -> None:
    low, high = metric.bounds if metric.transform == "logit" else (0.0, np.inf)
    at = (runs[metric.name] <= low) | (runs[metric.name] >= high)
    if at.any():
        raise UserError(
            f"Column {metric.name}, {row_of(at)}: {runs.loc[at, metric.name].iloc[0]} has no "
            f"{metric.transform}; leave analysis.metrics.{metric.name}.transform out, or these "
            "runs."
        )


def with_deltas(runs: pd.DataFrame, settings: Settings, notes: list[Note]) -> None:
    """Takes the metrics from runs that gave no result, adds their differences to the baseline."""
    without_result = runs["status"].isin(NO_RESULT)
    for name in settings.metric_names:
        runs[name] = runs[name].mask(without_result)
        missing = int((runs[name].isna() & ~without_result).sum())
        if missing:
            notes.append(
                Note(
                    "metrics",
                    f"missing in {missing} of {len(runs)} runs, which its regressions leave out.",
                    name,
                )
            )
        column = f"baseline_{name}"
        if column not in runs or runs[column].isna().all():
            notes.append(
                Note(
                    "relative framing",
                    "there is no column baseline_<metric>, so nothing is reported "
                    "relative to the baseline.",
                    name,
                )
            )
            continue
        runs[f"delta_{name}"] = runs[name] - runs[column]


def determined(runs: pd.DataFrame, settings: Settings) -> frozenset[str]:
    return frozenset(
        name
        for name in settings.metric_names
        if runs[name].nunique() > 1
        and structure.is_determined(runs[name].dropna(), runs, settings.factor_names)
    )
