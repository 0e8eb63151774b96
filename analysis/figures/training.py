"""Learning curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style, words
from analysis.figures import common
from analysis.figures.common import Kind, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study


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
    names = [f.name for f in whole]
    # a trajectory's factors are those of its runs: a history may have a column of the same name
    # for what changes along the way (the scheduled learning rate)
    own = study.runs.drop_duplicates("trajectory")[["trajectory", *names]]
    history = history.drop(columns=names, errors="ignore").merge(own, on="trajectory")
    if history.empty:
        raise common.CannotDraw("The training histories are of other runs.")
    measures = [("training_loss", "training loss")]
    for metric in (settings.metrics[0], *(m for m in settings.metrics if m.name == "loss")):
        if (
            metric.name in history
            and history[metric.name].notna().any()
            and metric.name not in dict(measures)
        ):
            measures.append((metric.name, f"evaluation {words.axis_label(metric)}"))
    trajectories = history["trajectory"].unique()
    drawn = set(trajectories[:: -(-len(trajectories) // 200)])  # more would only be a smear

    def thin(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["trajectory"].isin(drawn)]

    panels = common.levels_of(study, panel) if panel else [None]
    levels = common.levels_of(study, coloured)
    colours = dict(zip(levels, style.level_colours(len(levels)), strict=True))
    figure = Figure(figsize=(style.WIDTH, 1.65 * len(measures) + 0.3))
    grid = figure.subplots(len(measures), len(panels), squeeze=False, sharex=True, sharey="row")
    last = float(history["epoch"].max())
    for (column, label), row in zip(measures, grid, strict=True):
        values = history.dropna(subset=[column])
        if column in settings.metric_names:
            values = values.assign(
                **{column: words.in_unit(values[column], settings.metric(column))}
            )
        else:
            # steps are noisy: means over twelfths of an epoch
            values = values.assign(epoch=np.ceil(values["epoch"] * 12) / 12)
        values = values.assign(**{coloured.name: common.values(values[coloured.name], coloured)})
        for axis, value in zip(row, panels, strict=True):
            here = (
                values
                if panel is None
                else values[common.values(values[panel.name], panel) == value]
            )
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
                baseline = common.baseline(study, settings.metric(column))
                if np.isfinite(baseline):
                    axis.axhline(
                        words.in_unit(baseline, settings.metric(column)),
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
            if row[0] is grid[0, 0] and panel is not None:
                axis.set_title(words.setting({panel.name: value}, settings.factors))
        row[0].set_ylabel(label)
    handles = [
        Line2D([], [], color=c, label=common.level_label(coloured, v)) for v, c in colours.items()
    ]
    if len(handles) > 6:
        handles = [handles[0], handles[len(handles) // 2], handles[-1]]
    if any(np.isfinite(common.baseline(study, m)) for m in settings.metrics):
        handles.append(
            Line2D([], [], color=style.BASELINE, linestyle=(0, (4, 2)), label="baseline")
        )
    common.legend_above(figure, handles)
    return figure


FIGURES = (
    Kind(
        learning_curves,
        "Learning curves",
        "Training by trajectory: thin lines are trajectories, thick ones their means.",
        per_metric=False,
    ),
)
