"""What is better for one metric and worse for another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from analysis import words
from analysis.findings import differences
from analysis.findings.finding import Finding, Tables, amount_of, percent, rows_of, shown
from analysis.runs.settings import Settings
from analysis.variables import Metric


def about_conflicts(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """Factors of which two metrics are best at different levels, both shown on average."""
    found = [
        conflict
        for first, second in combinations(settings.metrics, 2)
        for factor in shown(tables, settings, first, "factor")
        if factor in shown(tables, settings, second, "factor")
        for conflict in _conflict(tables, settings, factor, first, second)
    ]
    if found:
        yield from found
    elif len(settings.metrics) > 1 and len(rows_of(tables, "differences")):
        sentence = (
            "No two levels of a factor are shown to be better for one metric and worse for another."
        )
        yield Finding("tradeoff", "", "no_conflict", False, sentence)


def _conflict(
    tables: Tables, settings: Settings, factor: str, first: Metric, second: Metric
) -> Iterator[Finding]:
    """The two levels that the metrics disagree on most clearly, if there are such."""
    pairs = zip(
        differences.averages(tables, first, factor),
        differences.averages(tables, second, factor),
        strict=True,
    )
    opposed = [
        (one, other)
        for one, other in pairs
        if one.excludes_zero and other.excludes_zero and one.better != other.better
    ]
    if not opposed:
        return
    one, other = max(opposed, key=lambda pair: min(each.clarity for each in pair))
    sentence = (
        f"{words.sentence_case(words.name(first.name))} and {words.name(second.name)} disagree "
        f"about {words.name(factor)}: {words.name(first.name)} is "
        f"{differences.told(one, first, settings)}, {words.name(second.name)} "
        f"{differences.told(other, second, settings)}."
    )
    metrics = f"{first.name} {second.name}"
    yield Finding("tradeoff", metrics, "conflict", True, sentence, about=factor)


def about_prices(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """What each metric gives up at the setting that is best for another."""
    for row in rows_of(tables, "prices").to_dict("records"):
        if (
            row["metric"] not in settings.metric_names
            or row["chosen_for"] not in settings.metric_names
            or row["metric"] == row["chosen_for"]
            or pd.isna(row["price"])
        ):
            continue
        metric, chosen = settings.metric(row["metric"]), settings.metric(row["chosen_for"])
        price, interval = amount_of(row, "price", metric)
        interval = f" ({percent(settings)} interval {interval})" if interval else ""
        yield Finding(
            "tradeoff",
            f"{chosen.name} {metric.name}",
            "price",
            bool(row["ci_low"] > 0 or row["ci_high"] < 0),
            f"At the setting that is best for {words.name(chosen.name)}, "
            f"{words.name(metric.name)} is {price.removeprefix('+')} worse than at its own "
            f"best{interval}.",
            estimate=row["price"],
            ci_low=row["ci_low"],
            ci_high=row["ci_high"],
        )
