"""How much: the difference between two levels of a factor, in words that fit both voices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import pandas as pd

from analysis import words
from analysis.findings.finding import Tables, percent, rows_of
from analysis.findings.voice import voice_of
from analysis.runs.settings import Settings
from analysis.variables import Metric


@dataclass(frozen=True)
class Difference:
    """How much better one level is than another; ``estimate`` is positive where it is better.

    place: the setting of the other factors; empty where it is the average over those that were run.
    """

    factor: str
    better: Any
    worse: Any
    estimate: float
    ci_low: float
    ci_high: float
    place: dict[str, Any]

    @property
    def excludes_zero(self) -> bool:
        return self.ci_low > 0

    @property
    def clarity(self) -> float:
        """How far from zero, in widths of the interval."""
        return self.estimate / (self.ci_high - self.ci_low)


def averages(tables: Tables, metric: Metric, factor: str) -> list[Difference]:
    """The differences between all levels, on average over the settings that were run."""
    rows = rows_of(tables, "differences", metric=metric.name, factor=factor, comparison="average")
    return [_oriented(row, metric, {}) for _, row in rows.iterrows()]


def average(tables: Tables, metric: Metric, factor: str) -> Difference | None:
    """The largest of `averages`; None where nothing could be compared, or a difference is more than
    the metric's bounds allow."""
    found = averages(tables, metric, factor)
    if not found or any(isnan(each.estimate) for each in found):
        return None
    return max(found, key=lambda each: each.estimate)


def largest(tables: Tables, settings: Settings, metric: Metric, factor: str) -> Difference | None:
    """The difference at the setting of the other factors where it is largest; None where the
    other factors do not change it, or it is more than the metric's bounds allow."""
    rows = rows_of(tables, "differences", metric=metric.name, factor=factor, comparison="largest")
    if rows.empty or isnan(rows["difference"].iloc[0]):
        return None
    row = rows.iloc[0]
    place = {f.name: row[f.name] for f in settings.factors if f.name != factor}
    return _oriented(row, metric, place)


def _oriented(row: pd.Series, metric: Metric, place: dict[str, Any]) -> Difference:
    gain = metric.sign * row["difference"]
    ends = sorted((metric.sign * row["ci_low"], metric.sign * row["ci_high"]))
    found = Difference(
        row["factor"], row["other_level"], row["level"], gain, ends[0], ends[1], place
    )
    if gain >= 0:
        return found
    return replace(
        found,
        better=found.worse,
        worse=found.better,
        estimate=-gain,
        ci_low=-ends[1],
        ci_high=-ends[0],
    )


def told(difference: Difference, metric: Metric, settings: Settings) -> str:
    """``0.065 nats lower with learning rate 1e-5 than with 9e-5 (95 % interval 0.02 to 0.11)``."""
    factor = settings.factor(difference.factor)
    better = words.setting({factor.name: difference.better}, settings.factors)
    worse = words.level(difference.worse, factor.scale)
    compared = voice_of(settings).compared.format(better=better, worse=worse)
    size, interval = _size(difference, metric)
    return f"{size} {compared} ({percent(settings)} interval {interval})"


def compact(difference: Difference, metric: Metric, settings: Settings) -> str:
    """``0.065 nats lower with 1e-5 than with 9e-5, 0.02 to 0.11``, for a factor named before."""
    scale = settings.factor(difference.factor).scale
    compared = voice_of(settings).compared.format(
        better=words.level(difference.better, scale), worse=words.level(difference.worse, scale)
    )
    size, interval = _size(difference, metric)
    return f"{size} {compared}, {interval}"


def _size(difference: Difference, metric: Metric) -> tuple[str, str]:
    """``0.065 nats lower``, the better level's side, and its interval."""
    amount, interval = words.amount_and_interval(
        difference.estimate, difference.ci_low, difference.ci_high, metric
    )
    return f"{amount.removeprefix('+')} {'higher' if metric.sign > 0 else 'lower'}", interval
