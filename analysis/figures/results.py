"""Measured and fitted metric: differences to the baseline, effects, interactions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Factor, Metric

MOST_PANELS = 12  # factors in one figure; more fill more than a page
MANY_CATEGORIES = 12  # beyond which a panel takes the whole width,
MOST_WIDE = 3  # and so many of them make a figure
MOST_LINES = 5  # levels of the other factor in one panel


def differences(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Heat maps of metric − baseline: two factors, a panel for each level of the third."""
    if len(settings.factors) < 2:
        raise common.CannotDraw("A heat map needs two factors; the study has one.")
    cells = common.cells_of(tables, settings, metric)
    if cells["delta"].isna().all():
        raise common.CannotDraw("The table has no such baseline.")
    across, down, *others = settings.factors
    levels = {factor.name: common.levels_of(study, factor) for factor in settings.factors}
    for factor in settings.factors[:3]:
        if len(levels[factor.name]) > common.GRID_LEVELS:
            raise common.CannotDraw(
                f"{words.sentence_case(words.name(factor.name))} takes "
                f"{len(levels[factor.name])} values: too many for a heat map."
            )
    averaged = [words.name(factor.name) for factor in others[1:]]
    keys = [factor.name for factor in settings.factors[:3]]
    cells["excludes_zero"] = (cells["ci_low"] > 0) | (cells["ci_high"] < 0)
    shown = cells.groupby(keys, as_index=False).agg(
        delta=("delta", "mean"), excludes_zero=("excludes_zero", "first"), joined=("delta", "size")
    )
    # an interval belongs to one cell; a mean over several has none in the table
    shown.loc[shown["joined"] > 1, "excludes_zero"] = False

    digits = words.interval_decimals(cells["ci_low"], cells["ci_high"], metric)
    panels = levels[others[0].name] if others else [None]
    rows, columns = len(levels[down.name]), len(levels[across.name])
    deltas = words.in_unit(shown["delta"], metric)
    widest = max(len(words.fixed(delta, digits, sign=True)) for delta in deltas)
    in_row = int((style.WIDTH - 1) / (columns * (widest * style.LETTER + style.GAP)))
    in_row = max(1, min(4, in_row))
    figure, axes = common.panels(len(panels), in_row, 0.75 + 0.34 * rows, sharey=True)
    largest = float(np.nanmax(np.abs(shown["delta"]))) or 1.0
    norm = TwoSlopeNorm(0, -words.in_unit(largest, metric), words.in_unit(largest, metric))
    colours = style.DIFFERENCE if metric.better == "higher" else style.DIFFERENCE.reversed()
    for place, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        here = shown if panel is None else shown[shown[others[0].name] == panel]
        grid, sure = np.full((rows, columns), np.nan), np.full((rows, columns), False)
        for row in here.to_dict("records"):
            at = (
                levels[down.name].index(row[down.name]),
                levels[across.name].index(row[across.name]),
            )
            grid[at], sure[at] = words.in_unit(row["delta"], metric), row["excludes_zero"]
        _heat_map(axis, grid, sure, digits, colours, norm)
        for which, factor in (("x", across), ("y", down)):
            shown_levels = [words.level(v, factor.scale) for v in levels[factor.name]]
            style.set_categories(axis, which, shown_levels)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(common.axis_name(words.name(across.name), style.room(axis, "x")))
        if place % in_row == 0:
            axis.set_ylabel(common.axis_name(words.name(down.name), style.room(axis, "y")))
        if panel is not None:
            title = words.setting({others[0].name: panel}, settings.factors)
            axis.set_title(common.axis_name(title, style.room(axis, "x")))
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=axes, shrink=0.9, aspect=14, pad=0.015, fraction=0.05
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    unit = words.unit_of(metric) or words.name(metric.name)
    bar.set_label(common.axis_name(f"{unit} against baseline", 0.3 * rows + 0.5), fontsize=7)
    if averaged:
        common.remark(figure, f"Mean over {words.listed(averaged, 'factor')}.")
    return figure


def _heat_map(
    axis: Axes, grid: np.ndarray, sure: np.ndarray, digits: int, colours: Colormap, norm: Normalize
) -> None:
    """The differences (rows, columns) as colours and numbers, bold where they are sure."""
    rows, columns = grid.shape
    for j, i in np.argwhere(np.isfinite(grid.T)):
        axis.text(
            j,
            i,
            words.fixed(grid[i, j], digits, sign=True),
            ha="center",
            va="center",
            fontsize=7,
            fontweight="bold" if sure[i, j] else "normal",
            color=common.ink_on(colours(norm(grid[i, j]))),
        )
    # flat cells, drawn as shapes so that the picture stays sharp at any size
    axis.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(grid),
        cmap=colours,
        norm=norm,
        edgecolor="white",
        linewidth=1,
    )
    axis.set_facecolor(style.FAINT)


def effects(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Fitted metric along each factor, the others at the centre of the design."""
    table = common.rows(tables, "effects", metric=metric.name, framing="absolute")
    every_cell = common.cells_of(tables, settings, metric)
    cells = common.drawn(every_cell, settings)
    wide = _wide(study, settings.factors)
    factors = common.most_important(tables, settings, MOST_WIDE if wide else MOST_PANELS)
    many = len(factors) > 6  # smaller panels, so that the figure fits the first page
    columns = 1 if wide else 4 if many or len(factors) == 4 else 3
    height = (1.6 if many else 2.2) + _room_for_categories(study, factors, columns)
    figure, axes = common.panels(len(factors), columns, height, sharey=True)
    baseline = words.in_unit(common.baseline(study, metric), metric)
    for place, (axis, factor) in enumerate(zip(axes, factors, strict=True)):
        rows = table[table["factor"] == factor.name]
        levels = common.levels_of(study, factor)
        colour = style.factor_colour(factor.name, settings.factor_names)
        x = np.array(style.positions(common.values(rows["value"], factor), factor, levels))
        observed = style.positions(cells[factor.name], factor, levels)
        axis.plot(
            observed,
            words.in_unit(cells["mean"], metric),
            "o",
            color=style.OBSERVED,
            markersize=2.5,
            alpha=0.6,
            markeredgewidth=0,
        )
        _fitted(axis, x, rows, factor, metric, colour)
        if factor.scale == "categorical":
            axis.set_xlim(-0.5, len(levels) - 0.5)
        if np.isfinite(baseline):
            axis.axhline(baseline, color=style.BASELINE, linestyle=(0, (4, 2)), linewidth=1)
        style.set_factor_axis(axis, "x", factor, levels)
        axis.set_xlabel(common.axis_name(words.name(factor.name), style.room(axis, "x")))
        axis.grid(axis="y")
        if place % columns == 0:
            axis.set_ylabel(common.axis_name(words.axis_label(metric), 0.9 if many else 1.2))
    percent = f"{100 * (1 - settings.alpha):g} %"
    handles = [
        Line2D([], [], color=style.BLACK, label="fitted"),
        Patch(color=style.BLACK, alpha=0.35, linewidth=0, label=f"{percent} interval at a point"),
        Patch(color=style.BLACK, alpha=0.12, linewidth=0, label=f"{percent} band for the curve"),
        Line2D([], [], color=style.OBSERVED, marker="o", linestyle="", label="mean of a cell"),
    ]
    if np.isfinite(baseline):
        handles.append(
            Line2D([], [], color=style.BASELINE, linestyle=(0, (4, 2)), label="baseline")
        )
    common.legend_above(figure, handles)
    common.remark_drawn(figure, len(every_cell), "cells")
    common.remark_left_out(figure, len(factors), len(settings.factors), "factors")
    return figure


def _fitted(
    axis: Axes, x: np.ndarray, rows: pd.DataFrame, factor: Factor, metric: Metric, colour: str
) -> None:
    """The fitted mean along a factor with its intervals and its band."""
    y, low, high, band_low, band_high = (
        words.in_unit(rows[column].to_numpy(float), metric)
        for column in ("estimate", "ci_low", "ci_high", "band_low", "band_high")
    )
    if factor.scale == "categorical":
        band = [y - band_low, band_high - y]
        axis.errorbar(x, y, band, fmt="none", ecolor=colour, elinewidth=4, alpha=0.3)
        axis.errorbar(x, y, [y - low, high - y], fmt="o", color=colour, elinewidth=1.4)
    else:
        axis.fill_between(x, band_low, band_high, color=colour, alpha=0.15, linewidth=0)
        axis.fill_between(x, low, high, color=colour, alpha=0.3, linewidth=0)
        axis.plot(x, y, color=colour)


def interactions(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Fitted metric along one factor at the levels of another, for each pair."""
    table = common.rows(tables, "interactions", metric=metric.name, framing="absolute")
    told = set(zip(table["factor"], table["other"], strict=True))  # a pair may never be together
    q_values = _pair_tests(tables, metric)
    every_pair = [
        pair
        for pair in _pairs(settings)
        if (pair[0].name, pair[1].name) in told and _names(pair) in q_values
    ]
    if not every_pair:
        raise common.CannotDraw("The model has no interactions.")
    pairs = every_pair
    if len(pairs) > 9:  # more do not fit a page
        pairs = sorted(pairs, key=lambda pair: q_values[_names(pair)])[:9]
    in_row = 3
    if _wide(study, tuple(along for along, _ in pairs)):
        in_row, pairs = 1, pairs[:MOST_WIDE]
    height = 2.35 + _room_for_categories(study, [along for along, _ in pairs], in_row)
    figure, axes = common.panels(len(pairs), in_row, height, sharey=True)
    for place, (axis, (along, other)) in enumerate(zip(axes, pairs, strict=True)):
        rows = table[(table["factor"] == along.name) & (table["other"] == other.name)]
        there = set(common.values(rows["other_value"], other))
        levels = [level for level in common.levels_of(study, other) if level in there]
        shown = _spread(levels, MOST_LINES)
        _lines(axis, rows, along, other, shown, study, metric)
        style.set_factor_axis(axis, "x", along, common.levels_of(study, along))
        axis.set_xlabel(common.axis_name(words.name(along.name), style.room(axis, "x")))
        axis.grid(axis="y")
        title = words.name(other.name)
        if len(shown) < len(levels):
            title += f", {len(shown)} of {len(levels)} levels"
        lines_above = _legend(axis, title)
        q_value = q_values[_names((along, other))]
        if q_value <= 1:
            axis.set_title(f"interaction: {words.p_value(q_value, 'q')}", pad=6 + 12 * lines_above)
        if place % in_row == 0:
            axis.set_ylabel(common.axis_name(words.axis_label(metric), 1.2))
    if len(pairs) < len(every_pair):
        common.remark(
            figure, f"The {len(pairs)} of {len(every_pair)} pairs with the smallest q-values."
        )
    return figure


def _lines(
    axis: Axes,
    rows: pd.DataFrame,
    along: Factor,
    other: Factor,
    shown: list[Any],
    study: Study,
    metric: Metric,
) -> None:
    """The fitted mean along one factor, a line for each of the other's levels."""
    levels = common.levels_of(study, along)
    other_values = common.values(rows["other_value"], other)
    aside = np.linspace(-0.25, 0.25, len(shown)) if len(shown) > 1 else [0.0]
    for value, colour, beside in zip(shown, style.level_colours(len(shown)), aside, strict=True):
        line = rows[other_values == value]
        x = np.array(style.positions(common.values(line["value"], along), along, levels))
        y, low, high = (
            words.in_unit(line[column].to_numpy(float), metric)
            for column in ("estimate", "ci_low", "ci_high")
        )
        label = words.shortened(words.level(value, other.scale), style.LEVEL_LETTERS)
        if along.scale == "categorical":  # points beside each other, no line: no order
            spans = [y - low, high - y]
            axis.errorbar(x + beside, y, spans, fmt="o", color=colour, label=label)
        else:
            axis.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
            axis.plot(x, y, color=colour, label=label)


def _legend(axis: Axes, title: str) -> int:
    """A legend above the panel; how many lines of text it takes."""
    width = style.room(axis, "x")
    title = common.axis_name(title, width)
    labels = axis.get_legend_handles_labels()[1]
    widest = max(map(len, labels))
    in_row = max(1, min(len(labels), int(width / (widest * style.LETTER + 0.3))))
    axis.legend(
        title=title,
        title_fontsize=7,
        alignment="left",
        loc="lower left",
        bbox_to_anchor=(-0.03, 1.0),
        ncols=in_row,
        columnspacing=0.9,
        handlelength=1.2,
        borderaxespad=0,
        borderpad=0.2,
    )
    return -(-len(labels) // in_row) + title.count("\n") + 1


def _wide(study: Study, factors: tuple[Factor, ...]) -> bool:
    """Whether the categories of one of the factors need a figure's whole width."""
    categorical = [factor for factor in factors if not factor.numeric]
    return any(len(common.levels_of(study, f)) > MANY_CATEGORIES for f in categorical)


def _room_for_categories(study: Study, factors: list[Factor], columns: int) -> float:
    """The height that a panel needs more where names of categories stand upright."""
    width = 0.75 * style.WIDTH / min(columns, len(factors))
    categorical = [factor for factor in factors if not factor.numeric]
    names = [[words.level(v, f.scale) for v in common.levels_of(study, f)] for f in categorical]
    return max((style.height_of_categories(each, width) for each in names), default=0.0)


def _spread(levels: list[Any], most: int) -> list[Any]:
    """At most so many levels, the first and the last among them, spread evenly."""
    if len(levels) <= most:
        return levels
    return [levels[round(i * (len(levels) - 1) / (most - 1))] for i in range(most)]


def _pairs(settings: Settings) -> list[tuple[Factor, Factor]]:
    """Unordered pairs of factors; a numeric one comes first, to be the horizontal axis."""
    if len(settings.factors) < 2:
        raise common.CannotDraw("It needs two factors; the study has one.")
    pairs = []
    for i, one in enumerate(settings.factors):
        for other in settings.factors[i + 1 :]:
            swap = one.scale == "categorical" and other.scale != "categorical"
            pairs.append((other, one) if swap else (one, other))
    return pairs


def _names(pair: tuple[Factor, Factor]) -> frozenset[str]:
    return frozenset(factor.name for factor in pair)


def _pair_tests(tables: Tables, metric: Metric) -> dict[frozenset[str], float]:
    """The q-value of each pair that the model has terms of; infinite where it was not tested."""
    rows = tables.get("joint", pd.DataFrame())
    if rows.empty:
        return {}
    rows = rows[(rows["metric"] == metric.name) & (rows["framing"] == "absolute")]
    rows = rows[(rows["estimator"] == "split_plot") & (rows["kind"] == "pair")]
    pairs = rows["tested"].str.split(":").map(frozenset)
    return dict(zip(pairs, rows["q_value"].fillna(np.inf), strict=True))


FIGURES = (
    Kind(
        differences,
        "Difference to the baseline",
        "{metric}, mean over replicates, less the baseline on the same evaluation texts. Blue "
        "is better than the baseline, orange worse. Bold: the interval of this cell excludes zero "
        "(cell by cell, not corrected for their number).",
        ("cells",),
    ),
    Kind(
        effects,
        "Along each factor",
        "Fitted {metric} along each factor with the others at the centre of the design (split-plot "
        "estimator). Grey dots are the means of all cells, also those away from the centre.",
        ("effects", "cells", "importance"),
    ),
    Kind(
        interactions,
        "Interactions",
        "Fitted {metric} along one factor at the levels of another, remaining factors at the "
        "centre, with pointwise intervals. Parallel lines are no interaction; of a transformed "
        "metric they would be parallel on the scale of its analysis.",
        ("interactions", "joint"),
    ),
)
