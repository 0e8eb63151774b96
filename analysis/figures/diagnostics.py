"""Residuals and influence."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.special import ndtri

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric


def _few_ticks(axes: Axes, values: np.ndarray) -> None:
    """Ticks of a narrow panel; values that differ by rounding alone are one value."""
    axes.xaxis.set_major_locator(MaxNLocator(3))
    middle = float(np.mean(values))
    if np.ptp(values) <= 1e-9 * abs(middle):
        axes.set_xlim(middle - 0.1 * abs(middle), middle + 0.1 * abs(middle))


def residuals(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Figure:
    """Residuals against fitted values, their normal quantiles, by replicate, and influence."""
    metric = metric.on_scale
    table = common.rows(tables, "influence", metric=metric.name, framing="absolute")
    many = len(table) > common.MANY
    figure, axes = common.panels(4, 4, 2.1)
    fitted = words.in_unit(table["fitted"].to_numpy(float), metric)
    residual = words.in_unit(table["residual"].to_numpy(float), metric)
    scaled = table["standardised_residual"].to_numpy(float)
    marked = table["influential"].astype(bool).to_numpy()
    dot: dict[str, Any] = {"marker": "o", "linewidth": 0, "rasterized": many}

    def points(axis: Axes, x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> None:
        size, alpha = (3, 0.3) if many else (9, 0.75)
        axis.scatter(x[~mask], y[~mask], color=style.GREY, s=size, alpha=alpha, **dot)
        axis.scatter(x[mask], y[mask], color=style.VERMILION, s=16, zorder=3, **dot)

    unit = words.unit_of(metric)
    axes[0].axhline(0, color=style.GREY, linewidth=0.7)
    points(axes[0], fitted, residual, marked)
    axes[0].set_xlabel(common.axis_name(f"fitted {words.axis_label(metric)}", 1.3))
    _few_ticks(axes[0], fitted)
    axes[0].set_ylabel("residual" + (f" ({unit})" if unit else ""))

    order = np.argsort(scaled)
    quantiles = ndtri((np.arange(1, len(scaled) + 1) - 0.5) / len(scaled))
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
    widest = max(min(len(words.level(name)), 7) for name in replicates)
    at_most = int(style.room(axes[2], "x") / (widest * style.LETTER + style.GAP))
    shown = range(0, len(replicates), -(-len(replicates) // at_most))
    axes[2].set_xticks(shown, [words.shortened(words.level(replicates[i]), 7) for i in shown])
    axes[2].set_xlabel("replicate")
    axes[2].set_ylabel(axes[0].get_ylabel())

    leverage, cooks = table["leverage"].to_numpy(float), table["cooks_distance"].to_numpy(float)
    points(axes[3], leverage, cooks, marked)
    _few_ticks(axes[3], leverage)
    axes[3].set_xlabel("leverage")
    axes[3].set_ylabel("Cook's distance")
    axes[3].set_ylim(bottom=0)
    measured = int(study.runs[metric.name].notna().sum())
    if len(table) < measured:
        told = f"{len(table):,} of {measured:,} runs, from the most to the least influential."
        common.remark(figure, told)
    if marked.any():
        kinds = {"run": style.GREY, "influential run (named in the report)": style.VERMILION}
        handles = [
            Line2D([], [], marker="o", linestyle="", color=colour, label=label)
            for label, colour in kinds.items()
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


FIGURES = (
    Kind(
        residuals,
        "Residuals",
        "Residuals of the absolute regression of {metric}.",
        ("influence",),
    ),
)
