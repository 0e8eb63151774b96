"""What was run, and what of it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding
from analysis.runs.settings import Settings
from analysis.runs.statuses import NO_RESULT
from analysis.runs.study import Study

# of one run, and of several
FATES = {
    "diverged": ("diverged and is left out of the fits", "diverged and are left out of the fits"),
    "failed": ("failed and is left out of the fits", "failed and are left out of the fits"),
    "pruned": (
        "was pruned and is left out of the fits",
        "were pruned and are left out of the fits",
    ),
    "stopped_early": (
        "stopped early and is in the fits with the metrics it reached",
        "stopped early and are in the fits with the metrics they reached",
    ),
}
# what the table says of itself that bears on every finding
TOLD = ("unfinished", "levels")


def about_runs(study: Study, settings: Settings) -> Iterator[Finding]:
    """For page 1 the counts; then each fate with the names of its runs."""
    runs = study.runs
    factors = list(settings.factor_names)
    counts = runs["status"].value_counts()
    parts = [
        f"{words.count(len(runs), 'run')} at "
        f"{words.count(len(runs[factors].drop_duplicates()), 'setting')}"
    ]
    if runs["replicate"].nunique() > 1:
        parts.append(words.count(runs["replicate"].nunique(), "replicate"))
    left_out = [f"{counts[fate]:,} {fate}" for fate in NO_RESULT if fate in counts]
    counted = f"; {words.listed(left_out)}, not counted" if left_out else ""
    yield Finding("runs", "", "count", False, f"{', '.join(parts)}{counted}.")
    for note in study.notes:
        if note.topic in TOLD:
            yield Finding("runs", note.metric, "told", False, words.sentence_case(str(note)))
    for fate, (of_one, of_several) in FATES.items():
        rows = runs[runs["status"] == fate]
        if len(rows):
            names = [
                _run_and_step(row, settings) for row in rows.head(words.NAMED).to_dict("records")
            ]
            more = f"; and {len(rows) - words.NAMED:,} more" if len(rows) > words.NAMED else ""
            of_all = f"{len(rows):,} of {words.count(len(runs), 'run')}"
            what = of_one if len(rows) == 1 else of_several
            sentence = f"{of_all} {what}: {'; '.join(names)}{more}."
            yield Finding("runs", "", fate, False, sentence)


def _run_and_step(row: dict[str, Any], settings: Settings) -> str:
    """The run's name, and at which step it diverged where the table says so."""
    step = row.get("diverged_at_step", float("nan"))
    at = f" (at step {step:.0f})" if pd.notna(step) else ""
    return words.run(row, settings.factors) + at
