"""Learning curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Factor

MOST_LINES = 200  # trajectories that are drawn; more would only be a smear
DASHES = (0, (4, 2))


def learning_curves(tables: Tables, study: Study, settings: Settings) -> Figure:
    """Training loss and the evaluation metrics along training, one thin line a trajectory."""
    history = study.histories
    if history is None or history.empty:
        raise common.CannotDraw("The table came without training histories.")
    subplot = study.subplot_factors(settings)
    whole = [f for f in settings.factors if f.name not in subplot]
    if not whole:
        raise common.CannotDraw("Every run is the same trajectory: there is nothing to compare.")
    coloured = whole[0]
    panel = whole[1] if len(whole) > 1 and len(common.levels_of(study, whole[1])) <= 4 else None
    history = _with_factors(history, study, whole)
    trajectories = history["trajectory"].unique()
    drawn = set(trajectories[:: -(-len(trajectories) // MOST_LINES)])
    panels = common.levels_of(study, panel) if panel else [None]
    levels = common.levels_of(study, coloured)
    colours = dict(zip(levels, style.level_colours(len(levels)), strict=True))
    measures = _measures(history, settings)
    figure = Figure(figsize=(style.WIDTH, 1.65 * len(measures) + 0.3))
    grid = figure.subplots(len(measures), len(panels), squeeze=False, sharex=True, sharey="row")
    for (column, label), row in zip(measures.items(), grid, strict=True):
        values = _smoothed(history.dropna(subset=[column]), column, settings)
        values = values.assign(**{coloured.name: common.values(values[coloured.name], coloured)})
        for axis, value in zip(row, panels, strict=True):
            here = values
            if panel is not None:
                here = values[common.values(values[panel.name], panel) == value]
            marker = "o" if column in settings.metric_names else ""
            thin = here[here["trajectory"].isin(drawn)]
            for (key, _), line in thin.groupby([coloured.name, "trajectory"]):
                mean = line.groupby("epoch")[column].mean()
                look = {"linewidth": 0.5, "alpha": 0.5, "markersize": 1.8}
                axis.plot(mean.index, mean, marker=marker, color=colours[key], **look)
            for key, line in here.groupby(coloured.name):
                mean = line.groupby("epoch")[column].mean()
                axis.plot(mean.index, mean, color=colours[key], linewidth=1.6)
            _draw_baseline(axis, study, settings, column)
            axis.grid(axis="y")
        row[0].set_ylabel(label)
    last = float(history["epoch"].max())
    for axis in grid[-1]:
        axis.set_xlabel("epoch")
        axis.set_xticks(
            np.arange(0, np.ceil(last) + 1) if last <= 6 else np.linspace(0, last, 4).round()
        )
    if panel is not None:
        for axis, value in zip(grid[0], panels, strict=True):
            axis.set_title(words.setting({panel.name: value}, settings.factors))
    handles = [
        Line2D([], [], color=c, label=common.level_label(coloured, v)) for v, c in colours.items()
    ]
    if len(handles) > 6:
        handles = [handles[0], handles[len(handles) // 2], handles[-1]]
    if any(np.isfinite(common.baseline(study, m)) for m in settings.metrics):
        handles.append(Line2D([], [], color=style.BASELINE, linestyle=DASHES, label="baseline"))
    common.legend_above(figure, handles)
    return figure


def _with_factors(history: pd.DataFrame, study: Study, factors: Sequence[Factor]) -> pd.DataFrame:
    """The history with its trajectory's levels of the factors.

    A column of the same name is for what changes along the way (the scheduled learning rate).
    """
    names = [factor.name for factor in factors]
    own = study.runs.drop_duplicates("trajectory")[["trajectory", *names]]
    history = history.drop(columns=names, errors="ignore").merge(own, on="trajectory")
    if history.empty:
        raise common.CannotDraw("The training histories are of other runs.")
    return history


def _measures(history: pd.DataFrame, settings: Settings) -> dict[str, str]:
    """The columns of the history that are shown, with their labels."""
    shown = {"training_loss": "training loss"}
    for metric in (settings.metrics[0], *(m for m in settings.metrics if m.name == "loss")):
        if metric.name in history and history[metric.name].notna().any():
            shown.setdefault(metric.name, f"evaluation {words.axis_label(metric)}")
    return shown


def _smoothed(history: pd.DataFrame, column: str, settings: Settings) -> pd.DataFrame:
    """A metric in the unit it is shown in; of the loss of noisy steps twelfths of an epoch."""
    if column in settings.metric_names:
        shown = words.in_unit(history[column], settings.metric(column))
        return history.assign(**{column: shown})
    return history.assign(epoch=np.ceil(history["epoch"] * 12) / 12)


def _draw_baseline(axis: Axes, study: Study, settings: Settings, column: str) -> None:
    if column not in settings.metric_names:
        return
    metric = settings.metric(column)
    baseline = common.baseline(study, metric)
    if np.isfinite(baseline):
        height = words.in_unit(baseline, metric)
        axis.axhline(height, color=style.BASELINE, linewidth=0.8, linestyle=DASHES)


FIGURES = (
    Kind(
        learning_curves,
        "Learning curves",
        "Training by trajectory: thin lines are trajectories, thick ones their means.",
        (),
        per_metric=False,
    ),
)
