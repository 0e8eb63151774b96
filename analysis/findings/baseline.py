"""The cells against the baseline."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables, amount_of, rows_of
from analysis.runs.settings import Settings
from analysis.variables import Metric


def against_baseline(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """How many cells are shown to be better or worse than the baseline, all metrics in one."""
    told = []
    for metric in settings.metrics:
        cells = rows_of(tables, "comparisons", metric=metric.name)
        if cells.empty or cells["q_value"].isna().all():
            continue
        better, worse = _shown(cells, settings, metric)
        told.append(
            f"{words.name(metric.name)} better in {better.sum()} of {len(cells):,} cells, worse in "
            f"{worse.sum()}"
        )
    if told:
        sentence = f"Shown against the baseline on the same texts: {words.listed(told)}."
        yield Finding("baseline", "", "against_baseline", False, sentence)


def _shown(cells: pd.DataFrame, settings: Settings, metric: Metric) -> tuple[pd.Series, pd.Series]:
    """Which cells are better and which worse than the baseline: q below alpha and the interval
    without zero."""
    without_zero = (cells["ci_low"] > 0) | (cells["ci_high"] < 0)
    sure = (cells["q_value"] < settings.alpha) & without_zero
    gain = metric.sign * cells["difference"] > 0
    return sure & gain, sure & ~gain


def about_baseline(tables: Tables, settings: Settings, metric: Metric) -> Iterator[Finding]:
    cells = rows_of(tables, "cells", metric=metric.name)
    cells = cells.dropna(subset=["delta"]) if len(cells) else cells
    if cells.empty:
        return
    better = (cells["ci_low"] > 0) if metric.sign > 0 else (cells["ci_high"] < 0)
    worse = (cells["ci_high"] < 0) if metric.sign > 0 else (cells["ci_low"] > 0)
    best = cells.loc[(metric.sign * cells["delta"]).idxmax()]
    name = words.name(metric.name)
    where = words.setting({f.name: best[f.name] for f in settings.factors}, settings.factors)
    amount, _ = amount_of(best, "delta", metric)
    yield Finding(
        "baseline",
        metric.name,
        "best_cell",
        False,
        f"The cell with the best mean {name} is {where}: "
        f"{amount} against the baseline. It is the best of {len(cells)} means, so part of its lead "
        "is luck.",
    )
    if cells["ci_low"].notna().any():
        yield Finding(
            "baseline",
            metric.name,
            "cells",
            False,
            f"In {int(better.sum())} of {len(cells)} cells the whole interval is better than the "
            f"baseline in {name}, in {int(worse.sum())} it is worse. These intervals are cell by "
            f"cell: were all {len(cells)} cells equal to the baseline, about "
            f"{settings.alpha * len(cells):.1g} would be counted.",
        )
    yield from _cells_against_baseline(tables, settings, metric)


def _cells_against_baseline(
    tables: Tables, settings: Settings, metric: Metric
) -> Iterator[Finding]:
    """From the predictions: exact McNemar tests, corrected for the number of cells."""
    cells = rows_of(tables, "comparisons", metric=metric.name)
    if cells.empty or cells["q_value"].isna().all():
        return
    better_cells, worse_cells = _shown(cells, settings, metric)
    better, worse = int(better_cells.sum()), int(worse_cells.sum())
    name = words.name(metric.name)
    rule = (
        f"exact McNemar tests, q < {settings.alpha:g} over the {words.count(len(cells), 'cell')}, "
        "and the interval without zero"
    )
    if better:
        first = cells[better_cells].sort_values("difference", ascending=metric.sign < 0).iloc[0]
        amount, _ = amount_of(first, "difference", metric)
        where = words.setting(first[list(settings.factor_names)].to_dict(), settings.factors)
        sentence = (
            f"As trained here, {words.count(better, 'cell')} of {len(cells):,} "
            f"{'beats' if better == 1 else 'beat'} the baseline in {name} on the same texts, most "
            f"of all {where} with {amount} ({words.p_value(first['q_value'], 'q')}, over texts and "
            "not over training runs); "
            f"{worse} {'is' if worse == 1 else 'are'} worse ({rule})."
        )
    else:
        sentence = (
            f"No cell is shown to beat the baseline in {name} on the same texts; "
            f"{worse} of {len(cells)} {'is' if worse == 1 else 'are'} worse ({rule})."
        )
    yield Finding("baseline", metric.name, "cells_beat_baseline", bool(better), sentence)
