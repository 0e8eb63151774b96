"""The coefficients by three estimators in both framings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.fit.terms import are_blocks
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric


def coefficients(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Forest plot of the coefficients in both framings with the three estimators."""
    metric = metric.on_scale
    table = common.rows(tables, "coefficients", metric=metric.name)
    table = table[table["term"] != "intercept"]
    table = table[~are_blocks(table["term"], settings)]
    every_term = list(dict.fromkeys(table["term"]))
    sizes = table["statistic"].abs().groupby(table["term"]).max()
    terms = common.largest(every_term, sizes)
    framings = [f for f in ("absolute", "relative") if f in set(table["framing"])]
    estimators = [e for e in style.ESTIMATORS if e in set(table["estimator"])]
    titles = {
        "absolute": "absolute framing:\nslope at the centre of the design",
        "relative": "relative framing:\nslope at the baseline's settings",
    }
    figure, axes = common.panels(
        len(framings), 2, max(2.0, 0.75 + 0.235 * len(terms)), sharey=True, sharex=True
    )
    for axis, framing in zip(axes, framings, strict=True):
        axis.axvline(0, color=style.GREY, linewidth=0.7)
        for k, estimator in enumerate(estimators):
            rows = table[(table["framing"] == framing) & (table["estimator"] == estimator)]
            rows = rows.set_index("term").reindex(terms)
            y = np.arange(len(terms)) + 0.22 * (k - (len(estimators) - 1) / 2)
            _intervals(axis, y, rows, estimator, metric, settings)
        for i in range(0, len(terms), 2):
            axis.axhspan(i - 0.5, i + 0.5, color=style.FAINT, alpha=0.45, linewidth=0, zorder=0)
        axis.set_title(titles[framing], fontsize=7.5)
        axis.xaxis.set_major_locator(MaxNLocator(4))  # labels as long as −0.025 need the room
        per = " ".join(filter(None, (words.unit_of(metric), "for half the range")))
        change = common.axis_name(f"change in {words.name(metric.name)}")
        axis.set_xlabel(f"{change}\n{common.axis_name(f'({per})')}")
        axis.set_yticks(range(len(terms)), common.written(terms, study, settings))
        axis.set_ylim(len(terms) - 0.5, -0.5)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    common.legend_above(figure, _handles(estimators, settings))
    if len(terms) < len(every_term):
        common.remark(figure, f"The {len(terms)} of {len(every_term):,} terms with the largest t.")
    return figure


def _intervals(
    axis: Axes,
    y: np.ndarray,
    rows: pd.DataFrame,
    estimator: str,
    metric: Metric,
    settings: Settings,
) -> None:
    """One estimator's coefficients, hollow where they are not significant."""
    _, colour, marker = style.ESTIMATORS[estimator]
    estimate, low, high = (
        words.in_unit(rows[column].to_numpy(float), metric)
        for column in ("estimate", "ci_low", "ci_high")
    )
    axis.hlines(y, low, high, color=colour, linewidth=1)
    sure = _significant(rows, settings).to_numpy()
    for mask, face in ((sure, colour), (~sure, "white")):
        axis.plot(
            estimate[mask],
            y[mask],
            marker,
            color=colour,
            markerfacecolor=face,
            markersize=3.6,
            markeredgewidth=0.9,
        )


def _handles(estimators: list[str], settings: Settings) -> list[Line2D]:
    handles = []
    for estimator in estimators:
        label, colour, marker = style.ESTIMATORS[estimator]
        handles.append(Line2D([], [], color=colour, marker=marker, label=label))
    look: dict[str, Any] = {"marker": "o", "linestyle": "", "markerfacecolor": "white"}
    hollow = f"hollow: q ≥ {settings.alpha:g}"
    return [*handles, Line2D([], [], color=style.GREY, label=hollow, **look)]


def _significant(rows: pd.DataFrame, settings: Settings) -> pd.Series:
    """The report's rule: q below alpha and the interval without zero."""
    excludes = (rows["ci_low"] > 0) | (rows["ci_high"] < 0)
    return (rows["q_value"] < settings.alpha) & excludes


FIGURES = (
    Kind(
        coefficients,
        "Coefficients",
        "Coefficients of the model for {metric} with their intervals, by three estimators.",
        ("coefficients",),
    ),
)
