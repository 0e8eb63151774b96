"""Trajectories and replicates as they count: what is one training run, and what is a block."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.runs import structure, values
from analysis.runs.settings import Settings
from analysis.runs.study import Note
from analysis.runs.values import numbers, row_of
from common.errors import UserError


def with_structure(
    runs: pd.DataFrame, settings: Settings, from_study: bool, notes: list[Note]
) -> Settings:
    """Adds replicate and trajectory as they count; settings with ``observational`` decided."""
    given = "replicate" in runs
    if not given:
        runs["replicate"] = 0
    for column in ("replicate", "trajectory", *(settings.blocks or ())):
        if column in runs and runs[column].isna().any():
            raise UserError(f"Column {column}, {row_of(runs[column].isna())}: empty.")
    numbered = pd.api.types.is_numeric_dtype(runs["replicate"])
    runs["replicate"] = numbers(runs, "replicate") if numbered else values.levels(runs["replicate"])
    observational = settings.observational
    if observational is None:
        observational = not (from_study or _is_grid(runs, settings))
    _add_trajectories(runs, settings, observational, notes)
    used = structure.with_result(runs, settings)
    if not _replicates_are_block(used, settings):
        if given:
            _note_labels(used, settings, notes)
            runs["run_label"] = runs["replicate"]
        runs["replicate"] = 0
    if not used.duplicated([*settings.factor_names, *(settings.blocks or ())]).any():
        notes.append(
            Note(
                "replicate",
                "Every setting was run once, so there is no pure error to test the model against "
                "and no variation between replicates to report.",
            )
        )
    return replace(settings, observational=observational)


def _is_grid(runs: pd.DataFrame, settings: Settings) -> bool:
    tables = (runs, structure.with_result(runs, settings))
    return any(structure.is_full_grid(each, settings.factor_names) for each in tables)


def _add_trajectories(
    runs: pd.DataFrame, settings: Settings, observational: bool, notes: list[Note]
) -> None:
    if "trajectory" in runs:
        runs["trajectory"] = runs["trajectory"].astype(str)
        return
    runs["trajectory"] = structure.trajectories(runs, settings, not observational)
    if "epochs" not in settings.factor_names or observational:
        notes.append(
            Note(
                "trajectory",
                "The table has no trajectory column, so every run counts as a training run of its "
                "own.",
            )
        )


def _replicates_are_block(used: pd.DataFrame, settings: Settings) -> bool:
    if settings.blocks is not None:
        return "replicate" in settings.blocks
    within = structure.factors_within(used, settings.factor_names)
    whole_plot = [name for name in settings.factor_names if name not in within]
    return bool(whole_plot) and structure.replicates_cross(used, whole_plot)


def _note_labels(used: pd.DataFrame, settings: Settings, notes: list[Note]) -> None:
    if settings.blocks is not None or used["replicate"].nunique() <= 1:
        return
    named = settings.columns.get("replicate", "replicate")
    notes.append(
        Note(
            "replicate",
            f"The labels in the column {named} are not each used for several settings, so they "
            "are no block: they tell runs apart, not what runs have in common.",
        )
    )
