"""What a finding is, and the rules by which a difference is called significant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.fit.terms import are_blocks
from analysis.runs.settings import Settings
from analysis.variables import Metric

Tables = dict[str, pd.DataFrame]

# from the one that conclusions should rest on to the one they should least rest on
ESTIMATORS = {
    "split_plot": "the split-plot estimator",
    "ols_cluster": "ordinary least squares with cluster-robust errors",
    "ols": "classical ordinary least squares (which takes all runs for independent)",
}


@dataclass(frozen=True)
class Finding:
    """One sentence; ``kind`` says what it is about, ``section`` where in the report it stands.

    about: the factor, pair of factors or second metric that it is about. estimate, ci_low, ci_high:
    the number it rests on, in the metric's own unit.
    """

    section: str
    metric: str
    kind: str
    significant: bool
    sentence: str
    about: str = ""
    estimate: float = float("nan")
    ci_low: float = float("nan")
    ci_high: float = float("nan")


COLUMNS = [field.name for field in fields(Finding)]


def estimator_used(tables: Tables, metric: Metric) -> str | None:
    """The estimator that conclusions on the metric rest on; None without any coefficients."""
    rows = rows_of(tables, "coefficients", metric=metric.name, framing="absolute")
    present = set(rows["estimator"]) if len(rows) else set()
    return next((name for name in ESTIMATORS if name in present), None)


def conclusive(
    tables: Tables, settings: Settings, metric: Metric, framing: str = "absolute"
) -> pd.DataFrame:
    """The coefficients by the estimator that conclusions rest on, without those of blocks."""
    rows = rows_of(tables, "coefficients", metric=metric.name, framing=framing)
    if rows.empty:
        return rows
    rows = rows[rows["estimator"] == estimator_used(tables, metric)]
    return rows[~are_blocks(rows["term"], settings)].reset_index(drop=True)


def joint_tests(tables: Tables, metric: Metric, kind: str) -> pd.DataFrame:
    """The joint tests of a kind ("global", "factor", "pair") that conclusions rest on."""
    rows = rows_of(tables, "joint", metric=metric.name, framing="absolute", kind=kind)
    if rows.empty:
        return rows
    estimator = next(name for name in ESTIMATORS if name in set(rows["estimator"]))
    return rows[rows["estimator"] == estimator].reset_index(drop=True)


def shown(tables: Tables, settings: Settings, metric: Metric, kind: str) -> list[str]:
    """The factors or pairs that are shown to matter (q below alpha), the clearest first."""
    rows = joint_tests(tables, metric, kind)
    if rows.empty:
        return []
    return list(rows[rows["q_value"] < settings.alpha].sort_values("p_value")["tested"])


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


def amount_of(row: Mapping[str, Any], column: str, metric: Metric) -> tuple[str, str]:
    """The column's difference with its interval, in the same digits."""
    return words.amount_and_interval(row[column], row["ci_low"], row["ci_high"], metric)


def rounded(size: float, metric: Metric) -> str:
    """``1.2 points``: a size without an interval, with two significant digits."""
    return words.quantity(words.in_unit(size, metric), metric.unit).rstrip()


def tested(row: Any) -> str:
    """``F(4, 15.6) = 12.29, p < 0.001, q < 0.001`` of a row of joint.csv."""
    denominator = row["denominator_df"]
    below = f"{denominator:.3g}" if denominator < 1000 else f"{denominator:,.0f}"
    df = f"{row['df']:.0f}, {below}"
    statistic = words.fixed(row["f_statistic"], 2)
    parts = [f"F({df}) = {statistic}", words.p_value(row["p_value"], "p")]
    if np.isfinite(row["q_value"]):
        parts.append(words.p_value(row["q_value"], "q"))
    return ", ".join(parts)
