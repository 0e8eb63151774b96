"""What several figures need: rows of tables, levels and cells, panels, and remarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style, words
from analysis.fit.terms import columns_by_name
from analysis.runs.settings import Factor, Metric, Settings
from analysis.runs.study import Study

Tables = dict[str, pd.DataFrame]
GRID_LEVELS = 12  # beyond that many levels a factor is no grid and a heat map no picture
MANY = 1000  # beyond that many points or lines, so many are drawn by chance: all would be a blot


@dataclass(frozen=True)
class Kind:
    """One figure; ``{metric}`` in the texts is the metric's name."""

    draw: Callable[..., Figure]
    title: str
    caption: str
    per_metric: bool = True

    @property
    def name(self) -> str:
        return self.draw.__name__


class CannotDraw(Exception):
    """The figure lacks what it would show; the message is a sentence for the report."""


def rows(tables: Tables, table: str, **where: Any) -> pd.DataFrame:
    """The rows of a table with these values; CannotDraw if there are none."""
    rows = tables.get(table)
    if rows is not None:
        for column, value in where.items():
            if column in rows:
                rows = rows[rows[column] == value]
    if rows is None or rows.empty:
        raise CannotDraw(f"The analysis gave no table of {table.replace('_', ' ')} for it.")
    return rows


def written(terms: Iterable[str], study: Study, settings: Settings) -> list[str]:
    """Terms of the tables as a reader would write them: ``batch size × epochs``."""
    columns = columns_by_name(study, settings)
    return [words.term(columns[term].parts) for term in terms]


def values(column: pd.Series, factor: Factor) -> pd.Series:
    """Natural values of a factor from a column that may hold several factors' values."""
    return column.astype(str) if factor.scale == "categorical" else pd.to_numeric(column)


def levels_of(study: Study, factor: Factor) -> list[Any]:
    """A factor's distinct values in the table: in order, categories as they come."""
    values = study.runs[factor.name].dropna()
    if factor.scale == "categorical":
        return list(dict.fromkeys(values.astype(str)))
    return sorted(values.astype(float).unique())


def cells_of(tables: Tables, settings: Settings, metric: Metric) -> pd.DataFrame:
    cells = rows(tables, "cells", metric=metric.name).copy()
    for factor in settings.factors:
        cells[factor.name] = values(cells[factor.name], factor)
    return cells


def baseline(study: Study, metric: Metric) -> float:
    """The baseline's metric, mean over the replicates; NaN where there is none."""
    column = f"baseline_{metric.name}"
    if column not in study.runs:
        return float("nan")
    per_replicate = study.runs.dropna(subset=[column])
    if "replicate" in per_replicate:
        per_replicate = per_replicate.drop_duplicates("replicate")
    return float(per_replicate[column].mean())


def panels(count: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the report's width with ``count`` panels, ``columns`` in a row."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(style.WIDTH, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for spare in axes[count:]:
        spare.remove()
    return figure, list(axes[:count])


def remark(figure: Figure, text: str) -> None:
    """A line under the panels for what depends on the data (what is averaged, left out…)."""
    figure.supxlabel(text, fontsize=7, color=style.GREY, x=0.01, ha="left")


def drawn(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """All rows, or ``MANY`` of them by chance (the study's seed decides), in their own order."""
    if len(rows) <= MANY:
        return rows
    return rows.sample(MANY, random_state=settings.seed).sort_index()


def remark_drawn(figure: Figure, count: int, what: str, besides: str = "") -> None:
    """Says so where ``drawn`` left out some."""
    if count > MANY:
        remark(figure, f"{MANY:,} of {count:,} {what} are drawn, by chance{besides}.")


def ink_on(colour: Any) -> str:
    """Black or white, whichever is read more easily on the colour."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else style.BLACK
