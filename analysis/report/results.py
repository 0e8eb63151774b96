"""What was measured in every cell."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import words
from analysis.report import block
from analysis.report.appendix import LISTED_RUNS
from analysis.report.content import Content
from analysis.variables import Metric

LISTED_CELLS = 150  # beyond that the best SHOWN_CELLS are listed
SHOWN_CELLS = 30


def results(content: Content) -> list[block.Block]:
    blocks = content.figures("differences")
    blocks += _cells(content)
    blocks += content.figure("parallel_coordinates")
    blocks += content.figure("learning_curves")
    return blocks


def _cells(content: Content) -> list[block.Block]:
    cells = content.rows("cells")
    if cells.empty:
        return [block.missing("The analysis gave no table of cells.")]
    settings = content.settings
    names = list(settings.factor_names)
    relative = cells["delta"].notna().any()
    if not relative and len(content.study.runs) <= LISTED_RUNS and (cells["runs"] == 1).all():
        return [block.paragraph("Every cell is a single run: the appendix lists them all.")]
    metrics = [m for m in settings.metrics if m.name in set(cells["metric"])]
    by_metric = {m.name: cells[cells["metric"] == m.name].set_index(names) for m in metrics}
    index, caption = _listed(by_metric[metrics[0].name], metrics[0])
    spans = [{"title": "", "columns": len(names) + 1}]
    columns = [*content.factor_columns(), block.column("runs")]
    for metric in metrics:
        spans.append({"title": words.axis_label(metric), "columns": 2 if relative else 1})
        columns.append(block.column("mean"))
        if relative:
            columns.append(block.column("− baseline"))
    compared = content.rows("comparisons", metric="accuracy")
    q_values = compared.set_index(names)["q_value"] if len(compared) else pd.Series()
    if len(q_values):
        spans.append({"title": "", "columns": 1})
        columns.append(block.column("McNemar q"))
    mean_digits, delta_digits = (
        {
            m.name: words.interval_decimals(by_metric[m.name][low], by_metric[m.name][high], m)
            for m in metrics
        }
        for low, high in (("mean_low", "mean_high"), ("ci_low", "ci_high"))
    )
    rows = []
    for key in index:
        values = dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True))
        row: list[Any] = [
            *content.setting(values),
            str(int(by_metric[metrics[0].name].loc[key, "runs"])),
        ]
        for metric in metrics:
            if key not in by_metric[metric.name].index:
                row += ["", ""] if relative else [""]
                continue
            cell = by_metric[metric.name].loc[key]
            row.append(content.value(cell["mean"], metric, mean_digits[metric.name]))
            if relative:
                sure = cell["ci_low"] > 0 or cell["ci_high"] < 0
                delta = content.value(cell["delta"], metric, delta_digits[metric.name], sign=True)
                row.append(block.bold(delta, bool(sure)))
        if len(q_values):
            row.append(words.p_value(q_values.get(key, float("nan"))))
        rows.append(row)
    if relative:
        caption += (
            f", and their difference to the baseline; semibold: the cell's own {content.percent} "
            "interval excludes zero"
        )
    if len(q_values):
        caption += "; McNemar q: right or wrong on the same texts, corrected over the cells"
    return [block.table(caption + ".", columns, rows, spans=spans)]


def _listed(cells: pd.DataFrame, metric: Metric) -> tuple[pd.Index, str]:
    """The cells that are shown, all or the best in this metric, and what they are."""
    if len(cells) <= LISTED_CELLS:
        return cells.index, "Means of the cells over their replicates"
    ranked = cells.sort_values("mean", ascending=metric.sign < 0, kind="stable")
    return ranked.index[:SHOWN_CELLS], (
        f"The {SHOWN_CELLS} of {len(ranked):,} cells with the best mean "
        f"{words.name(metric.name)}, which is partly luck (all are in cells.csv)"
    )
