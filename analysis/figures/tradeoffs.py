"""One metric against another, and all of them by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.questions.tradeoff import pareto_front
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Factor, Metric

FRONT_HEIGHT = 3.4  # inches
MOST_NUMBERS = 15  # on the front; more would hide one another, and the table names the cells
MOST_AXES = 9  # side by side; more have no room for their names


def tradeoff(tables: Tables, study: Study, settings: Settings) -> Figure:
    """One metric against another by cell, with intervals, the Pareto front and the baseline."""
    vertical, horizontal = tradeoff_metrics(settings)
    names = list(settings.factor_names)
    y = common.cells_of(tables, settings, vertical).set_index(names)
    x = common.cells_of(tables, settings, horizontal).set_index(names).reindex(y.index)
    relative = bool(x["delta"].notna().any() and y["delta"].notna().any())
    columns = ("delta", "ci_low", "ci_high") if relative else ("mean", "mean_low", "mean_high")
    front = front_cells(tables, settings)
    key = front.set_index(names).index if len(front) else y.index[:0]
    shown = common.drawn(pd.DataFrame(index=range(len(y))), settings).index
    shown = np.union1d(shown, y.index.get_indexer(key))  # the front in any case
    count, y, x = len(y), y.iloc[shown], x.iloc[shown]
    px, x_low, x_high = (words.in_unit(x[column], horizontal) for column in columns)
    py, y_low, y_high = (words.in_unit(y[column], vertical) for column in columns)
    figure = Figure(figsize=(style.WIDTH, FRONT_HEIGHT))
    axis = figure.subplots()
    if count <= common.MANY:
        axis.errorbar(
            px,
            py,
            xerr=[px - x_low, x_high - px],
            yerr=[py - y_low, y_high - py],
            fmt="none",
            ecolor=style.LIGHT,
            elinewidth=0.5,
            zorder=1,
        )
    handles = _points_by_level(axis, study, settings, y.index.to_frame(index=False), px, py)

    if len(front):
        at = pd.DataFrame({"x": px.reindex(key).to_numpy(), "y": py.reindex(key).to_numpy()})
        # with more than two metrics some cells owe their place on the front to a metric not shown
        in_plane = pareto_front(at.to_numpy(), np.array([horizontal.sign, vertical.sign]))
        line = at[in_plane].sort_values("x")
        axis.plot(line["x"], line["y"], color=style.FRONT, linewidth=1.1, zorder=2)
        axis.scatter(
            at["x"], at["y"], s=62, facecolor="none", edgecolor=style.FRONT, linewidth=0.9, zorder=5
        )
        if len(at) <= MOST_NUMBERS:
            _number(axis, at)
        ring: dict[str, Any] = {
            "marker": "o",
            "markerfacecolor": "none",
            "markersize": 7,
            "color": style.FRONT,
        }
        handles.append(Line2D([], [], **ring, label="Pareto front"))
    if relative:
        look: dict[str, Any] = {"color": style.BASELINE, "linewidth": 0.8, "linestyle": (0, (4, 2))}
        axis.axhline(0, zorder=1, **look)
        axis.axvline(0, zorder=1, **look)
        axis.plot(0, 0, "*", color=style.BASELINE, markersize=11, markeredgecolor="white", zorder=5)
        handles.append(_baseline_handle())
    along = _towards(words.axis_label(horizontal, relative), horizontal)
    axis.set_xlabel(common.axis_name(along, 4.0))
    axis.set_ylabel(common.axis_name(_towards(words.axis_label(vertical, relative), vertical), 3.0))
    figure.legend(handles=handles, loc="outside right upper")
    common.remark_drawn(figure, count, "cells", ", and all on the Pareto front")
    return figure


def _number(axis: Axes, at: pd.DataFrame) -> None:
    """Numbers beside the points of the front, each in the first corner that no other has taken."""
    span = np.array([np.ptp(limits) for limits in (axis.get_xlim(), axis.get_ylim())])
    places = at[["x", "y"]].to_numpy() / span * 72 * [0.6 * style.WIDTH, 0.75 * FRONT_HEIGHT]
    taken: list[np.ndarray] = []
    for number, (x, y) in enumerate(places, start=1):
        corners = [np.array([x, y]) + corner for corner in ((5, 4), (5, -11), (-12, 4), (-12, -11))]
        free = [c for c in corners if all((np.abs(c - t) > (11, 9)).any() for t in taken)]
        corner = (free or corners)[0]
        taken.append(corner)
        text = axis.annotate(
            str(number),
            tuple(at[["x", "y"]].iloc[number - 1]),
            tuple(corner - (x, y)),
            textcoords="offset points",
            fontsize=7,
            color=style.FRONT,
            fontweight="bold",
            zorder=6,
        )
        text.set_path_effects([withStroke(linewidth=1.8, foreground="white")])


def _points_by_level(
    axis: Axes,
    study: Study,
    settings: Settings,
    cells: pd.DataFrame,
    x: pd.Series,
    y: pd.Series,
) -> list[Line2D]:
    """Draws the cells, coloured by the first factor, shaped by the last; returns the legend."""
    first, last = settings.factors[0], settings.factors[-1]
    levels, shapes = common.levels_of(study, first), common.levels_of(study, last)
    colours = dict(zip(levels, style.level_colours(len(levels)), strict=True))
    if len(levels) > 6:
        levels = [levels[0], levels[len(levels) // 2], levels[-1]]
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", color=colours[v], label=common.level_label(first, v)
        )
        for v in levels
    ]
    markers = dict(zip(shapes, "osD^vP", strict=False))
    if last is first or len(markers) < len(shapes):
        places = [(np.full(len(cells), True), "o")]
    else:
        handles += [
            Line2D(
                [], [], marker=m, linestyle="", color=style.GREY, label=common.level_label(last, v)
            )
            for v, m in markers.items()
        ]
        places = [((cells[last.name] == v).to_numpy(), m) for v, m in markers.items()]
    by_level = cells[first.name].map(colours)
    for here, marker in places:
        axis.scatter(
            x[here],
            y[here],
            c=list(by_level[here]),
            marker=marker,
            s=28,
            edgecolor="white",
            linewidth=0.5,
            zorder=4,
        )
    return handles


def tradeoff_metrics(settings: Settings) -> tuple[Metric, Metric]:
    """The front's first metric, and its first that is better in the other direction (or second)."""
    if len(settings.metrics) < 2:
        raise common.CannotDraw("A trade-off needs two metrics; the config names one.")
    first, *others = settings.front_metrics
    return first, next((m for m in others if m.better != first.better), others[0])


def _towards(label: str, metric: Metric) -> str:
    """The label of an axis with an arrow to where it is better."""
    return f"{label}, better →" if metric.better == "higher" else f"← better, {label}"


def front_cells(tables: Tables, settings: Settings) -> pd.DataFrame:
    """The observed cells on the Pareto front of the table, as they are numbered in the figure."""
    rows = tables.get("pareto", pd.DataFrame())
    if rows.empty:
        return rows
    rows = rows[(rows["level"] == "observed") & rows["on_front"].astype(bool)].copy()
    for factor in settings.factors:
        rows[factor.name] = common.values(rows[factor.name], factor)
    _, horizontal = tradeoff_metrics(settings)
    # a metric that no run has is no column
    by = next(m.name for m in (horizontal, *settings.front_metrics) if m.name in rows)
    return rows.sort_values(by, kind="stable").reset_index(drop=True)


def parallel_coordinates(tables: Tables, study: Study, settings: Settings) -> Figure:
    """One line a cell through its settings and its mean metrics; the Pareto front in front."""
    names = list(settings.factor_names)
    longest = max(len(word) for name in names for word in words.name(name).split())
    most = min(MOST_AXES, int(style.WIDTH / (longest * style.LETTER + 0.2)))
    factors = common.most_important(tables, settings, max(3, most - len(settings.metrics)))
    means = {
        m.name: common.cells_of(tables, settings, m).set_index(names)["mean"]
        for m in settings.metrics
    }
    frame = pd.DataFrame(means).dropna().reset_index()
    if frame.empty:
        raise common.CannotDraw("No cell has all the metrics.")
    front = front_cells(tables, settings) if len(settings.metrics) > 1 else pd.DataFrame()
    chosen = set(front[names].itertuples(index=False, name=None)) if len(front) else set()
    on_front = np.array([row in chosen for row in frame[names].itertuples(index=False, name=None)])

    letters = int(0.85 * style.WIDTH / (len(factors) + len(settings.metrics)) / style.LETTER)
    scales = [_scale_of_factor(frame[factor.name], factor, study, letters) for factor in factors]
    scales += [_scale_of_metric(frame[m.name], m, study) for m in settings.metrics]
    lines = np.column_stack([scale.heights for scale in scales])
    quality = lines[:, len(factors)].copy()
    # equal levels hide one another: a little apart, in the same order on every axis
    rank = quality.argsort().argsort()
    lines[:, : len(factors)] += 0.05 * (rank / max(len(rank) - 1, 1) - 0.5)[:, None]

    figure = Figure(figsize=(style.WIDTH, 2.9))
    axis = figure.subplots()
    places = range(lines.shape[1])
    order = quality.argsort()
    some = set(common.drawn(pd.DataFrame(index=range(len(order))), settings).index)
    for i in order:
        if i in some and not on_front[i]:
            axis.plot(places, lines[i], color=style.SURFACE(0.9 * quality[i]), lw=0.7, alpha=0.55)
    for i in np.flatnonzero(on_front):
        axis.plot(places, lines[i], color=style.SURFACE(0.9 * quality[i]), lw=1.8, zorder=3)
    for column, scale in enumerate(scales):
        _draw_scale(axis, column, scale)
    across = 0.9 * style.WIDTH / lines.shape[1]
    titles = [common.axis_name(words.name(factor.name), across) for factor in factors]
    titles += [
        f"{common.axis_name(words.axis_label(m), across)}\n{m.better} is better"
        for m in settings.metrics
    ]
    axis.set_xticks(places, titles)
    axis.set_yticks([])
    axis.set_xlim(-0.1, len(titles) - 0.75)
    axis.set_ylim(-0.06, 1.06)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    first = words.shortened(words.name(settings.metrics[0].name), style.LEVEL_LETTERS)
    handles = [
        Line2D([], [], color=style.SURFACE(0.9), label=f"best {first}"),
        Line2D([], [], color=style.SURFACE(0.0), label=f"worst {first}"),
    ]
    if on_front.any():
        handles.append(Line2D([], [], color=style.GREY, linewidth=2, label="on the Pareto front"))
    if any(scale.star is not None for scale in scales):
        handles.append(_baseline_handle())
    common.legend_above(figure, handles)
    common.remark_drawn(figure, len(order), "cells", ", and all on the Pareto front")
    common.remark_left_out(figure, len(factors), len(settings.factors), "factors")
    return figure


@dataclass(frozen=True)
class Scale:
    """One of parallel axes, from 0 to 1: the cells' heights, labels by height, the baseline's."""

    heights: np.ndarray
    labels: dict[float, str]
    star: float | None = None


def _draw_scale(axis: Axes, column: int, scale: Scale) -> None:
    """The line, its labels, and the baseline's star."""
    axis.axvline(column, color=style.GREY, linewidth=0.7, zorder=1)
    for height, text in scale.labels.items():
        label = axis.text(column + 0.03, height, text, fontsize=7, va="center", zorder=6)
        label.set_path_effects([withStroke(linewidth=2, foreground="white")])
    if scale.star is not None:
        look: dict[str, Any] = {"markersize": 10, "markeredgecolor": "white", "zorder": 5}
        axis.plot(column, scale.star, "*", color=style.BASELINE, **look)


def _scale_of_factor(values: pd.Series, factor: Factor, study: Study, letters: int) -> Scale:
    levels = common.levels_of(study, factor)
    spots = np.array(style.positions(levels, factor, levels), dtype=float)
    spots = np.log(spots) if factor.scale in ("log10", "log2") else spots
    at = dict(zip(levels, _unit_scale(spots, spots), strict=True))
    shown = levels if len(levels) <= 6 else [levels[0], levels[-1]]
    labels = {
        at[value]: words.shortened(words.level(value, factor.scale), letters) for value in shown
    }
    return Scale(values.map(at).to_numpy(float), labels)


def _scale_of_metric(measured: pd.Series, metric: Metric, study: Study) -> Scale:
    """Up is better on every axis."""
    values = metric.sign * measured.to_numpy(float)
    baseline = metric.sign * common.baseline(study, metric)
    ends = values if np.isnan(baseline) else np.append(values, baseline)
    ticks = np.linspace(ends.min(), ends.max(), 4)
    digits = words.spread_decimals(values, metric)
    labels = {
        float(height): words.fixed(words.in_unit(metric.sign * value, metric), digits)
        for value, height in zip(ticks, _unit_scale(ticks, ends), strict=True)
    }
    star = None if np.isnan(baseline) else float(_unit_scale(np.array(baseline), ends))
    return Scale(_unit_scale(values, ends), labels, star)


def _unit_scale(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Values on a scale from the lowest (0) to the highest (1) of ``ends``."""
    span = ends.max() - ends.min()
    return (values - ends.min()) / (span if span > 0 else 1.0)


def _baseline_handle() -> Line2D:
    return Line2D(
        [],
        [],
        marker="*",
        linestyle="",
        color=style.BASELINE,
        markersize=8,
        markeredgecolor="white",
        label="baseline",
    )


FIGURES = (
    Kind(
        tradeoff,
        "Trade-off between metrics",
        "Each point is the mean of a cell, with its interval if they are at most 1,000. The "
        "numbers on the Pareto front are those of the table.",
        ("cells", "pareto"),
        per_metric=False,
    ),
    Kind(
        parallel_coordinates,
        "Settings and metrics of every cell",
        "One line a cell, from its settings to the means of its metrics; up is better on every "
        "metric's axis. Lines are set slightly apart where they would coincide.",
        ("cells", "pareto", "importance"),
        per_metric=False,
    ),
)
