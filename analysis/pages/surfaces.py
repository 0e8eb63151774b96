"""The page of fitted surfaces that can be turned."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator

from analysis import style, words
from analysis.figures.common import MANY, Tables, cells_of, levels_of
from analysis.figures.surfaces import by_held, cells_at, held_title, is_nearest
from analysis.pages.page import page
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Factor, Metric


@dataclass(frozen=True)
class Axis:
    """Where values go on an axis of the cube: lowest and highest at -1 and 1."""

    label: str
    low: float
    high: float
    logarithmic: bool
    ticks: list[tuple[float, str]]  # value, how it is written

    def place(self, values: Any) -> Any:
        """As lists, of the shape of the values; None for a missing one."""
        ends, values = np.array([self.low, self.high]), np.asarray(values, dtype=float)
        if self.logarithmic:
            ends, values = np.log(ends), np.log(values)
        placed = np.asarray(np.round(2 * (values - ends[0]) / (ends[1] - ends[0]) - 1, 4))
        shown = placed.astype(object)
        shown[np.isnan(placed)] = None
        return shown.tolist()

    def drawn(self) -> dict[str, Any]:
        places = self.place([value for value, _ in self.ticks])
        return {
            "label": self.label,
            "ticks": [(at, text) for at, (_, text) in zip(places, self.ticks, strict=True)],
        }


def surfaces_page(tables: Tables, study: Study, settings: Settings) -> str:
    """The fitted surfaces to turn and to point at, with the means of the cells.

    One chooses the metric, the pair of factors and the level at which the others are held. Where
    no surface was fitted the page says so.

    The drawing is our own, on a flat canvas: the page of ``snakemake --report`` embeds this one as
    the address of a frame, Chromium leaves a frame empty whose address is longer than 2 MB (1.5 MB
    before base64), and the libraries that draw surfaces (plotly.js: 4.8 MB) are larger than that.
    """
    slices = _slices(tables, study, settings)
    if slices:
        text = (
            "The fitted metric (split-plot estimator) over two factors. Drag to turn it, or use "
            "the arrow keys; point at it to read a value. Height and colour mean the same on all "
            "surfaces of a metric. The diamond is the best fitted point. Dots are the means of the "
            f"cells with their {100 * (1 - settings.alpha):g} % intervals (none if there are more "
            f"than {MANY:,})."
        )
    elif sum(factor.numeric for factor in settings.factors) < 2:
        text = "There is no surface to show: it needs two numeric factors."
    else:
        text = "There is no surface to show: no metric could be fitted."
    return page(
        "surfaces.html",
        text=escape(text),
        slices=_script_data(slices),
        palette=_script_data([to_hex(style.SURFACE(i / 63)) for i in range(64)]),
    )


def _script_data(value: Any) -> str:
    """As JSON, in which without a "<" no text can end the script."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _slices(tables: Tables, study: Study, settings: Settings) -> list[dict[str, Any]]:
    """What is drawn for each metric, pair of factors and level of what is held."""
    table = tables.get("surfaces", pd.DataFrame())
    if table.empty:
        return []
    table = table[table["framing"] == "absolute"]
    slices = []
    for name, fitted in table.groupby("metric", sort=False):
        metric = settings.metric(name)
        cells = cells_of(tables, settings, metric).dropna(subset=["mean"])
        height = _height_axis(metric, pd.concat([fitted["estimate"], cells["mean"]]))
        dots = cells if len(cells) <= MANY else cells.head(0)
        pairs = fitted.groupby(["factor_x", "factor_y"], sort=False)
        for x, y, held, rows in (
            (x, y, held, rows)
            for (x, y), pair in pairs
            for held, rows in by_held(pair, study, settings, metric).items()
        ):
            axes = {
                x: _factor_axis(settings.factor(x), rows["x"], study),
                y: _factor_axis(settings.factor(y), rows["y"], study),
                "value": height,
            }
            points = _cell_points(cells_at(dots, held.values), metric, settings)
            points += _best_point(tables, metric, held.values, settings)
            slices.append(
                {
                    "metric": words.name(name),
                    "factors": f"{words.name(x)} × {words.name(y)}",
                    "held": " ".join(held_title(held, settings).split()),
                    "axes": [axis.drawn() for axis in axes.values()],
                    "surface": _surface(rows, metric, axes, settings),
                    "points": [
                        {
                            "at": [axis.place(point[key]) for key, axis in axes.items()],
                            "low": height.place(point["low"]),
                            "high": height.place(point["high"]),
                            "text": point["text"],
                            "best": point["best"],
                        }
                        for point in points
                    ],
                }
            )
    return slices


def _height_axis(metric: Metric, values: pd.Series) -> Axis:
    low, high = values.min(), values.max()
    if high - low <= 1e-9 * abs(high):  # a flat surface lies half-way up
        low, high = low - 0.01 * (abs(low) or 1), high + 0.01 * (abs(high) or 1)
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(
        words.in_unit(low, metric), words.in_unit(high, metric)
    )
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0])))
    written = [(tick / words.in_unit(1, metric), words.fixed(tick, digits)) for tick in ticks]
    shown = [(value, text) for value, text in written if low <= value <= high]
    return Axis(words.axis_label(metric), low, high, False, shown)


def _factor_axis(factor: Factor, region: pd.Series, study: Study) -> Axis:
    """Natural units on the factor's own scale, the levels as ticks."""
    levels = levels_of(study, factor)
    return Axis(
        words.name(factor.name),
        min(region.min(), levels[0]),
        max(region.max(), levels[-1]),
        factor.scale != "linear",
        [(level, words.level(level, factor.scale)) for level in style.shown_levels(levels)],
    )


def _surface(
    rows: pd.DataFrame, metric: Metric, axes: dict[str, Axis], settings: Settings
) -> dict[str, Any]:
    """Where the surface is, and what it tells: a text a value of x, of y, and of each height."""
    rows = rows.sort_values(["y", "x"])
    grid = rows.pivot(index="y", columns="x", values="estimate")
    texts = [
        f"fitted {words.name(metric.name)} {words.reading(row.estimate, metric)}\n"
        f"standard error {words.amount(row.std_error, metric)}"
        for row in rows.itertuples()
    ]
    across, up, height = axes.values()
    x, y, _ = axes
    return {
        "x": across.place(grid.columns),
        "y": up.place(grid.index),
        "z": height.place(grid),
        "told_x": [words.setting({x: value}, settings.factors) for value in grid.columns],
        "told_y": [words.setting({y: value}, settings.factors) for value in grid.index],
        "told_z": np.reshape(np.array(texts, dtype=object), grid.shape).tolist(),
    }


def _cell_points(cells: pd.DataFrame, metric: Metric, settings: Settings) -> list[dict[str, Any]]:
    """The means of the cells with their intervals."""
    return [
        _point(
            {name: cell[name] for name in settings.factor_names},
            "mean of " + ("1 run" if cell["runs"] == 1 else f"{cell['runs']} runs"),
            (cell["mean"], cell["mean_low"], cell["mean_high"]),
            metric,
            settings,
        )
        for cell in cells.to_dict("records")
    ]


def _best_point(
    tables: Tables, metric: Metric, held: dict[str, Any], settings: Settings
) -> list[dict[str, Any]]:
    """The best fitted point, if this is the slice nearest to it."""
    optimum = tables.get("optimum", pd.DataFrame())
    if optimum.empty:
        return []
    optimum = optimum[optimum["metric"] == metric.name].set_index("factor")
    if optimum.empty or not all(
        is_nearest(optimum["value"].get(name), value, tables["cells"][name])
        for name, value in held.items()
    ):
        return []
    values = {
        name: float(value) if settings.factor(name).numeric else value
        for name, value in optimum["value"].items()
    }
    interval = optimum[["predicted", "ci_low", "ci_high"]].iloc[0]
    return [_point(values, "best fitted point", tuple(interval), metric, settings, best=True)]


def _point(
    values: dict[str, Any],
    what: str,
    interval: tuple[float, float, float],
    metric: Metric,
    settings: Settings,
    best: bool = False,
) -> dict[str, Any]:
    """A point at these values of the factors; ``interval`` is its metric, lower and upper end."""
    value, low, high = interval
    shown, between = words.reading_and_interval(value, low, high, metric)
    text = f"{words.setting(values, settings.factors)}\n{what} {shown}"
    if between:
        text += f"\n{100 * (1 - settings.alpha):g} % interval {between}"
    else:
        low = high = value
    return values | {"value": value, "low": low, "high": high, "text": text, "best": best}
