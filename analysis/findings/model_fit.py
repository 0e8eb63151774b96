"""How well the model describes the runs."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import words
from analysis.findings.finding import Finding, Tables, rows_of
from analysis.runs.settings import Settings


def about_model_fit(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """R², and predicted R², which shows how much of it a new run would."""
    told = []
    for metric in settings.metrics:
        rows = rows_of(tables, "diagnostics", metric=metric.name, framing="absolute")
        if rows.empty:
            continue
        values = rows.set_index("diagnostic")["value"]
        predicted = max(values["predicted_r_squared"], 0.0)
        told.append(
            f"{words.name(metric.name)} {100 * values['r_squared']:.0f} % ({100 * predicted:.0f} %)"
        )
    if told:
        sentence = (
            "Share of the variation that the model describes (and would predict in new runs): "
            f"{words.listed(told)}."
        )
        yield Finding("fit", "", "r_squared", False, sentence)
