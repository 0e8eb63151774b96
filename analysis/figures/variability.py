"""Where variation comes from, what matters, what could be detected, and calibration."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.questions.power import POWER
from analysis.runs.settings import Settings
from analysis.runs.study import Study

_COMPONENTS = {
    "hyperparameters": ("hyperparameters", style.BLUE),
    "replicate": ("replicate (seed and data drawn)", style.ORANGE),
    "trajectory": ("trajectory", style.GREEN),
    "epoch_within_trajectory": ("epoch within trajectory", style.SKY),
    "evaluation_sampling": ("evaluation texts drawn", style.LIGHT),
}


def variance_components(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Share of the variance of each metric by where it comes from."""
    table = common.rows(tables, "variance")
    metrics = [m for m in settings.metrics if m.name in set(table["metric"])]
    components = list(dict.fromkeys(table["component"]))
    figure = Figure(figsize=(style.WIDTH, 0.75 + 0.36 * len(metrics)))
    axis = figure.subplots()
    fallback = iter((style.PURPLE, style.YELLOW, style.VERMILION))
    looks = {c: _COMPONENTS.get(c) or (words.name(c), next(fallback)) for c in components}
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
    names = [words.shortened(words.name(m.name), common.TERM_LETTERS) for m in metrics]
    axis.set_yticks(range(len(metrics)), names)
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
    return common.ink_on(to_rgb(colour))


def _height(rows: Sequence[str]) -> float:
    """Of a figure with a row each, inches; one or two rows need room for their markers, too."""
    return 0.75 + 0.2 * max(len(rows), 3)


def importance(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Share of the explained variance by factor and pair, by two methods, with intervals."""
    table = common.rows(tables, "importance")
    metrics = [m for m in settings.metrics if m.name in set(table["metric"])]
    methods = {
        "type2": ("type II sums of squares", style.BLACK, "o"),
        "functional_anova": ("functional ANOVA of a random forest", style.PURPLE, "s"),
    }
    methods = {key: look for key, look in methods.items() if key in set(table["method"])}
    every_term = list(dict.fromkeys(table["term"]))
    terms = common.largest(every_term, table.groupby("term")["share"].max())
    figure, axes = common.panels(len(metrics), 3, _height(terms), sharey=True, sharex=True)
    for axis, metric in zip(axes, metrics, strict=True):
        for k, (method, (_, colour, marker)) in enumerate(methods.items()):
            rows = table[(table["metric"] == metric.name) & (table["method"] == method)]
            rows = rows.set_index("term").reindex(terms)
            y = np.arange(len(terms)) + 0.26 * (k - (len(methods) - 1) / 2)
            axis.hlines(y, 100 * rows["ci_low"], 100 * rows["ci_high"], color=colour, linewidth=1)
            axis.plot(100 * rows["share"], y, marker, color=colour, markersize=3.6, clip_on=False)
        for i in range(0, len(terms), 2):
            axis.axhspan(i - 0.5, i + 0.5, color=style.FAINT, alpha=0.45, linewidth=0, zorder=0)
        axis.set_title(common.axis_name(words.name(metric.name), style.room(axis, "x")))
        axis.set_yticks(range(len(terms)), common.written(terms, study, settings))
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
    common.remark_left_out(figure, len(terms), len(every_term), "terms")
    return figure


def power(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Largest difference along each factor against the smallest the design would detect."""
    table = common.rows(tables, "power")
    metrics = [m for m in settings.metrics if m.name in set(table["metric"])]
    factors = list(dict.fromkeys(table["factor"]))
    figure, axes = common.panels(len(metrics), 3, _height(factors), sharey=True)
    for axis, metric in zip(axes, metrics, strict=True):
        rows = table[table["metric"] == metric.name].set_index("factor").reindex(factors)
        y = np.arange(len(factors))
        smallest = words.in_unit(rows["smallest_difference"].to_numpy(float), metric)
        observed = words.in_unit(rows["observed_difference"].to_numpy(float), metric)
        axis.barh(y, smallest, color=style.FAINT, height=0.72)
        axis.vlines(smallest, y - 0.36, y + 0.36, color=style.GREY, linewidth=1.2)
        axis.plot(observed, y, "o", color=style.BLACK, markersize=4, clip_on=False)
        axis.set_title(common.axis_name(words.name(metric.name), style.room(axis, "x")))
        axis.set_yticks(y, [words.shortened(words.name(f), common.TERM_LETTERS) for f in factors])
        axis.set_ylim(len(factors) - 0.5, -0.5)
        axis.set_xlim(left=0)
        axis.set_xlabel("difference" + (f" ({words.unit_of(metric)})" if metric.unit else ""))
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    figure.legend(
        handles=[
            Line2D(
                [],
                [],
                color=style.BLACK,
                marker="o",
                linestyle="",
                label="largest fitted difference",
            ),
            Patch(
                color=style.LIGHT,
                linewidth=0,
                label=f"smaller than the design detects {words.times(POWER)}",
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
    table = common.rows(tables, "reliability")
    names = list(settings.factor_names)
    curves: list[tuple[str, str, pd.DataFrame]] = []  # title, colour, rows
    baseline = table[table["model"] == "baseline"]
    if len(baseline):
        curves.append(("baseline", style.BASELINE, baseline))
    cells = list(table[table["model"] == "cell"].groupby(names))
    cells.sort(key=lambda cell: cell[1]["expected_calibration_error"].iloc[0])
    ends = {"best calibrated cell": cells[0], "worst calibrated cell": cells[-1]} if cells else {}
    for role, (key, rows) in ends.items():
        setting = words.setting(dict(zip(names, key, strict=True)), settings.factors)
        curves.append((f"{role}\n{textwrap.fill(setting, 34)}", style.BLUE, rows))
    figure, axes = common.panels(len(curves), 3, 2.35, sharey=True, sharex=True)
    low = 100 * float(table["confidence"].min())
    for place, (axis, (title, colour, rows)) in enumerate(zip(axes, curves, strict=True)):
        x, y = 100 * rows["confidence"], 100 * rows["accuracy"]
        area = 4 + 60 * rows["count"] / rows["count"].max()
        axis.plot([0, 100], [0, 100], color=style.GREY, linewidth=0.7, linestyle=(0, (4, 2)))
        axis.plot(x, y, color=colour, linewidth=1)
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


FIGURES = (
    Kind(
        variance_components,
        "Variance components",
        "Where the variation of each metric comes from.",
        ("variance",),
        per_metric=False,
    ),
    Kind(
        importance,
        "Importance",
        "Share of the explained variance by factor and by pair. What chance adds is taken out of "
        "the sums of squares, which alone have intervals.",
        ("importance",),
        per_metric=False,
    ),
    Kind(
        power,
        "What the design could detect",
        "The largest fitted difference between two levels of each factor, and the smallest one "
        f"that the design detects with probability {POWER:g}.",
        ("power",),
        per_metric=False,
    ),
    Kind(
        reliability,
        "Calibration",
        "Reliability diagrams: how often the classifier is right among texts it is equally "
        "sure about; the diagonal is perfect. Area of a dot: number of texts. ECE: expected "
        "calibration error.",
        ("reliability",),
        per_metric=False,
    ),
)
