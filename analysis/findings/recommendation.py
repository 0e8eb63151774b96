"""Which setting to use, and what to expect of it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables, percent, rounded, rows_of
from analysis.findings.voice import voice_of
from analysis.runs.settings import Metric, Settings


def about_recommendation(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """The setting as it can be typed into a trainer, and one finding on what each metric gets."""
    rows = rows_of(tables, "recommendation")
    if rows.empty:
        return
    chosen = rows.iloc[0]
    where = words.setting(
        {factor.name: chosen[factor.name] for factor in settings.factors},
        settings.factors,
        digits=4,
    )
    decided_by = settings.metric(chosen["decided_by"])
    compared = rows_of(tables, "best", metric=decided_by.name)
    could_be = int(compared["could_be_best"].sum())
    settings_run = words.count(len(compared), "setting")
    among = (
        f"{could_be:,} of the {settings_run} run could be the best"
        if could_be > 1
        else f"the only one of the {settings_run} run that could be the best"
    )
    seconds = chosen["seconds"]
    cost = f" A run took {words.quantity(seconds, 's')}." if pd.notna(seconds) else ""
    yield Finding(
        "recommendation",
        "",
        "setting",
        False,
        f"{voice_of(settings).recommended}: {where} ({among} in "
        f"{words.name(decided_by.name)}).{cost}",
    )
    told = [_outcome(row, settings.metric(row["metric"])) for row in rows.to_dict("records")]
    expected = "; ".join(told)
    yield Finding(
        "recommendation",
        "",
        "outcomes",
        False,
        f"To expect there, with {percent(settings)} intervals: {expected}.",
    )


def _outcome(row: dict[str, float], metric: Metric) -> str:
    """``accuracy 78.4 % (75.2 to 81.0), at most 2.1 points below its own best``."""
    value, interval = words.reading_and_interval(
        row["estimate"], row["ci_low"], row["ci_high"], metric
    )
    if row["estimate"] in metric.bounds:  # the model leads beyond it
        return f"{words.name(metric.name)} not estimated within what can be ({interval})"
    told = f"{words.name(metric.name)} {value} ({interval})"
    if pd.isna(row["lost_most"]):
        return told
    if row["lost_most"] == 0:
        return f"{told}, its own best"
    side = "below" if metric.sign > 0 else "above"
    return f"{told}, at most {rounded(row['lost_most'], metric)} {side} its own best"
