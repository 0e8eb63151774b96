"""How well the model describes the runs."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables, rows_of
from analysis.runs.settings import Settings


def about_model_fit(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """R² and predicted R², which shows how much of it a new run would, of what blocks leave."""
    told = []
    for metric in settings.metrics:
        rows = rows_of(tables, "diagnostics", metric=metric.name, framing="absolute")
        if rows.empty:
            continue
        values = 100 * rows.set_index("diagnostic")["value"]
        share = values.get("r_squared_within_blocks")
        if share is None:
            continue
        predicted = values["predicted_r_squared_within_blocks"]
        new = "unknown" if pd.isna(predicted) else f"{max(predicted, 0):.0f} %"
        told.append(f"{words.name(metric.name)} {share:.0f} % ({new})")
    if told:
        sentence = f"Variation explained by the factors (in new runs): {words.listed(told)}."
        yield Finding("fit", "", "r_squared", False, sentence)
