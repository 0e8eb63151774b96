"""What a finding is, and the rule by which an effect is called significant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import words
from analysis.fit.terms import is_block
from analysis.runs.settings import Metric, Settings

Tables = dict[str, pd.DataFrame]


COLUMNS = ["section", "metric", "kind", "significant", "sentence"]
# from the one that conclusions should rest on to the one they should least rest on
ESTIMATORS = {
    "split_plot": "the split-plot estimator",
    "ols_cluster": "ordinary least squares with cluster-robust errors",
    "ols": "classical ordinary least squares (which takes all runs for independent)",
}


@dataclass(frozen=True)
class Finding:
    """One sentence; ``kind`` says what it is about, ``section`` where in the report it stands."""

    section: str
    metric: str
    kind: str
    significant: bool
    sentence: str


def significant(rows: pd.DataFrame, alpha: float) -> pd.Series:
    """The rule: q below alpha and the interval without zero."""
    return (rows["q_value"] < alpha) & ((rows["ci_low"] > 0) | (rows["ci_high"] < 0))


def estimator_used(tables: Tables, metric: Metric) -> str | None:
    """The estimator that conclusions on the metric rest on; None without any coefficients."""
    rows = rows_of(tables, "coefficients", metric=metric.name, framing="absolute")
    present = set(rows["estimator"]) if len(rows) else set()
    return next((name for name in ESTIMATORS if name in present), None)


def conclusive(tables: Tables, metric: Metric, framing: str = "absolute") -> pd.DataFrame:
    """The coefficients that conclusions are drawn from, without the replicate block."""
    rows = rows_of(tables, "coefficients", metric=metric.name, framing=framing)
    if rows.empty:
        return rows
    rows = rows[rows["estimator"] == estimator_used(tables, metric)]
    return rows[~rows["term"].map(is_block)].reset_index(drop=True)


def rows_of(tables: Tables, table: str, **where: Any) -> pd.DataFrame:
    """Rows of a table with these values; an empty frame if there is no such table."""
    rows = tables.get(table, pd.DataFrame())
    if rows.empty:
        return rows
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def percent(settings: Settings) -> str:
    return f"{100 * (1 - settings.alpha):g} %"


def interval_of(row: pd.Series, metric: Metric, scale: float = 1.0) -> str:
    low, high = sorted((scale * row["ci_low"], scale * row["ci_high"]))
    return words.interval(low, high, metric)
