"""Measured and fitted metric: differences to the baseline, effects, interactions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.fit.terms import Column, columns_by_name
from analysis.runs.settings import Factor, Metric, Settings
from analysis.runs.study import Study


def differences(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Heat maps of metric − baseline: two factors, a panel for each level of the third."""
    if len(settings.factors) < 2:
        raise common.CannotDraw("A heat map needs two factors; the study has one.")
    cells = common.cells_of(tables, settings, metric)
    if cells["delta"].isna().all():
        raise common.CannotDraw(f"The table has no baseline for {words.name(metric.name)}.")
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
    figure, axes = common.panels(len(panels), 4, 0.75 + 0.34 * rows, sharey=True)
    largest = float(np.nanmax(np.abs(shown["delta"]))) or 1.0
    norm = TwoSlopeNorm(0, -words.in_unit(largest, metric), words.in_unit(largest, metric))
    colours = style.DIFFERENCE if metric.better == "higher" else style.DIFFERENCE.reversed()
    for place, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        here = shown if panel is None else shown[shown[others[0].name] == panel]
        grid = np.full((rows, columns), np.nan)
        for row in here.to_dict("records"):
            i = levels[down.name].index(row[down.name])
            j = levels[across.name].index(row[across.name])
            grid[i, j] = words.in_unit(row["delta"], metric)
            if np.isfinite(grid[i, j]):
                axis.text(
                    j,
                    i,
                    words.fixed(grid[i, j], digits, sign=True),
                    ha="center",
                    va="center",
                    fontsize=7,
                    fontweight="bold" if row["excludes_zero"] else "normal",
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
        axis.set_xticks(range(columns), [words.level(v, across.scale) for v in levels[across.name]])
        axis.set_yticks(range(rows), [words.level(v, down.scale) for v in levels[down.name]])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(words.name(across.name))
        if place % 4 == 0:
            axis.set_ylabel(words.name(down.name))
        if panel is not None:
            axis.set_title(words.setting({others[0].name: panel}, settings.factors))
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=axes, shrink=0.9, aspect=14, pad=0.015, fraction=0.05
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.set_label(f"{metric.unit or words.name(metric.name)} against baseline", fontsize=7)
    if averaged:
        common.remark(figure, f"Mean over {' and '.join(averaged)}.")
    return figure


def effects(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Fitted metric along each factor, the others at the centre of the design."""
    table = common.rows(tables, "effects", metric=metric.name, framing="absolute")
    every_cell = common.cells_of(tables, settings, metric)
    cells = common.drawn(every_cell, settings)
    columns = 4 if len(settings.factors) == 4 else 3
    figure, axes = common.panels(len(settings.factors), columns, 2.2, sharey=True)
    baseline = words.in_unit(common.baseline(study, metric), metric)
    for place, (axis, factor) in enumerate(zip(axes, settings.factors, strict=True)):
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
        y, low, high, band_low, band_high = (
            words.in_unit(rows[column].to_numpy(float), metric)
            for column in ("estimate", "ci_low", "ci_high", "band_low", "band_high")
        )
        if factor.scale == "categorical":
            axis.errorbar(
                x,
                y,
                [y - band_low, band_high - y],
                fmt="none",
                ecolor=colour,
                elinewidth=4,
                alpha=0.3,
            )
            axis.errorbar(x, y, [y - low, high - y], fmt="o", color=colour, elinewidth=1.4)
            axis.set_xlim(-0.5, len(levels) - 0.5)
        else:
            axis.fill_between(x, band_low, band_high, color=colour, alpha=0.15, linewidth=0)
            axis.fill_between(x, low, high, color=colour, alpha=0.3, linewidth=0)
            axis.plot(x, y, color=colour)
        if np.isfinite(baseline):
            axis.axhline(baseline, color=style.BASELINE, linestyle=(0, (4, 2)), linewidth=1)
        style.set_factor_axis(axis, "x", factor, levels)
        axis.set_xlabel(words.name(factor.name))
        axis.grid(axis="y")
        if place % columns == 0:
            axis.set_ylabel(words.axis_label(metric))
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
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), columnspacing=1.2)
    common.remark_drawn(figure, len(every_cell), "cells")
    return figure


def interactions(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Fitted metric along one factor at the levels of another, for each pair."""
    table = common.rows(tables, "interactions", metric=metric.name, framing="absolute")
    every_pair = _pairs(settings)
    columns = columns_by_name(study, settings)
    pairs = every_pair
    if len(pairs) > 9:  # more do not fit a page
        pairs = sorted(pairs, key=lambda pair: _interaction_q(tables, metric, columns, pair))[:9]
    figure, axes = common.panels(len(pairs), 3, 2.35, sharey=True)
    for place, (axis, (along, other)) in enumerate(zip(axes, pairs, strict=True)):
        rows = table[(table["factor"] == along.name) & (table["other"] == other.name)]
        levels, other_values = (
            common.levels_of(study, along),
            common.values(rows["other_value"], other),
        )
        shown = set(other_values)
        lines = [v for v in common.levels_of(study, other) if v in shown]
        for value, colour in zip(lines, style.level_colours(len(lines)), strict=True):
            line = rows[other_values == value]
            x = style.positions(common.values(line["value"], along), along, levels)
            y, low, high = (
                words.in_unit(line[column].to_numpy(float), metric)
                for column in ("estimate", "ci_low", "ci_high")
            )
            label = words.level(value, other.scale)
            if along.scale == "categorical":
                axis.errorbar(x, y, [y - low, high - y], fmt="o-", color=colour, label=label)
            else:
                axis.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
                axis.plot(x, y, color=colour, label=label)
        style.set_factor_axis(axis, "x", along, levels)
        axis.set_xlabel(words.name(along.name))
        axis.grid(axis="y")
        q_value = _interaction_q(tables, metric, columns, (along, other))
        if q_value <= 1:
            axis.set_title(f"interaction: {words.p_value(q_value, 'q')}", pad=30)
        axis.legend(
            title=words.name(other.name),
            title_fontsize=7,
            alignment="left",
            loc="lower left",
            bbox_to_anchor=(-0.03, 1.0),
            ncols=len(lines),
            columnspacing=0.9,
            handlelength=1.2,
            borderaxespad=0,
            borderpad=0.2,
        )
        if place % 3 == 0:
            axis.set_ylabel(words.axis_label(metric))
    if len(pairs) < len(every_pair):
        common.remark(
            figure, f"The {len(pairs)} of {len(every_pair)} pairs with the smallest q-values."
        )
    return figure


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


def _interaction_q(
    tables: Tables, metric: Metric, columns: Mapping[str, Column], pair: tuple[Factor, Factor]
) -> float:
    """The q-value of the pair's term; infinite unless exactly one term is the interaction."""
    rows = tables.get("coefficients", pd.DataFrame())
    if rows.empty:
        return float("inf")
    rows = rows[(rows["metric"] == metric.name) & (rows["framing"] == "absolute")]
    plain = {(factor.name, 1) for factor in pair}
    of_pair = [name for name, column in columns.items() if set(column.term.powers) == plain]
    rows = rows[rows["term"].isin(of_pair)]
    for estimator in style.ESTIMATORS:
        found = rows[rows["estimator"] == estimator]
        if len(found) == 1:
            return float(found["q_value"].iloc[0])
    return float("inf")


FIGURES = (
    Kind(
        differences,
        "Difference to the baseline: {metric}",
        "{metric}, mean over replicates, less the baseline on the same evaluation texts. Blue "
        "is better than the baseline, orange worse. Bold: the interval of this cell excludes zero "
        "(cell by cell, not corrected for their number).",
    ),
    Kind(
        effects,
        "Effects: {metric}",
        "Fitted {metric} along each factor with the others at the centre of the design (split-plot "
        "estimator). Grey dots are the means of all cells, also those away from the centre.",
    ),
    Kind(
        interactions,
        "Interactions: {metric}",
        "Fitted {metric} along one factor at the levels of another, remaining factors at the "
        "centre, with pointwise intervals. Parallel lines are no interaction.",
    ),
)
