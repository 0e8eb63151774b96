"""How runs ended: our words for what trackers call it, and which of them gave a result."""

from __future__ import annotations

import pandas as pd

from analysis import words
from analysis.runs.settings import Settings
from analysis.runs.study import Note
from analysis.runs.values import row_of
from common.errors import UserError
from common.messages import shown

STATUSES = ("ok", "diverged", "failed", "stopped_early", "pruned")
NO_RESULT = ("diverged", "failed", "pruned")  # what such a run logged is not a finished one's
# What Weights & Biases, MLflow, Optuna, Keras Tuner and Ray Tune call these, in lower case.
TRACKERS_STATUSES = {
    **dict.fromkeys(("finished", "complete", "completed", "succeeded", "terminated"), "ok"),
    **dict.fromkeys(("crashed", "fail", "error", "killed", "invalid", "preempted"), "failed"),
}
UNFINISHED = ("running", "waiting", "pending", "queued", "scheduled", "paused", "idle")


def with_status(runs: pd.DataFrame, notes: list[Note]) -> pd.DataFrame:
    """The runs that have ended, with our words for how."""
    if "status" not in runs:
        return runs.assign(status="ok")
    written = runs["status"].astype(str).str.strip().str.lower()
    unfinished = written.isin(UNFINISHED)
    statuses = written.map(lambda word: TRACKERS_STATUSES.get(word, word))
    unknown = ~unfinished & ~statuses.isin(STATUSES)
    if unknown.any():
        value = runs.loc[unknown, "status"].iloc[0]
        raise UserError(
            f"Column status, {row_of(unknown)}: {shown(value)} is not one of {', '.join(STATUSES)} "
            f"(or {', '.join((*TRACKERS_STATUSES, *UNFINISHED))})."
        )
    if unfinished.any():
        if unfinished.all():
            raise UserError("Every run of the table is still running; wait until some have ended.")
        verb = "is" if unfinished.sum() == 1 else "are"
        notes.append(
            Note(
                "unfinished",
                f"{unfinished.sum()} of {len(runs)} runs had not ended when the table was written "
                f"and {verb} left out.",
            )
        )
    return runs.assign(status=statuses)[~unfinished]


def note_runs_without_result(runs: pd.DataFrame, settings: Settings, notes: list[Note]) -> None:
    for status in NO_RESULT:
        without = runs[runs["status"] == status].to_dict("records")
        named = [words.run(row, settings.factors) for row in without]
        more = f" and {len(named) - 10} more" if len(named) > 10 else ""
        if named:
            one = len(named) == 1
            verb = f"{'was' if one else 'were'} pruned" if status == "pruned" else status
            enter = "enters" if one else "enter"
            notes.append(
                Note(
                    status,
                    f"{len(named)} of {len(runs)} runs {verb} and {enter} no regression: "
                    f"{'; '.join(named[:10])}{more}.",
                )
            )
    early = int((runs["status"] == "stopped_early").sum())
    if early:
        notes.append(
            Note(
                "stopped_early",
                f"{early} of {len(runs)} runs stopped early; they count as the epochs they were "
                "meant to have.",
            )
        )
