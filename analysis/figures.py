"""Every figure of the study: one function each, from the tables to a matplotlib Figure.

``FIGURES`` at the end lists them with their captions; ``draw_all`` draws the list into a folder.
A function that lacks what it would show raises ``CannotDraw`` with a sentence for the reader.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from scipy import stats

from analysis import style
from analysis.runs import Study
from analysis.settings import Factor, Metric, Settings
from analysis.tradeoff import pareto_front

Tables = dict[str, pd.DataFrame]
GRID_LEVELS = 12  # beyond that many levels a factor is no grid and a heat map no picture
MANY = 1000  # beyond that many points or lines, so many are drawn by chance: all would be a blot


class CannotDraw(Exception):
    """The figure lacks what it would show; the message is a sentence for the report."""


# --- what the figures read ------------------------------------------------------------------------


def _rows(tables: Tables, table: str, **where: Any) -> pd.DataFrame:
    """The rows of a table with these values; CannotDraw if there are none."""
    rows = tables.get(table)
    if rows is not None:
        for column, value in where.items():
            if column in rows:
                rows = rows[rows[column] == value]
    if rows is None or rows.empty:
        raise CannotDraw(f"The analysis gave no table of {table.replace('_', ' ')} for it.")
    return rows


def _values(column: pd.Series, factor: Factor) -> pd.Series:
    """Natural values of a factor from a column that may hold several factors' values."""
    return column.astype(str) if factor.scale == "categorical" else pd.to_numeric(column)


def levels_of(study: Study, factor: Factor) -> list[Any]:
    """A factor's distinct values in the table: in order, categories as they come."""
    values = study.runs[factor.name].dropna()
    if factor.scale == "categorical":
        return list(dict.fromkeys(values.astype(str)))
    return sorted(values.astype(float).unique())


def cells_of(tables: Tables, settings: Settings, metric: Metric) -> pd.DataFrame:
    cells = _rows(tables, "cells", metric=metric.name).copy()
    for factor in settings.factors:
        cells[factor.name] = _values(cells[factor.name], factor)
    return cells


def _baseline(study: Study, metric: Metric) -> float:
    """The baseline's metric, mean over the replicates; NaN where there is none."""
    column = f"baseline_{metric.name}"
    if column not in study.runs:
        return float("nan")
    per_replicate = study.runs.dropna(subset=[column])
    if "replicate" in per_replicate:
        per_replicate = per_replicate.drop_duplicates("replicate")
    return float(per_replicate[column].mean())


def _panels(count: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the report's width with ``count`` panels, ``columns`` in a row."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(style.WIDTH, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for spare in axes[count:]:
        spare.remove()
    return figure, list(axes[:count])


def _remark(figure: Figure, text: str) -> None:
    """A line under the panels for what depends on the data (what is averaged, left out…)."""
    figure.supxlabel(text, fontsize=7, color=style.GREY, x=0.01, ha="left")


def _drawn(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """All rows, or ``MANY`` of them by chance (the study's seed decides), in their own order."""
    if len(rows) <= MANY:
        return rows
    return rows.sample(MANY, random_state=settings.seed).sort_index()


def _remark_drawn(figure: Figure, count: int, what: str) -> None:
    """Says so where ``_drawn`` left out some."""
    if count > MANY:
        _remark(figure, f"{MANY:,} of {count:,} {what} are drawn, by chance.")


def _ink(colour: Any) -> str:
    """Black or white, whichever is read more easily on the colour."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else style.BLACK


# --- results --------------------------------------------------------------------------------------


def differences(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Heat maps of metric − baseline: two factors, a panel for each level of the third."""
    if len(settings.factors) < 2:
        raise CannotDraw("A heat map needs two factors; the study has one.")
    cells = cells_of(tables, settings, metric)
    if cells["delta"].isna().all():
        raise CannotDraw(f"The table has no baseline for {style.name(metric.name)}.")
    across, down, *others = settings.factors
    levels = {factor.name: levels_of(study, factor) for factor in settings.factors}
    for factor in settings.factors[:3]:
        if len(levels[factor.name]) > GRID_LEVELS:
            raise CannotDraw(
                f"{style.sentence_case(style.name(factor.name))} takes "
                f"{len(levels[factor.name])} values: too many for a heat map."
            )
    averaged = [style.name(factor.name) for factor in others[1:]]
    keys = [factor.name for factor in settings.factors[:3]]
    cells["excludes_zero"] = (cells["ci_low"] > 0) | (cells["ci_high"] < 0)
    shown = cells.groupby(keys, as_index=False).agg(
        delta=("delta", "mean"), excludes_zero=("excludes_zero", "first"), joined=("delta", "size")
    )
    # an interval belongs to one cell; a mean over several has none in the table
    shown.loc[shown["joined"] > 1, "excludes_zero"] = False

    panels = levels[others[0].name] if others else [None]
    rows, columns = len(levels[down.name]), len(levels[across.name])
    figure, axes = _panels(len(panels), 4, 0.75 + 0.34 * rows, sharey=True)
    largest = float(np.nanmax(np.abs(shown["delta"]))) or 1.0
    norm = TwoSlopeNorm(0, -style.in_unit(largest, metric), style.in_unit(largest, metric))
    colours = style.DIFFERENCE if metric.better == "higher" else style.DIFFERENCE.reversed()
    for place, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        here = shown if panel is None else shown[shown[others[0].name] == panel]
        grid = np.full((rows, columns), np.nan)
        for row in here.to_dict("records"):
            i = levels[down.name].index(row[down.name])
            j = levels[across.name].index(row[across.name])
            grid[i, j] = style.in_unit(row["delta"], metric)
            if np.isfinite(grid[i, j]):
                axis.text(
                    j,
                    i,
                    style.fixed(grid[i, j], style.decimals(metric), sign=True),
                    ha="center",
                    va="center",
                    fontsize=7,
                    fontweight="bold" if row["excludes_zero"] else "normal",
                    color=_ink(colours(norm(grid[i, j]))),
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
        axis.set_xticks(range(columns), [style.level(v, across.scale) for v in levels[across.name]])
        axis.set_yticks(range(rows), [style.level(v, down.scale) for v in levels[down.name]])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel(style.name(across.name))
        if place % 4 == 0:
            axis.set_ylabel(style.name(down.name))
        if panel is not None:
            axis.set_title(style.setting({others[0].name: panel}, settings.factors))
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=axes, shrink=0.9, aspect=14, pad=0.015, fraction=0.05
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.set_label(f"{metric.unit or style.name(metric.name)} against baseline", fontsize=7)
    if averaged:
        _remark(figure, f"Mean over {' and '.join(averaged)}.")
    return figure


def effects(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Fitted metric along each factor, the others at the centre of the design."""
    table = _rows(tables, "effects", metric=metric.name, framing="absolute")
    every_cell = cells_of(tables, settings, metric)
    cells = _drawn(every_cell, settings)
    columns = 4 if len(settings.factors) == 4 else 3
    figure, axes = _panels(len(settings.factors), columns, 2.2, sharey=True)
    baseline = style.in_unit(_baseline(study, metric), metric)
    for place, (axis, factor) in enumerate(zip(axes, settings.factors, strict=True)):
        rows = table[table["factor"] == factor.name]
        levels = levels_of(study, factor)
        colour = style.factor_colour(factor.name, settings.factor_names)
        x = np.array(style.positions(_values(rows["value"], factor), factor, levels))
        observed = style.positions(cells[factor.name], factor, levels)
        axis.plot(
            observed,
            style.in_unit(cells["mean"], metric),
            "o",
            color=style.OBSERVED,
            markersize=2.5,
            alpha=0.6,
            markeredgewidth=0,
        )
        y, low, high, band_low, band_high = (
            style.in_unit(rows[column].to_numpy(float), metric)
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
        axis.set_xlabel(style.name(factor.name))
        axis.grid(axis="y")
        if place % columns == 0:
            axis.set_ylabel(style.axis_label(metric))
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
    _remark_drawn(figure, len(every_cell), "cells")
    return figure


def interactions(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Fitted metric along one factor at the levels of another, for each pair."""
    table = _rows(tables, "interactions", metric=metric.name, framing="absolute")
    every_pair = _pairs(settings)
    pairs = every_pair
    if len(pairs) > 9:  # more do not fit a page
        pairs = sorted(pairs, key=lambda pair: _interaction_q(tables, metric, *pair))[:9]
    figure, axes = _panels(len(pairs), 3, 2.35, sharey=True)
    for place, (axis, (along, other)) in enumerate(zip(axes, pairs, strict=True)):
        rows = table[(table["factor"] == along.name) & (table["other"] == other.name)]
        levels, other_values = levels_of(study, along), _values(rows["other_value"], other)
        shown = set(other_values)
        lines = [v for v in levels_of(study, other) if v in shown]
        for value, colour in zip(lines, style.level_colours(len(lines)), strict=True):
            line = rows[other_values == value]
            x = style.positions(_values(line["value"], along), along, levels)
            y, low, high = (
                style.in_unit(line[column].to_numpy(float), metric)
                for column in ("estimate", "ci_low", "ci_high")
            )
            label = style.level(value, other.scale)
            if along.scale == "categorical":
                axis.errorbar(x, y, [y - low, high - y], fmt="o-", color=colour, label=label)
            else:
                axis.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
                axis.plot(x, y, color=colour, label=label)
        style.set_factor_axis(axis, "x", along, levels)
        axis.set_xlabel(style.name(along.name))
        axis.grid(axis="y")
        q_value = _interaction_q(tables, metric, along, other)
        if q_value <= 1:
            axis.set_title(f"interaction: {style.p_value(q_value, 'q')}", pad=30)
        axis.legend(
            title=style.name(other.name),
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
            axis.set_ylabel(style.axis_label(metric))
    if len(pairs) < len(every_pair):
        _remark(figure, f"The {len(pairs)} of {len(every_pair)} pairs with the smallest q-values.")
    return figure


def _pairs(settings: Settings) -> list[tuple[Factor, Factor]]:
    """Unordered pairs of factors; a numeric one comes first, to be the horizontal axis."""
    if len(settings.factors) < 2:
        raise CannotDraw("It needs two factors; the study has one.")
    pairs = []
    for i, one in enumerate(settings.factors):
        for other in settings.factors[i + 1 :]:
            swap = one.scale == "categorical" and other.scale != "categorical"
            pairs.append((other, one) if swap else (one, other))
    return pairs


def _interaction_q(tables: Tables, metric: Metric, one: Factor, other: Factor) -> float:
    """The q-value of the pair's term; infinite unless exactly one term is the interaction."""
    rows = tables.get("coefficients", pd.DataFrame())
    if rows.empty:
        return float("inf")
    rows = rows[(rows["metric"] == metric.name) & (rows["framing"] == "absolute")]
    pair = {one.name, other.name}
    of_pair = [
        len(term.split(":")) == 2 and {part.partition("[")[0] for part in term.split(":")} == pair
        for term in rows["term"]
    ]
    rows = rows[of_pair]
    for estimator in style.ESTIMATORS:
        found = rows[rows["estimator"] == estimator]
        if len(found) == 1:
            return float(found["q_value"].iloc[0])
    return float("inf")


# --- surfaces -------------------------------------------------------------------------------------


def contours(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Contours of the fitted surface; a row of panels a pair of factors, the others held."""
    slices = _slices(tables, settings, metric)
    cells = cells_of(tables, settings, metric).dropna(subset=["mean"])
    at_most = 0  # dots in a panel
    # three pairs fill half a page; with four factors the last pairs are left to the table
    every_pair = list(dict.fromkeys((x, y) for x, y, _ in slices))
    pairs = every_pair[:3]
    slices = {key: rows for key, rows in slices.items() if key[:2] in pairs}
    columns = max(sum((x, y) == pair for x, y, _ in slices) for pair in pairs)
    if columns == 1:  # one slice a pair: the pairs side by side
        columns, rows_of = len(pairs), [pairs]
    else:
        rows_of = [[pair] for pair in pairs]
    figure = Figure(
        figsize=(style.WIDTH, (1.62 if len(rows_of) > 1 else 2.1) * len(rows_of) + 0.25)
    )
    grid = figure.subplots(len(rows_of), columns, squeeze=False)
    every = [style.in_unit(rows["estimate"], metric) for rows in slices.values()]
    every.append(style.in_unit(cells["mean"], metric))
    norm = Normalize(min(v.min() for v in every), max(v.max() for v in every))
    steps = np.linspace(norm.vmin, norm.vmax, 13)
    marked: set[str] = set()
    for row, in_row in zip(grid, rows_of, strict=True):
        here = [(key, rows) for key, rows in slices.items() if key[:2] in in_row]
        for column, axis in enumerate(row):
            if column >= len(here):
                axis.remove()
                continue
            (x_name, y_name, held), rows = here[column]
            across, down = settings.factor(x_name), settings.factor(y_name)
            x, y, z = _mesh(rows, metric)
            axis.contourf(x, y, z, levels=steps, cmap=style.SURFACE, norm=norm)
            axis.contour(x, y, z, levels=steps, colors="white", linewidths=0.4)
            points = cells_at(cells, held_values(held, settings))
            at_most = max(at_most, len(points))
            points = _drawn(points, settings)
            if len(points):
                marked.add("observed")
                axis.scatter(
                    points[across.name],
                    points[down.name],
                    c=style.in_unit(points["mean"], metric),
                    cmap=style.SURFACE,
                    norm=norm,
                    s=26,
                    edgecolor="white",
                    linewidth=0.9,
                    zorder=3,
                    clip_on=False,
                )
            marked |= _mark_points(axis, tables, metric, across, down, held_values(held, settings))
            style.set_factor_axis(axis, "x", across, levels_of(study, across))
            style.set_factor_axis(axis, "y", down, levels_of(study, down))
            axis.set_xlabel(style.name(across.name))
            if column == 0 or len(in_row) > 1:
                axis.set_ylabel(style.name(down.name))
            else:
                axis.set_yticklabels([])
            axis.set_title(held_title(held, settings), fontsize=7.5)
            axis.spines[:].set_visible(False)
    bar = figure.colorbar(
        ScalarMappable(norm, style.SURFACE),
        ax=list(figure.axes),
        shrink=0.6 if len(rows_of) > 1 else 0.9,
        aspect=24,
        pad=0.015,
    )
    bar.outline.set_visible(False)
    bar.set_label(style.axis_label(metric))
    explained = {
        "observed": _marker("o", style.GREY, "observed mean, same colours"),
        "optimum": _marker("*", "white", "best fitted point, in the panel nearest to it"),
        "stationary": _marker("X", "white", "stationary point, projected"),
    }
    handles = [handle for key, handle in explained.items() if key in marked]
    if handles:
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
    _remark_drawn(figure, at_most, "cells of a panel")
    if len(every_pair) > len(pairs):
        _remark(figure, f"The first {len(pairs)} of {len(every_pair)} pairs of factors.")
    return figure


def perspective(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """The fitted surface over the first two numeric factors in perspective, with the cell means."""
    slices = _slices(tables, settings, metric)
    first = next(iter(slices))[:2]
    chosen = [(held, rows) for (x, y, held), rows in slices.items() if (x, y) == first]
    across, down = settings.factor(first[0]), settings.factor(first[1])
    cells = cells_of(tables, settings, metric)
    figure = Figure(figsize=(style.WIDTH, 2.25), layout="none")
    values = np.concatenate([style.in_unit(rows["estimate"], metric) for _, rows in chosen])
    norm = Normalize(values.min(), values.max())
    observed = [cells_at(cells, held_values(held, settings))["mean"].dropna() for held, _ in chosen]
    heights = np.concatenate([values, *(style.in_unit(means, metric) for means in observed)])
    to_axis = {factor.name: _onto_line(factor) for factor in (across, down)}
    for place, (held, rows) in enumerate(chosen):
        # placed by hand: the layout engine does not see the labels of a 3-d axis
        width = 1 / len(chosen)
        axis = figure.add_axes(
            (place * width + 0.01, 0.06, width - 0.055, 0.9),
            projection="3d",
            computed_zorder=False,
        )
        x, y, z = _mesh(rows, metric)
        axis.plot_surface(
            to_axis[across.name](x),
            to_axis[down.name](y),
            z,
            cmap=style.SURFACE,
            norm=norm,
            rcount=13,
            ccount=13,
            edgecolor="white",
            linewidth=0.25,
            antialiased=True,
        )
        points = cells_at(cells, held_values(held, settings)).dropna(subset=["mean"])
        points = _drawn(points, settings)
        axis.scatter(
            to_axis[across.name](points[across.name]),
            to_axis[down.name](points[down.name]),
            style.in_unit(points["mean"], metric),
            color=style.BLACK,
            s=7,
            depthshade=False,
            zorder=5,
        )
        axis.view_init(elev=24, azim=-58)
        axis.set_box_aspect((1, 1, 0.8), zoom=0.98)
        for which, factor in (("x", across), ("y", down)):
            levels = levels_of(study, factor)
            levels = (
                levels if len(levels) <= 4 else [levels[0], levels[len(levels) // 2], levels[-1]]
            )
            getattr(axis, f"set_{which}ticks")(
                to_axis[factor.name](np.array(levels)),
                [style.level(v, factor.scale) for v in levels],
            )
            getattr(axis, f"set_{which}label")(style.name(factor.name), labelpad=-4)
        axis.set_zlim(heights.min(), heights.max())
        axis.zaxis.set_major_locator(MaxNLocator(4))
        axis.tick_params(pad=-2)
        axis.tick_params(axis="z", pad=0)
        figure.text(place * width + 0.01, 0.98, held_title(held, settings), va="top", fontsize=8)
        for pane in (axis.xaxis, axis.yaxis, axis.zaxis):
            pane.pane.set_facecolor("white")
            pane.pane.set_edgecolor(style.FAINT)
            pane._axinfo["grid"].update(color=style.FAINT, linewidth=0.5)
    height = f"height: {style.axis_label(metric)}"
    figure.text(0.995, 0.98, height, ha="right", va="top", fontsize=7, color=style.GREY)
    return figure


def _onto_line(factor: Factor) -> Callable[[Any], Any]:
    """A 3-d axis has no logarithmic scale: plot the logarithm and label it in natural units."""
    return np.log10 if factor.scale in ("log10", "log2") else np.asarray


def _slices(
    tables: Tables, settings: Settings, metric: Metric
) -> dict[tuple[str, str, str], pd.DataFrame]:
    """(factor across, factor down, what is held) -> rows; at most three slices a pair."""
    if sum(factor.scale != "categorical" for factor in settings.factors) < 2:
        raise CannotDraw("A surface needs two numeric factors.")
    table = _rows(tables, "surfaces", metric=metric.name, framing="absolute")
    # nothing is held in a table of two factors; read back, the column is one of empty numbers
    table = table.assign(held=table["held"].astype(object).fillna(""))
    slices: dict[tuple[str, str, str], pd.DataFrame] = {}
    for (x, y), pair in table.groupby(["factor_x", "factor_y"], sort=False):
        held = list(dict.fromkeys(pair["held"]))
        if len(held) > 3:
            held = [held[0], held[len(held) // 2], held[-1]]
        for value in held:
            slices[x, y, value] = pair[pair["held"] == value]
    return slices


def _mesh(rows: pd.DataFrame, metric: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a full grid as x, y, z arrays (values of y, values of x)."""
    rows = rows.sort_values(["y", "x"])
    shape = (rows["y"].nunique(), rows["x"].nunique())
    x, y, z = (rows[column].to_numpy(float).reshape(shape) for column in ("x", "y", "estimate"))
    return x, y, style.in_unit(z, metric)


def held_values(text: str, settings: Settings) -> dict[str, Any]:
    """``epochs=2, schedule=linear`` -> {"epochs": 2.0, "schedule": "linear"}.

    What is averaged over (``schedule averaged``) is not held and not in the mapping.
    """
    held = {}
    for part in filter(None, (piece.strip() for piece in str(text).split(","))):
        key, is_held, value = part.partition("=")
        if is_held:
            numeric = settings.factor(key).scale != "categorical"
            held[key] = float(value) if numeric else value
    return held


def held_title(text: str, settings: Settings) -> str:
    """``2 epochs, mean over schedule``; broken over lines where long."""
    parts = [style.setting(held_values(text, settings), settings.factors)]
    for piece in str(text).split(","):
        if piece.strip().endswith(" averaged"):
            parts.append(f"mean over {style.name(piece.strip().removesuffix(' averaged'))}")
    return textwrap.fill(", ".join(filter(None, parts)), 34)


def cells_at(cells: pd.DataFrame, held: dict[str, Any]) -> pd.DataFrame:
    """The cells measured at the held values (to the digits in which these are written)."""
    for key, value in held.items():
        same = (
            np.isclose(cells[key], value, rtol=1e-2)
            if isinstance(value, float)
            else cells[key] == value
        )
        cells = cells[same]
    return cells


def _marker(marker: str, face: str, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        marker=marker,
        linestyle="",
        markerfacecolor=face,
        label=label,
        markeredgecolor=style.BLACK,
        markersize=5.5,
        markeredgewidth=0.7,
    )


def _mark_points(
    axis: Axes,
    tables: Tables,
    metric: Metric,
    across: Factor,
    down: Factor,
    held: dict[str, Any],
) -> set[str]:
    """The best fitted point on its panel, and where the stationary point falls in this plane.

    Returns which of the two are there.
    """
    marked = set()
    marks = {"optimum": ("*", "value", 90), "stationary": ("X", "natural", 32)}
    for table, (marker, column, size) in marks.items():
        rows = tables.get(table, pd.DataFrame())
        if rows.empty:
            continue
        rows = rows[rows["metric"] == metric.name].set_index("factor")[column]
        if across.name not in rows or down.name not in rows:
            continue
        x, y = float(rows[across.name]), float(rows[down.name])
        inside = _within(x, axis.get_xlim()) and _within(y, axis.get_ylim())
        nearest = table == "stationary" or all(
            is_nearest(rows.get(key), value, tables["cells"][key]) for key, value in held.items()
        )
        if inside and nearest:
            marked.add(table)
            axis.scatter(
                x,
                y,
                marker=marker,
                s=size,
                color="white",
                edgecolor=style.BLACK,
                linewidth=0.7,
                zorder=4,
                clip_on=False,
            )
    return marked


def _within(value: float, limits: tuple[float, float]) -> bool:
    slack = 1e-6 * (limits[1] - limits[0])
    return limits[0] - slack <= value <= limits[1] + slack


def is_nearest(value: Any, held: Any, levels: pd.Series) -> bool:
    """Whether ``held`` is the level nearest to ``value``."""
    if not isinstance(held, float):
        return str(value) == str(held)
    levels = np.sort(pd.to_numeric(levels).unique())
    return bool(np.isclose(levels[np.abs(levels - float(value)).argmin()], held, rtol=1e-2))


# --- regression -----------------------------------------------------------------------------------


def coefficients(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Forest plot of the coefficients in both framings with the three estimators."""
    table = _rows(tables, "coefficients", metric=metric.name)
    table = table[table["term"] != "intercept"]
    table = table[~table["term"].str.startswith("replicate[")]
    terms = list(dict.fromkeys(table["term"]))
    framings = [f for f in ("absolute", "relative") if f in set(table["framing"])]
    estimators = [e for e in style.ESTIMATORS if e in set(table["estimator"])]
    titles = {
        "absolute": "absolute framing:\nslope at the centre of the design",
        "relative": "relative framing:\nslope at the baseline's settings",
    }
    figure, axes = _panels(len(framings), 2, 0.75 + 0.235 * len(terms), sharey=True, sharex=True)
    for axis, framing in zip(axes, framings, strict=True):
        axis.axvline(0, color=style.GREY, linewidth=0.7)
        for k, estimator in enumerate(estimators):
            rows = table[(table["framing"] == framing) & (table["estimator"] == estimator)]
            rows = rows.set_index("term").reindex(terms)
            _, colour, marker = style.ESTIMATORS[estimator]
            y = np.arange(len(terms)) + 0.22 * (k - (len(estimators) - 1) / 2)
            estimate, low, high = (
                style.in_unit(rows[c].to_numpy(float), metric)
                for c in ("estimate", "ci_low", "ci_high")
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
        for i in range(0, len(terms), 2):
            axis.axhspan(i - 0.5, i + 0.5, color=style.FAINT, alpha=0.45, linewidth=0, zorder=0)
        axis.set_title(titles[framing])
        unit = metric.unit or style.name(metric.name)
        axis.set_xlabel(f"change in {style.name(metric.name)}\n({unit} for half the range)")
        axis.set_yticks(range(len(terms)), [style.term(t) for t in terms])
        axis.set_ylim(len(terms) - 0.5, -0.5)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    handles = [
        Line2D(
            [],
            [],
            color=style.ESTIMATORS[e][1],
            marker=style.ESTIMATORS[e][2],
            label=style.ESTIMATORS[e][0],
        )
        for e in estimators
    ]
    handles.append(
        Line2D(
            [],
            [],
            color=style.GREY,
            marker="o",
            linestyle="",
            markerfacecolor="white",
            label=f"hollow: q ≥ {settings.alpha:g}",
        )
    )
    figure.legend(handles=handles, loc="outside upper left", ncols=4, columnspacing=1.2)
    return figure


def _significant(rows: pd.DataFrame, settings: Settings) -> pd.Series:
    """The report's rule: q below alpha and the interval without zero."""
    excludes = (rows["ci_low"] > 0) | (rows["ci_high"] < 0)
    return (rows["q_value"] < settings.alpha) & excludes


# --- trade-offs -----------------------------------------------------------------------------------


def tradeoff(tables: Tables, study: Study, settings: Settings) -> Figure:
    """One metric against another by cell, with intervals, the Pareto front and the baseline."""
    vertical, horizontal = tradeoff_metrics(settings)
    names = list(settings.factor_names)
    y = cells_of(tables, settings, vertical).set_index(names)
    x = cells_of(tables, settings, horizontal).set_index(names).reindex(y.index)
    relative = bool(x["delta"].notna().any() and y["delta"].notna().any())
    columns = ("delta", "ci_low", "ci_high") if relative else ("mean", "mean_low", "mean_high")
    front = front_cells(tables, settings)
    key = front.set_index(names).index if len(front) else y.index[:0]
    shown = _drawn(pd.DataFrame(index=range(len(y))), settings).index
    shown = np.union1d(shown, y.index.get_indexer(key))  # the front in any case
    count, y, x = len(y), y.iloc[shown], x.iloc[shown]
    px, x_low, x_high = (style.in_unit(x[column], horizontal) for column in columns)
    py, y_low, y_high = (style.in_unit(y[column], vertical) for column in columns)
    figure = Figure(figsize=(style.WIDTH, 3.4))
    axis = figure.subplots()
    if count <= MANY:
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
            at["x"], at["y"], s=62, facecolor="none", edgecolor=style.FRONT, linewidth=0.9, zorder=3
        )
        for number, place in enumerate(at.itertuples(), start=1):
            if len(at) > 15:
                break  # numbers would hide one another; the table names the cells
            text = axis.annotate(
                str(number),
                (place.x, place.y),
                (5, 4),
                textcoords="offset points",
                fontsize=7,
                color=style.FRONT,
                fontweight="bold",
                zorder=6,
            )
            text.set_path_effects([withStroke(linewidth=1.8, foreground="white")])
        ring = {"marker": "o", "markerfacecolor": "none", "markersize": 7, "color": style.FRONT}
        handles.append(Line2D([], [], **ring, label="Pareto front"))
    if relative:
        look = {"color": style.BASELINE, "linewidth": 0.8, "linestyle": (0, (4, 2))}
        axis.axhline(0, zorder=1, **look)
        axis.axvline(0, zorder=1, **look)
        axis.plot(0, 0, "*", color=style.BASELINE, markersize=11, markeredgecolor="white", zorder=5)
        handles.append(_baseline_handle())
    axis.set_xlabel(_towards(style.axis_label(horizontal, relative), horizontal))
    axis.set_ylabel(_towards(style.axis_label(vertical, relative), vertical))
    figure.legend(handles=handles, loc="outside right upper")
    _remark_drawn(figure, count, "cells")
    return figure


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
    levels, shapes = levels_of(study, first), levels_of(study, last)
    colours = dict(zip(levels, style.level_colours(len(levels)), strict=True))
    if len(levels) > 6:
        levels = [levels[0], levels[len(levels) // 2], levels[-1]]
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colours[v], label=_level_label(first, v))
        for v in levels
    ]
    markers = dict(zip(shapes, "osD^vP", strict=False))
    if last is first or len(markers) < len(shapes):
        places = [(np.full(len(cells), True), "o")]
    else:
        handles += [
            Line2D([], [], marker=m, linestyle="", color=style.GREY, label=_level_label(last, v))
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


def _level_label(factor: Factor, value: Any) -> str:
    return style.setting({factor.name: value}, (factor,))


def tradeoff_metrics(settings: Settings) -> tuple[Metric, Metric]:
    """The front's first metric, and its first that is better in the other direction (or second)."""
    if len(settings.metrics) < 2:
        raise CannotDraw("A trade-off needs two metrics; the config names one.")
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
        rows[factor.name] = _values(rows[factor.name], factor)
    _, horizontal = tradeoff_metrics(settings)
    return rows.sort_values(horizontal.name, kind="stable").reset_index(drop=True)


def parallel_coordinates(tables: Tables, study: Study, settings: Settings) -> Figure:
    """One line a cell through its settings and its mean metrics; the Pareto front in front."""
    names = list(settings.factor_names)
    means = {
        m.name: cells_of(tables, settings, m).set_index(names)["mean"] for m in settings.metrics
    }
    frame = pd.DataFrame(means).dropna().reset_index()
    if frame.empty:
        raise CannotDraw("No cell has all the metrics.")
    front = front_cells(tables, settings) if len(settings.metrics) > 1 else pd.DataFrame()
    chosen = set(front[names].itertuples(index=False, name=None)) if len(front) else set()
    on_front = np.array([row in chosen for row in frame[names].itertuples(index=False, name=None)])

    # every axis runs from 0 to 1: (heights of the cells, labelled heights)
    axes_of: list[tuple[np.ndarray, dict[float, str]]] = []
    for factor in settings.factors:
        levels = levels_of(study, factor)
        spots = np.array(style.positions(levels, factor, levels), dtype=float)
        spots = np.log(spots) if factor.scale in ("log10", "log2") else spots
        at = dict(zip(levels, _unit_scale(spots, spots), strict=True))
        shown = levels if len(levels) <= 6 else [levels[0], levels[-1]]
        labels = {at[value]: style.level(value, factor.scale) for value in shown}
        axes_of.append((frame[factor.name].map(at).to_numpy(float), labels))
    stars = {}
    for column, metric in enumerate(settings.metrics, start=len(names)):
        values = metric.sign * frame[metric.name].to_numpy(float)  # up is better on every axis
        baseline = metric.sign * _baseline(study, metric)
        ends = values if np.isnan(baseline) else np.append(values, baseline)
        ticks = np.linspace(ends.min(), ends.max(), 4)
        labels = {
            float(height): style.amount(metric.sign * value, metric, unit=False)
            for value, height in zip(ticks, _unit_scale(ticks, ends), strict=True)
        }
        axes_of.append((_unit_scale(values, ends), labels))
        if not np.isnan(baseline):
            stars[column] = float(_unit_scale(np.array(baseline), ends))
    lines = np.column_stack([heights for heights, _ in axes_of])
    quality = lines[:, len(names)].copy()
    # equal levels hide one another: a little apart, in the same order on every axis
    rank = quality.argsort().argsort()
    lines[:, : len(names)] += 0.05 * (rank / max(len(rank) - 1, 1) - 0.5)[:, None]

    figure = Figure(figsize=(style.WIDTH, 2.9))
    axis = figure.subplots()
    places = range(lines.shape[1])
    order = quality.argsort()
    some = set(_drawn(pd.DataFrame(index=range(len(order))), settings).index)
    for i in order:
        if i in some and not on_front[i]:
            axis.plot(places, lines[i], color=style.SURFACE(0.9 * quality[i]), lw=0.7, alpha=0.55)
    for i in np.flatnonzero(on_front):
        axis.plot(places, lines[i], color=style.SURFACE(0.9 * quality[i]), lw=1.8, zorder=3)
    for column, (_, labels) in enumerate(axes_of):
        axis.axvline(column, color=style.GREY, linewidth=0.7, zorder=1)
        for height, text in labels.items():
            label = axis.text(column + 0.03, height, text, fontsize=7, va="center", zorder=6)
            label.set_path_effects([withStroke(linewidth=2, foreground="white")])
    for column, height in stars.items():
        axis.plot(
            column,
            height,
            "*",
            color=style.BASELINE,
            markersize=10,
            markeredgecolor="white",
            zorder=5,
        )
    titles = [style.name(name) for name in names]
    titles += [f"{style.axis_label(m)}\n{m.better} is better" for m in settings.metrics]
    axis.set_xticks(places, titles)
    axis.set_yticks([])
    axis.set_xlim(-0.1, len(titles) - 0.75)
    axis.set_ylim(-0.06, 1.06)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    first = style.name(settings.metrics[0].name)
    handles = [
        Line2D([], [], color=style.SURFACE(0.9), label=f"best {first}"),
        Line2D([], [], color=style.SURFACE(0.0), label=f"worst {first}"),
    ]
    if on_front.any():
        handles.append(Line2D([], [], color=style.GREY, linewidth=2, label="on the Pareto front"))
    if stars:
        handles.append(_baseline_handle())
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    _remark_drawn(figure, len(order), "cells")
    return figure


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


# --- training -------------------------------------------------------------------------------------


def learning_curves(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Training loss and the evaluation metrics along training, one thin line a trajectory."""
    history = study.histories
    if history is None or history.empty:
        raise CannotDraw("The table came without training histories.")
    whole = [f for f in settings.factors if f.name != settings.subplot_factor]
    if not whole:
        raise CannotDraw("Every run is the same trajectory: there is nothing to compare.")
    coloured = whole[0]
    panel = whole[1] if len(whole) > 1 and len(levels_of(study, whole[1])) <= 4 else None
    names = [f.name for f in whole]
    # a trajectory's factors are those of its runs: a history may have a column of the same name
    # for what changes along the way (the scheduled learning rate)
    own = study.runs.drop_duplicates("trajectory")[["trajectory", *names]]
    history = history.drop(columns=names, errors="ignore").merge(own, on="trajectory")
    measures = [("training_loss", "training loss")]
    for metric in (settings.metrics[0], *(m for m in settings.metrics if m.name == "loss")):
        if (
            metric.name in history
            and history[metric.name].notna().any()
            and metric.name not in dict(measures)
        ):
            measures.append((metric.name, f"evaluation {style.axis_label(metric)}"))
    trajectories = history["trajectory"].unique()
    drawn = set(trajectories[:: -(-len(trajectories) // 200)])  # more would only be a smear

    def thin(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["trajectory"].isin(drawn)]

    panels = levels_of(study, panel) if panel else [None]
    levels = levels_of(study, coloured)
    colours = dict(zip(levels, style.level_colours(len(levels)), strict=True))
    figure = Figure(figsize=(style.WIDTH, 1.65 * len(measures) + 0.3))
    grid = figure.subplots(len(measures), len(panels), squeeze=False, sharex=True, sharey="row")
    last = float(history["epoch"].max())
    for (column, label), row in zip(measures, grid, strict=True):
        values = history.dropna(subset=[column])
        if column in settings.metric_names:
            values = values.assign(
                **{column: style.in_unit(values[column], settings.metric(column))}
            )
        else:
            # steps are noisy: means over twelfths of an epoch
            values = values.assign(epoch=np.ceil(values["epoch"] * 12) / 12)
        values = values.assign(**{coloured.name: _values(values[coloured.name], coloured)})
        for axis, value in zip(row, panels, strict=True):
            here = values if value is None else values[_values(values[panel.name], panel) == value]
            marker = "o" if column in settings.metric_names else ""
            for (key, _), line in thin(here).groupby([coloured.name, "trajectory"]):
                line = line.groupby("epoch")[column].mean()
                axis.plot(
                    line.index,
                    line,
                    marker=marker,
                    color=colours[key],
                    linewidth=0.5,
                    alpha=0.5,
                    markersize=1.8,
                )
            for key, line in here.groupby(coloured.name):
                line = line.groupby("epoch")[column].mean()
                axis.plot(line.index, line, color=colours[key], linewidth=1.6)
            if column in settings.metric_names:
                baseline = _baseline(study, settings.metric(column))
                if np.isfinite(baseline):
                    axis.axhline(
                        style.in_unit(baseline, settings.metric(column)),
                        color=style.BASELINE,
                        linewidth=0.8,
                        linestyle=(0, (4, 2)),
                    )
            axis.grid(axis="y")
            if row[0] is grid[-1, 0]:
                axis.set_xlabel("epoch")
                axis.set_xticks(
                    np.arange(0, np.ceil(last) + 1)
                    if last <= 6
                    else np.linspace(0, last, 4).round()
                )
            if row[0] is grid[0, 0] and value is not None:
                axis.set_title(style.setting({panel.name: value}, settings.factors))
        row[0].set_ylabel(label)
    handles = [
        Line2D(
            [], [], color=c, label=f"{style.name(coloured.name)} {style.level(v, coloured.scale)}"
        )
        for v, c in colours.items()
    ]
    if len(handles) > 6:
        handles = [handles[0], handles[len(handles) // 2], handles[-1]]
    if any(np.isfinite(_baseline(study, m)) for m in settings.metrics):
        handles.append(
            Line2D([], [], color=style.BASELINE, linestyle=(0, (4, 2)), label="baseline")
        )
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


# --- variability ----------------------------------------------------------------------------------

_COMPONENTS = {
    "hyperparameters": ("hyperparameters", style.BLUE),
    "replicate": ("replicate (seed and data drawn)", style.ORANGE),
    "trajectory": ("trajectory", style.GREEN),
    "epoch_within_trajectory": ("epoch within trajectory", style.SKY),
    "evaluation_sampling": ("evaluation texts drawn", style.LIGHT),
}


def variance_components(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Share of the variance of each metric by where it comes from."""
    table = _rows(tables, "variance")
    metrics = [m for m in settings.metrics if m.name in set(table["metric"])]
    components = list(dict.fromkeys(table["component"]))
    figure = Figure(figsize=(style.WIDTH, 0.75 + 0.36 * len(metrics)))
    axis = figure.subplots()
    fallback = iter((style.PURPLE, style.YELLOW, style.VERMILION))
    looks = {c: _COMPONENTS.get(c) or (style.name(c), next(fallback)) for c in components}
    for place, metric in enumerate(metrics):
        rows = table[table["metric"] == metric.name].set_index("component")["share"].fillna(0)
        left = 0.0
        for component in components:
            share = 100 * float(rows.get(component, 0))
            colour = looks[component][1]
            axis.barh(
                place, share, left=left, color=colour, height=0.7, edgecolor="white", linewidth=0.6
            )
            if share >= 5:
                axis.text(
                    left + share / 2,
                    place,
                    f"{share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=_ink_of(colour),
                )
            left += share
    axis.set_yticks(range(len(metrics)), [style.name(m.name) for m in metrics])
    axis.set_ylim(len(metrics) - 0.5, -0.5)
    axis.set_xlim(0, max(100, axis.get_xlim()[1]) if axis.get_xlim()[1] > 106 else 100)
    axis.set_xlabel("share of the variance (%)")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    figure.legend(
        handles=[Patch(color=colour, label=label, linewidth=0) for label, colour in looks.values()],
        loc="outside upper left",
        ncols=3,
    )
    return figure


def _ink_of(colour: str) -> str:
    return _ink(to_rgb(colour))


def importance(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Share of the explained variance by factor and pair, by two methods, with intervals."""
    table = _rows(tables, "importance")
    metrics = [m for m in settings.metrics if m.name in set(table["metric"])]
    methods = {
        "type2": ("type II sums of squares", style.BLACK, "o"),
        "functional_anova": ("functional ANOVA of a random forest", style.PURPLE, "s"),
    }
    methods = {key: look for key, look in methods.items() if key in set(table["method"])}
    terms = list(dict.fromkeys(table["term"]))
    figure, axes = _panels(len(metrics), 3, 0.75 + 0.2 * len(terms), sharey=True, sharex=True)
    for axis, metric in zip(axes, metrics, strict=True):
        for k, (method, (_, colour, marker)) in enumerate(methods.items()):
            rows = table[(table["metric"] == metric.name) & (table["method"] == method)]
            rows = rows.set_index("term").reindex(terms)
            y = np.arange(len(terms)) + 0.26 * (k - (len(methods) - 1) / 2)
            axis.hlines(y, 100 * rows["ci_low"], 100 * rows["ci_high"], color=colour, linewidth=1)
            axis.plot(100 * rows["share"], y, marker, color=colour, markersize=3.6)
        for i in range(0, len(terms), 2):
            axis.axhspan(i - 0.5, i + 0.5, color=style.FAINT, alpha=0.45, linewidth=0, zorder=0)
        axis.set_title(style.name(metric.name))
        axis.set_yticks(range(len(terms)), [style.term(t) for t in terms])
        axis.set_ylim(len(terms) - 0.5, -0.5)
        axis.set_xlabel("explained variance (%)")
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    axes[0].set_xlim(left=min(0, axes[0].get_xlim()[0]))  # for all: they share the axis
    figure.legend(
        handles=[Line2D([], [], color=c, marker=m, label=text) for text, c, m in methods.values()],
        loc="outside upper left",
        ncols=2,
    )
    return figure


def power(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Observed size of each term against the smallest size the design would detect."""
    table = _rows(tables, "power")
    metrics = [m for m in settings.metrics if m.name in set(table["metric"])]
    terms = list(dict.fromkeys(table["term"]))
    figure, axes = _panels(len(metrics), 3, 0.75 + 0.2 * len(terms), sharey=True)
    for axis, metric in zip(axes, metrics, strict=True):
        rows = table[table["metric"] == metric.name].set_index("term").reindex(terms)
        y = np.arange(len(terms))
        smallest = style.in_unit(rows["smallest_effect"].to_numpy(float), metric)
        observed = np.abs(style.in_unit(rows["observed"].to_numpy(float), metric))
        axis.barh(y, smallest, color=style.FAINT, height=0.72)
        axis.vlines(smallest, y - 0.36, y + 0.36, color=style.GREY, linewidth=1.2)
        axis.plot(observed, y, "o", color=style.BLACK, markersize=4)
        axis.set_title(style.name(metric.name))
        axis.set_yticks(y, [style.term(t) for t in terms])
        axis.set_ylim(len(terms) - 0.5, -0.5)
        axis.set_xlim(left=0)
        axis.set_xlabel(f"{metric.unit or 'size'} for half the range")
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    figure.legend(
        handles=[
            Line2D([], [], color=style.BLACK, marker="o", linestyle="", label="observed size"),
            Patch(
                color=style.LIGHT, linewidth=0, label="smaller than the design detects 4 times in 5"
            ),
        ],
        loc="outside upper left",
        ncols=2,
    )
    return figure


def reliability(tables: Tables, study: Study, settings: Settings) -> Figure:
    """How often the classifier is right among the texts it is equally sure about.

    The baseline, and the cells with the smallest and the largest expected calibration error.
    """
    table = _rows(tables, "reliability")
    names = list(settings.factor_names)
    curves: list[tuple[str, str, pd.DataFrame]] = []  # title, colour, rows
    baseline = table[table["model"] == "baseline"]
    if len(baseline):
        curves.append(("baseline", style.BASELINE, baseline))
    cells = list(table[table["model"] == "cell"].groupby(names))
    cells.sort(key=lambda cell: cell[1]["expected_calibration_error"].iloc[0])
    ends = {"best calibrated cell": cells[0], "worst calibrated cell": cells[-1]} if cells else {}
    for role, (key, rows) in ends.items():
        setting = style.setting(dict(zip(names, key, strict=True)), settings.factors)
        curves.append((f"{role}\n{textwrap.fill(setting, 34)}", style.BLUE, rows))
    figure, axes = _panels(len(curves), 3, 2.35, sharey=True, sharex=True)
    low = 100 * float(table["confidence"].min())
    for place, (axis, (title, colour, rows)) in enumerate(zip(axes, curves, strict=True)):
        x, y = 100 * rows["confidence"], 100 * rows["accuracy"]
        error = 100 * np.sqrt(rows["accuracy"] * (1 - rows["accuracy"]) / rows["count"])
        area = 4 + 60 * rows["count"] / rows["count"].max()
        axis.plot([0, 100], [0, 100], color=style.GREY, linewidth=0.7, linestyle=(0, (4, 2)))
        axis.errorbar(x, y, error, color=colour, elinewidth=0.7, linewidth=1)
        axis.scatter(x, y, area, color=colour, edgecolor="white", linewidth=0.5, zorder=3)
        ece = 100 * rows["expected_calibration_error"].iloc[0]
        axis.text(0.97, 0.04, f"ECE {ece:.1f} points", transform=axis.transAxes, ha="right")
        axis.set_title(title, fontsize=7.5)
        axis.set_xlim(max(0, low - 5), 101)
        axis.set_ylim(0, 101)
        axis.set_xlabel("confidence (%)")
        axis.grid()
        if place % 3 == 0:
            axis.set_ylabel("right (%)")
    return figure


# --- diagnostics ----------------------------------------------------------------------------------


def residuals(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Residuals against fitted values, their normal quantiles, by replicate, and influence."""
    table = _rows(tables, "influence", metric=metric.name, framing="absolute")
    many = len(table) > MANY
    figure, axes = _panels(4, 4, 2.1)
    fitted = style.in_unit(table["fitted"].to_numpy(float), metric)
    residual = style.in_unit(table["residual"].to_numpy(float), metric)
    scaled = table["standardised_residual"].to_numpy(float)
    marked = table["influential"].astype(bool).to_numpy()
    dot = {"marker": "o", "linewidth": 0, "rasterized": many}

    def points(axis: Axes, x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> None:
        size, alpha = (3, 0.3) if many else (9, 0.75)
        axis.scatter(x[~mask], y[~mask], color=style.GREY, s=size, alpha=alpha, **dot)
        axis.scatter(x[mask], y[mask], color=style.VERMILION, s=16, zorder=3, **dot)

    unit = "points" if metric.unit == "points" else metric.unit
    axes[0].axhline(0, color=style.GREY, linewidth=0.7)
    points(axes[0], fitted, residual, marked)
    axes[0].set_xlabel(f"fitted {style.axis_label(metric)}")
    axes[0].set_ylabel("residual" + (f" ({unit})" if unit else ""))

    order = np.argsort(scaled)
    quantiles = stats.norm.ppf((np.arange(1, len(scaled) + 1) - 0.5) / len(scaled))
    axes[1].plot(quantiles[[0, -1]], quantiles[[0, -1]], color=style.GREY, linewidth=0.7)
    points(axes[1], quantiles, scaled[order], marked[order])
    axes[1].set_xlabel("normal quantile")
    axes[1].set_ylabel("standardised residual")

    replicates = sorted(table["replicate"].unique())
    place = table["replicate"].map({r: i for i, r in enumerate(replicates)}).to_numpy(float)
    by_replicate = table.groupby("replicate")["fitted"]
    within = by_replicate.cumcount() / by_replicate.transform("size")  # side by side, in order
    axes[2].axhline(0, color=style.GREY, linewidth=0.7)
    points(axes[2], place + 0.5 * (within.to_numpy() - 0.5), residual, marked)
    shown = range(0, len(replicates), -(-len(replicates) // 8))
    axes[2].set_xticks(shown, [style.level(replicates[i]) for i in shown])
    axes[2].set_xlabel("replicate")
    axes[2].set_ylabel(axes[0].get_ylabel())

    leverage, cooks = table["leverage"].to_numpy(float), table["cooks_distance"].to_numpy(float)
    points(axes[3], leverage, cooks, marked)
    axes[3].set_xlabel("leverage")
    axes[3].set_ylabel("Cook's distance")
    axes[3].set_ylim(bottom=0)
    measured = int(study.runs[metric.name].notna().sum())
    if len(table) < measured:
        told = f"{len(table):,} of {measured:,} runs, from the most to the least influential."
        _remark(figure, told)
    if marked.any():
        kinds = {"run": style.GREY, "influential run (named in the report)": style.VERMILION}
        handles = [
            Line2D([], [], marker="o", linestyle="", color=colour, label=label)
            for label, colour in kinds.items()
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


# --- the list -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """One figure of the list; ``{metric}`` in the texts is the metric's name."""

    draw: Callable[..., Figure]
    title: str
    caption: str
    per_metric: bool = True

    @property
    def name(self) -> str:
        return self.draw.__name__


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
    Kind(
        contours,
        "Fitted surface: {metric}",
        "Contours of the fitted {metric} over the region studied. A dot that stands out from its "
        "surroundings is a cell at the values held that the surface fits badly.",
    ),
    Kind(
        perspective,
        "Fitted surface in perspective: {metric}",
        "The fitted {metric} in perspective; dots are the means of the cells at the values held.",
    ),
    Kind(
        coefficients,
        "Coefficients: {metric}",
        "Coefficients of the second-order model for {metric} with intervals, by three estimators.",
    ),
    Kind(
        tradeoff,
        "Trade-off between metrics",
        "Each point is the mean of a cell, with its interval if they are at most 1,000. The "
        "numbers on the Pareto front are those of the table.",
        per_metric=False,
    ),
    Kind(
        parallel_coordinates,
        "Settings and metrics of every cell",
        "One line a cell, from its settings to the means of its metrics; up is better on every "
        "metric's axis. Lines are set slightly apart where they would coincide.",
        per_metric=False,
    ),
    Kind(
        learning_curves,
        "Learning curves",
        "Training by trajectory: thin lines are trajectories, thick ones their means.",
        per_metric=False,
    ),
    Kind(
        variance_components,
        "Variance components",
        "Where the variation of each metric comes from.",
        per_metric=False,
    ),
    Kind(
        importance,
        "Importance",
        "Share of the explained variance by factor and by pair, with bootstrap intervals.",
        per_metric=False,
    ),
    Kind(
        power,
        "What the design could detect",
        "Size of each observed coefficient against the smallest one that the design detects with "
        "probability 0.8.",
        per_metric=False,
    ),
    Kind(
        reliability,
        "Calibration",
        "Reliability diagrams: how often the classifier is right among texts it is equally "
        "sure about; the diagonal is perfect. Area of a dot: number of texts. ECE: expected "
        "calibration error.",
        per_metric=False,
    ),
    Kind(
        residuals,
        "Residuals: {metric}",
        "Residuals of the absolute regression of {metric}.",
    ),
)


def draw_all(tables: Tables, study: Study, settings: Settings, folder: Path) -> list[Path]:
    """Draws every figure as SVG and PNG into the folder, and lists them in ``captions.csv``.

    The list has one row a figure: name (the files' stem), metric, title, caption, left_out (why it
    could not be drawn; then there is no file). The same tables give the same bytes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written, listed = [], []
    with style.applied():
        for kind in FIGURES:
            for metric in settings.metrics if kind.per_metric else (None,):
                shown = style.name(metric.name) if metric else ""
                stem = f"{kind.name}_{metric.name}" if metric else kind.name
                row = {
                    "name": stem,
                    "metric": metric.name if metric else "",
                    "title": style.sentence_case(kind.title.format(metric=shown)),
                    "caption": style.sentence_case(kind.caption.format(metric=shown)),
                    "left_out": "",
                }
                try:
                    figure = kind.draw(tables, study, settings, *([metric] if metric else []))
                except CannotDraw as reason:
                    row["left_out"] = str(reason)
                    for suffix in (".svg", ".png"):  # of an earlier run
                        (folder / (stem + suffix)).unlink(missing_ok=True)
                else:
                    written += _save(figure, folder / stem, row["title"], row["caption"])
                listed.append(row)
    captions = folder / "captions.csv"
    pd.DataFrame(listed).to_csv(_temporary(captions), index=False)
    _temporary(captions).replace(captions)
    return [*written, captions]


def _save(figure: Figure, stem: Path, title: str, caption: str) -> list[Path]:
    """Both files hold their title and caption, wherever they are copied to."""
    # Laid out once and drawn once a format; figure.savefig would do both again each time.
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    svg, png = (stem.with_name(stem.name + suffix) for suffix in (".svg", ".png"))
    told = {"Title": title, "Description": caption}
    FigureCanvasAgg(figure).print_png(_temporary(png), metadata=told | {"Software": None})
    FigureCanvasSVG(figure).print_svg(_temporary(svg), metadata=told | {"Date": None})
    for path in (svg, png):
        _temporary(path).replace(path)
    return [svg, png]


def _temporary(path: Path) -> Path:
    """Written here first and then renamed, so that no half-written file has the final name."""
    return path.with_name(path.name + ".part")
