"""Which setting to use, and what to expect of it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables, percent, rounded, rows_of
from analysis.findings.voice import voice_of
from analysis.fit.best_of_many import MOST_TOLD
from analysis.runs.settings import Settings
from analysis.variables import Metric


def about_recommendation(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """The setting as it can be typed into a trainer, and what each metric gets there."""
    rows = rows_of(tables, "recommendation")
    if rows.empty:
        return
    chosen = rows.iloc[0]
    values = {factor.name: chosen[factor.name] for factor in settings.factors}
    exists = {name: value for name, value in values.items() if pd.notna(value)}
    where = words.setting(exists, settings.factors, digits=4)
    decided_by = settings.metric(chosen["decided_by"])
    compared = rows_of(tables, "best", metric=decided_by.name)
    could_be, run = int(compared["could_be_best"].sum()), len(compared)
    if run == MOST_TOLD:  # of more settings, those that are not told of could be the best, too
        cells = rows_of(tables, "cells", metric=decided_by.name)
        run = max(run, int(cells["mean"].notna().sum()))
    among = f"{could_be:,} of" if could_be > 1 else "the only one of"
    among = f"at least {could_be:,} of" if run > len(compared) else among
    that = "" if could_be > 1 or run > len(compared) else " that"
    cost = ""
    if pd.notna(chosen["seconds"]):
        cost = f"; a run took {words.quantity(chosen['seconds'], 's')}"
    yield Finding(
        "recommendation",
        "",
        "setting",
        False,
        f"{voice_of(settings).recommended}: {where} ({among} the "
        f"{words.count(run, 'setting')} run{that} could be the best in "
        f"{words.name(decided_by.name)}{cost}).",
    )
    told = [_outcome(row, settings.metric(row["metric"])) for row in rows.to_dict("records")]
    intervals = f" ({percent(settings)} intervals)" if rows["ci_low"].notna().any() else ""
    expected = f"To expect{intervals}: {'; '.join(told)}."
    yield Finding("recommendation", "", "outcomes", False, expected)


def _outcome(row: dict[str, float], metric: Metric) -> str:
    """``accuracy 78.4 % (75.2 to 81.0), at most 2.1 points below its own best``."""
    value, interval = words.reading_and_interval(
        row["estimate"], row["ci_low"], row["ci_high"], metric
    )
    if interval and row["estimate"] in metric.bounds:  # the model leads beyond it
        return f"{words.name(metric.name)} not estimated within what can be ({interval})"
    told = f"{words.name(metric.name)} {value}" + (f" ({interval})" if interval else "")
    if pd.isna(row["lost_most"]):
        return told
    if row["lost_most"] == 0:
        return f"{told}, its best"
    side = "below" if metric.sign > 0 else "above"
    most = "at most " if interval else ""  # else it is exact
    return f"{told}, {most}{rounded(row['lost_most'], metric)} {side} its best"
