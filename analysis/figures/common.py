"""What several figures need: rows of tables, levels and cells, panels, and remarks."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style, words
from analysis.fit.coding import natural_order
from analysis.fit.terms import columns_by_name
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Factor, Metric

Tables = dict[str, pd.DataFrame]
GRID_LEVELS = 12  # beyond that many levels a factor is no grid and a heat map no picture
MOST_TERMS = 28  # that a figure lists below one another: two thirds of a page
TERM_LETTERS = 40
LEGEND_LETTERS = 32
MANY = 1000  # beyond that many points or lines, so many are drawn by chance: all would be a blot


@dataclass(frozen=True)
class Kind:
    """One figure; ``{metric}`` in the caption is the metric's name, which the title ends with.

    tables: all that it reads.
    """

    draw: Callable[..., Figure]
    title: str
    caption: str
    tables: tuple[str, ...]
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
    """Terms of the tables as a reader would write them: ``batch size × epochs``.

    The longest are shortened.
    """
    columns = columns_by_name(study, settings)
    return [words.shortened(words.term(columns[term].parts), TERM_LETTERS) for term in terms]


def values(column: pd.Series, factor: Factor) -> pd.Series:
    """Natural values of a factor from a column that may hold several factors' values."""
    return column.astype(str) if factor.scale == "categorical" else pd.to_numeric(column)


def levels_of(study: Study, factor: Factor) -> list[Any]:
    """A factor's distinct values in the table, in natural order; categories as text."""
    known = study.runs[factor.name].dropna()
    return list(natural_order(known.astype(float if factor.numeric else str).unique()))


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


def legend_above(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend over all panels, in as many columns as fit the figure's width."""
    widest = max(len(str(handle.get_label())) for handle in handles)
    columns = int(style.WIDTH / (widest * style.LETTER + 0.4))
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=max(1, min(columns, len(handles))),
        columnspacing=1.2,
    )


def axis_name(text: str, inches: float = 2.0) -> str:
    """A name broken into lines that fit beside an axis of that length, at most three."""
    letters = max(int(inches / style.LETTER), 8)
    return "\n".join(textwrap.wrap(text, letters, max_lines=3, placeholder="…"))


def most_important(tables: Tables, settings: Settings, count: int) -> list[Factor]:
    """At most ``count`` factors, in the config's order: those with the largest shares of the
    explained variance over all metrics; without such a table the first."""
    factors = list(settings.factors)
    if len(factors) <= count:
        return factors
    table = tables.get("importance", pd.DataFrame(columns=["term", "share"]))
    shares = table.groupby("term")["share"].sum()
    ranked = sorted(factors, key=lambda factor: -shares.get(factor.name, 0.0))
    return [factor for factor in factors if factor in ranked[:count]]


def largest(terms: list[str], sizes: pd.Series) -> list[str]:
    """At most ``MOST_TERMS`` terms, those of the largest sizes, in their own order."""
    kept = set(sizes.reindex(terms).sort_values(ascending=False, kind="stable").index[:MOST_TERMS])
    return [term for term in terms if term in kept]


def level_label(factor: Factor, value: Any) -> str:
    """A level with its factor's name, as a legend has it: ``batch size 16``."""
    return words.shortened(words.setting({factor.name: value}, (factor,)), LEGEND_LETTERS)


def remark_left_out(figure: Figure, shown: int, count: int, what: str) -> None:
    """Says so where only the most important are drawn."""
    if shown < count:
        remark(figure, f"The {shown} of {count:,} {what} that explain most.")


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
