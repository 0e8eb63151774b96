"""The fitted surfaces: contours and perspective."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.fit.coding import absolute_codings
from analysis.fit.held import Held, surface_slices
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Factor, Metric


def contours(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Contours of the fitted surface; a row of panels a pair of factors, the others held."""
    slices = _slices(tables, study, settings, metric)
    cells = common.cells_of(tables, settings, metric).dropna(subset=["mean"])
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
    every = [words.in_unit(rows["estimate"], metric) for rows in slices.values()]
    every.append(words.in_unit(cells["mean"], metric))
    low, high = min(v.min() for v in every), max(v.max() for v in every)
    norm, steps = Normalize(low, high), np.linspace(low, high, 13)
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
            points = cells_at(cells, held.values)
            at_most = max(at_most, len(points))
            points = common.drawn(points, settings)
            if len(points):
                marked.add("observed")
                _observed(
                    axis, points[across.name], points[down.name], points["mean"], metric, norm
                )
            marked |= _mark_points(axis, tables, metric, across, down, held.values)
            style.set_factor_axis(axis, "x", across, common.levels_of(study, across))
            style.set_factor_axis(axis, "y", down, common.levels_of(study, down))
            axis.set_xlabel(common.axis_name(words.name(across.name), style.room(axis, "x")))
            if column == 0 or len(in_row) > 1:
                axis.set_ylabel(common.axis_name(words.name(down.name), style.room(axis, "y")))
            else:
                axis.set_yticklabels([])
            # higher than usual: a mark may stand on the upper edge
            axis.set_title(held_title(held, settings), fontsize=7.5, pad=9)
            axis.spines[:].set_visible(False)
    bar = figure.colorbar(
        ScalarMappable(norm, style.SURFACE),
        ax=list(figure.axes),
        shrink=0.6 if len(rows_of) > 1 else 0.9,
        aspect=24,
        pad=0.015,
    )
    bar.outline.set_visible(False)
    bar.set_label(common.axis_name(words.axis_label(metric), 1.5))
    _explain(figure, marked)
    common.remark_drawn(figure, at_most, "cells of a panel")
    if len(every_pair) > len(pairs):
        common.remark(figure, f"The first {len(pairs)} of {len(every_pair)} pairs of factors.")
    return figure


def _observed(
    axis: Axes, x: pd.Series, y: pd.Series, means: pd.Series, metric: Metric, norm: Normalize
) -> None:
    axis.scatter(
        x,
        y,
        c=words.in_unit(means, metric),
        cmap=style.SURFACE,
        norm=norm,
        s=26,
        edgecolor="white",
        linewidth=0.9,
        zorder=3,
        clip_on=False,
    )


def _explain(figure: Figure, marked: set[str]) -> None:
    """A legend of the marks that stand in some panel."""
    explained = {
        "observed": _marker("o", style.GREY, "observed mean, same colours"),
        "optimum": _marker("*", "white", "best fitted point, in the panel nearest to it"),
        "stationary": _marker("X", "white", "stationary point, projected"),
    }
    handles = [handle for key, handle in explained.items() if key in marked]
    if handles:
        figure.legend(handles=handles, loc="outside upper left", ncols=3)


def perspective(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """The fitted surface over the first two numeric factors in perspective, with the cell means."""
    slices = _slices(tables, study, settings, metric)
    first = next(iter(slices))[:2]
    chosen = [(held, rows) for (x, y, held), rows in slices.items() if (x, y) == first]
    across, down = settings.factor(first[0]), settings.factor(first[1])
    cells = common.cells_of(tables, settings, metric)
    figure = Figure(figsize=(style.WIDTH, 2.25))
    figure.set_layout_engine("none")
    values = np.concatenate([words.in_unit(rows["estimate"], metric) for _, rows in chosen])
    norm = Normalize(np.nanmin(values), np.nanmax(values))
    observed = [cells_at(cells, held.values)["mean"].dropna() for held, _ in chosen]
    heights = np.concatenate([values, *(words.in_unit(means, metric) for means in observed)])
    to_axis = {factor.name: _onto_line(factor) for factor in (across, down)}
    for place, (held, rows) in enumerate(chosen):
        # placed by hand: the layout engine does not see the labels of a 3-d axis
        width = 1 / len(chosen)
        axis: Any = figure.add_axes(  # an Axes3D, which its annotation does not say
            (place * width + 0.01, 0.09, width - 0.055, 0.88),
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
        points = cells_at(cells, held.values).dropna(subset=["mean"])
        points = common.drawn(points, settings)
        axis.scatter(
            to_axis[across.name](points[across.name]),
            to_axis[down.name](points[down.name]),
            words.in_unit(points["mean"], metric),
            color=style.BLACK,
            s=7,
            depthshade=False,
            zorder=5,
        )
        axis.view_init(elev=24, azim=-58)
        axis.set_box_aspect((1, 1, 0.8), zoom=0.9)
        # y's labels to the right: x's last and y's first would meet in the corner between them
        for which, factor, side, pad in (("x", across, "center", -4), ("y", down, "left", 2)):
            levels = common.levels_of(study, factor)
            if len(levels) > 4:
                levels = [levels[0], levels[len(levels) // 2], levels[-1]]
            shown = [words.level(level, factor.scale) for level in levels]
            places = to_axis[factor.name](np.array(levels))
            getattr(axis, f"set_{which}ticks")(places, shown, ha=side)
            getattr(axis, f"set_{which}label")(words.name(factor.name), labelpad=pad)
        axis.set_zlim(np.nanmin(heights), np.nanmax(heights))
        axis.zaxis.set_major_locator(MaxNLocator(4))
        _plain(axis)
        figure.text(place * width + 0.01, 0.98, held_title(held, settings), va="top", fontsize=8)
    height = f"height: {words.axis_label(metric)}"
    figure.text(0.01, 0.005, height, va="bottom", fontsize=7, color=style.GREY)
    return figure


def _plain(axis: Any) -> None:
    """White walls with faint lines, and labels close by."""
    axis.tick_params(pad=-2)
    axis.tick_params(axis="z", pad=1)
    for wall in (axis.xaxis, axis.yaxis, axis.zaxis):
        wall.pane.set_facecolor("white")
        wall.pane.set_edgecolor(style.FAINT)
        wall._axinfo["grid"].update(color=style.FAINT, linewidth=0.5)


def _onto_line(factor: Factor) -> Callable[[Any], Any]:
    """A 3-d axis has no logarithmic scale: plot the logarithm and label it in natural units."""
    return np.log10 if factor.scale in ("log10", "log2") else np.asarray


def _slices(
    tables: Tables, study: Study, settings: Settings, metric: Metric
) -> dict[tuple[str, str, Held], pd.DataFrame]:
    """(factor across, factor down, what is held) -> rows; at most three slices a pair."""
    if sum(factor.scale != "categorical" for factor in settings.factors) < 2:
        raise common.CannotDraw("A surface needs two numeric factors.")
    table = common.rows(tables, "surfaces", metric=metric.name, framing="absolute")
    slices: dict[tuple[str, str, Held], pd.DataFrame] = {}
    for (x, y), pair in table.groupby(["factor_x", "factor_y"], sort=False):
        of_pair = by_held(pair, study, settings, metric)
        held = list(of_pair)
        if len(held) > 3:
            held = [held[0], held[len(held) // 2], held[-1]]
        slices |= {(x, y, each): of_pair[each] for each in held}
    return slices


def by_held(
    pair: pd.DataFrame, study: Study, settings: Settings, metric: Metric
) -> dict[Held, pd.DataFrame]:
    """The rows of surfaces.csv of one pair of factors, by where the others are held."""
    codings = absolute_codings(study, settings, metric.name)
    held = surface_slices(codings, pair["factor_x"].iloc[0], pair["factor_y"].iloc[0])
    if len(held) == 1:  # read back, the column of a table in which nothing is held is empty
        return {held[0]: pair}
    return {each: pair[pair["held"] == each.label] for each in held}


def _mesh(rows: pd.DataFrame, metric: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a full grid as x, y, z arrays (values of y, values of x)."""
    rows = rows.sort_values(["y", "x"])
    shape = (rows["y"].nunique(), rows["x"].nunique())
    x, y, z = (rows[column].to_numpy(float).reshape(shape) for column in ("x", "y", "estimate"))
    return x, y, words.in_unit(z, metric)


def held_title(held: Held, settings: Settings) -> str:
    """``2 epochs, mean over schedule``; broken over lines where long."""
    parts = [words.setting(held.values, settings.factors)]
    parts += [f"mean over {words.name(name)}" for name in held.averaged]
    text = ", ".join(filter(None, parts))
    return "\n".join(textwrap.wrap(text, 34, max_lines=3, placeholder=" …"))


def cells_at(cells: pd.DataFrame, held: dict[str, Any]) -> pd.DataFrame:
    """The cells measured at the held values, or within a hundredth of them."""
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


FIGURES = (
    Kind(
        contours,
        "Fitted surface",
        "Contours of the fitted {metric} over the region studied. A dot that stands out from its "
        "surroundings is a cell at the values held that the surface fits badly.",
        ("surfaces", "cells", "optimum", "stationary"),
    ),
    Kind(
        perspective,
        "Fitted surface in perspective",
        "The fitted {metric} in perspective; dots are the means of the cells at the values held.",
        ("surfaces", "cells"),
    ),
)
