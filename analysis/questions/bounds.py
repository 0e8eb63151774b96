"""Fitted means and intervals as values that a metric can have, in its own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.runs.settings import Settings
from analysis.variables import Metric


@dataclass(frozen=True)
class Bounded:
    """Columns of a table with a row a metric that hold values of that metric.

    means: fitted means; intervals: (lower, upper) of means; differences and their intervals
    likewise. Where the table has a column framing, the means of the relative one are differences.
    """

    means: tuple[str, ...] = ()
    intervals: tuple[tuple[str, str], ...] = ()
    differences: tuple[str, ...] = ()
    difference_intervals: tuple[tuple[str, str], ...] = ()


NOTHING = Bounded()


def in_own_units(table: pd.DataFrame, columns: Bounded, settings: Settings) -> pd.DataFrame:
    """The table with means and intervals that are on the scale of a metric's fit in its own unit.

    The ends of intervals are transformed as they are; std_error is by the delta method.
    """
    if table.empty:
        return table
    table = table.copy()
    names = [*columns.means, *(end for ends in columns.intervals for end in ends)]
    for metric in settings.metrics:
        if metric.transform is None:
            continue
        rows = table["metric"] == metric.name
        if "std_error" in table:
            slope = metric.scale.slope(table.loc[rows, columns.means[0]].to_numpy(float))
            table.loc[rows, "std_error"] *= slope
        for name in names:
            table.loc[rows, name] = metric.scale.inverse(table.loc[rows, name].to_numpy(float))
    return table


def bounded(table: pd.DataFrame, columns: Bounded, settings: Settings) -> pd.DataFrame:
    """The table without means beyond the metric's bounds, and with intervals cut at them.

    A row that loses a mean loses its differences, too; an interval wholly beyond is empty.
    """
    if table.empty or columns == NOTHING:
        return table
    table = table.copy()
    limits = np.array([_limits(settings.metric(name)) for name in table["metric"]])
    low, high, width = limits.T
    relative = (table["framing"] == "relative").to_numpy() if "framing" in table else False
    low, high = np.where(relative, -width, low), np.where(relative, width, high)
    lost = np.zeros(len(table), dtype=bool)
    for name in columns.means:
        lost |= _emptied(table, name, low, high)
    for name in columns.differences:
        lost |= _emptied(table, name, -width, width)
    table.loc[lost, list(columns.differences)] = np.nan
    for ends in columns.intervals:
        _cut(table, ends, low, high)
    for ends in columns.difference_intervals:
        _cut(table, ends, -width, width)
        table.loc[lost, list(ends)] = np.nan
    return table


def beyond(before: pd.DataFrame, after: pd.DataFrame, columns: Bounded) -> list[str]:
    """Metrics of which `bounded` left out a mean."""
    names = [*columns.means, *columns.differences]
    if before.empty or not names:
        return []
    lost = (before[names].notna() & after[names].isna()).any(axis=1)
    return before.loc[lost, "metric"].unique().tolist()


def _limits(metric: Metric) -> tuple[float, float, float]:
    return (*metric.bounds, metric.bounds[1] - metric.bounds[0])


def _emptied(table: pd.DataFrame, name: str, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    slack = 1e-9 * np.maximum(1, np.where(np.isfinite(high), np.abs(high), 1))
    values = table[name].to_numpy(float)
    lost = (values < low - slack) | (values > high + slack)
    table[name] = np.where(lost, np.nan, np.clip(values, low, high))
    return lost


def _cut(table: pd.DataFrame, ends: tuple[str, str], low: np.ndarray, high: np.ndarray) -> None:
    lower, upper = (table[name].to_numpy(float) for name in ends)
    nothing = (lower > high) | (upper < low)
    for name, values in zip(ends, (lower, upper), strict=True):
        table[name] = np.where(nothing, np.nan, np.clip(values, low, high))
