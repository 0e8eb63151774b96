"""The baseline's own hyperparameters."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.runs.settings import Settings
from analysis.runs.study import Note
from analysis.runs.values import numbers
from common.errors import UserError

ON_ANOTHER_SCALE = (
    "it is analysed on another scale, on which a difference to the baseline is none of the metric, "
    "so no effects relative to the baseline are reported."
)


def baseline_values(runs: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """The baseline's own hyperparameters, from the table or else from the config."""
    known = dict(settings.baseline)
    for factor in settings.factors:
        column = f"baseline_{factor.name}"
        if column not in runs or runs[column].isna().all():
            continue
        found = numbers(runs, column) if factor.numeric else runs[column].dropna().astype(str)
        found = found.dropna().unique()
        if len(found) > 1:
            raise UserError(
                f"Column {column}: {found[0]} and {found[1]}, but there is one baseline."
            )
        own = known.get(factor.name, found[0])
        if own != found[0] and (factor.numeric or str(own) != found[0]):
            raise UserError(
                f"analysis.baseline.{factor.name}: {known[factor.name]}, but the table's column "
                f"{column} says {found[0]}; remove one of them."
            )
        if factor.scale in ("log10", "log2") and found[0] <= 0:
            raise UserError(f"Column {column}: {found[0]} has no logarithm.")
        known[factor.name] = found[0].item() if hasattr(found[0], "item") else found[0]
    return known


def note_unknown(
    baseline: dict[str, Any], runs: pd.DataFrame, settings: Settings, notes: list[Note]
) -> None:
    """Notes what keeps effects from being told relative to the baseline."""
    missing = [f.name for f in settings.factors if f.numeric and f.name not in baseline]
    if missing and any(f"delta_{name}" in runs for name in settings.metric_names):
        notes.append(
            Note(
                "relative framing",
                f"The baseline's own {', '.join(missing)} is not known, so nothing is reported "
                "relative to it; give it in analysis.baseline.",
            )
        )
    notes += [
        Note("relative framing", ON_ANOTHER_SCALE, metric.name)
        for metric in settings.metrics
        if metric.transform is not None and f"delta_{metric.name}" in runs
    ]
