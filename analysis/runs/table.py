"""The table of runs, checked and made uniform whatever tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.runs.baseline import baseline_values, note_unknown
from analysis.runs.levels import level_texts, with_factor, without_constant_factors
from analysis.runs.measurements import determined, with_deltas, with_metric, with_numbers
from analysis.runs.replicates import with_structure
from analysis.runs.settings import Settings
from analysis.runs.statuses import note_runs_without_result, with_status
from analysis.runs.study import Note, Study
from common.errors import UserError
from common.messages import nearest, shown


def checked(
    table: pd.DataFrame,
    settings: Settings,
    *,
    histories: pd.DataFrame | None = None,
    provenance: Mapping[str, Any] | None = None,
    folder: Path = Path(),
) -> Study:
    """Checks a table whose row i is line i + 2 of a file, and what lies beside it.

    Raises UserError, naming column and row, for a table that cannot be analysed.
    """
    notes: list[Note] = []
    runs = _renamed(table.reset_index(drop=True), settings)
    if runs.empty:
        raise UserError("The table of runs has no rows.")
    runs = with_status(runs, notes)
    histories = pd.DataFrame() if histories is None else histories
    with_numbers(runs, settings)
    settings = replace(
        settings,
        metrics=tuple(with_metric(runs, histories, m, notes) for m in settings.metrics),
    )
    with_deltas(runs, settings, notes)

    categorical = [factor.name for factor in settings.factors if not factor.numeric]
    for name in (*categorical, *(settings.blocks or ())):
        runs[name] = level_texts(runs, name, notes)
    factors = tuple(with_factor(runs, f, categorical, notes) for f in settings.factors)
    settings = replace(settings, factors=factors)
    note_runs_without_result(runs, settings, notes)
    settings, terms = without_constant_factors(runs, settings, notes)
    settings = with_structure(runs, settings, bool(provenance), notes)

    baseline = baseline_values(runs, settings)
    note_unknown(baseline, runs, settings, notes)
    return Study(
        runs=runs,
        settings=settings,
        terms={} if terms is None else dict.fromkeys(settings.metric_names, terms),
        determined=determined(runs, settings),
        baseline=baseline,
        notes=tuple(notes),
        histories=histories,
        provenance=provenance or {},
        folder=folder,
    )


def _renamed(table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    for ours, theirs in settings.columns.items():
        for column in (theirs,) if isinstance(theirs, str) else theirs:
            if column not in table:
                raise UserError(
                    f"analysis.columns.{ours}: the table has no column {shown(column)}; "
                    f"{nearest(column, table.columns)}"
                )
    columns = dict(settings.columns)
    for ours, theirs in settings.columns.items():
        if isinstance(theirs, str) and f"baseline_{theirs}" in table:  # goes with its metric
            columns.setdefault(f"baseline_{ours}", f"baseline_{theirs}")
    # a column that bears our name but is not the one mapped to it makes way
    shadowed = [ours for ours, theirs in columns.items() if theirs != ours]
    runs = table.drop(columns=[name for name in shadowed if name in table])
    for ours, theirs in columns.items():
        if isinstance(theirs, str):
            runs[ours] = table[theirs]
        else:
            runs[ours] = table[list(theirs)].astype(str).agg("/".join, axis=1)
    for name in (*settings.factor_names, *settings.metric_names, *(settings.blocks or ())):
        if name not in runs:
            raise UserError(
                f"The table of runs has no column {name!r}; {nearest(name, runs.columns)} "
                f"Another name can be given as analysis.columns.{name}."
            )
    return runs
