"""What was run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding
from analysis.runs.settings import Settings
from analysis.runs.study import Study


def about_runs(study: Study, settings: Settings) -> Iterator[Finding]:
    runs = study.runs
    cells = len(runs[list(settings.factor_names)].drop_duplicates())
    replicates = runs["replicate"].nunique() if "replicate" in runs else 1
    sentence = (
        f"The study has {words.count(len(runs), 'run')}: {words.count(cells, 'cell')} of "
        f"{words.listed([words.name(name) for name in settings.factor_names])}, "
        f"{words.count(replicates, 'replicate')}."
    )
    yield Finding("runs", "", "count", False, sentence)
    for status, what in (
        ("diverged", "diverged and are left out of the fits"),
        ("failed", "failed and are left out of the fits"),
        ("stopped_early", "stopped early and are in the fits with the metrics they reached"),
    ):
        rows = runs[runs["status"] == status] if "status" in runs else runs.iloc[:0]
        if len(rows):
            names = [
                _run_and_step(row, settings) for row in rows.head(words.NAMED).to_dict("records")
            ]
            more = f"; and {len(rows) - words.NAMED:,} more" if len(rows) > words.NAMED else ""
            of_all = f"{len(rows):,} of {words.count(len(runs), 'run')}"
            sentence = f"{of_all} {what}: {'; '.join(names)}{more}."
            yield Finding("runs", "", status, False, sentence)


def _run_and_step(row: dict[str, Any], settings: Settings) -> str:
    """The run's name, and at which step it diverged where the table says so."""
    step = row.get("diverged_at_step", float("nan"))
    at = f" (at step {step:.0f})" if pd.notna(step) else ""
    return words.run(row, settings.factors) + at
