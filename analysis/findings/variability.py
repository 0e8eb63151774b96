"""Where the variation comes from."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables
from analysis.runs.settings import Settings


def about_variability(tables: Tables, settings: Settings) -> Iterator[Finding]:
    table = tables.get("variance", pd.DataFrame())
    described = {
        "hyperparameters": "between the settings of the hyperparameters",
        "replicate": "between replicates (their seeds and the data drawn for them)",
        "trajectory": "between training runs of one setting",
        "epoch_within_trajectory": "unexplained, from epoch to epoch of a training run",
        "evaluation_sampling": "from the choice of texts for evaluation",
    }
    for metric in settings.metrics:
        rows = table[table["metric"] == metric.name] if len(table) else table
        rows = rows.dropna(subset=["share"]) if len(rows) else rows
        if rows.empty:
            continue
        rows = rows.sort_values("share", ascending=False).head(2)
        parts = [
            f"{100 * share:.0f} % is {described.get(component, words.name(component))}"
            for component, share in zip(rows["component"], rows["share"], strict=True)
        ]
        yield Finding(
            "variability",
            metric.name,
            "largest_components",
            False,
            f"Of the variance of {words.name(metric.name)}, {words.listed(parts)}.",
        )
