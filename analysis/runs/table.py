"""The table of runs: read, checked, and made uniform whatever tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import words
from analysis.fit.coding import codings
from analysis.fit.least_squares import Model, require_estimable, triangle_of
from analysis.fit.terms import model_terms
from analysis.runs import reading
from analysis.runs.reading import numbers, row_of
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from common.errors import UserError
from common.messages import nearest, shown

STATUSES = ("ok", "diverged", "failed", "stopped_early")
NO_RESULT = ("diverged", "failed")  # what metrics such a run has are not those of a finished one
# what Weights & Biases, MLflow and Optuna call these, in lower case
TRACKERS_STATUSES = {
    "finished": "ok",
    "complete": "ok",
    "crashed": "failed",
    "fail": "failed",
    "killed": "failed",
    "pruned": "failed",
}
# Terms are written schedule[linear]:epochs, what is held schedule=linear, epochs=2.
NO_LEVEL_HOLDS = ",:;=^[]{}"
LONGEST_LEVEL = 64


def read(path: str | Path, settings: Settings) -> Study:
    """Reads runs.csv, and histories.csv and provenance.json where they lie beside it.

    Raises UserError, naming column and row, for a table that cannot be analysed.
    """
    path = Path(path)
    texts = [factor.name for factor in settings.factors if not factor.numeric]
    return from_table(
        reading.csv_table(
            path, [settings.columns.get(name, name) for name in (*texts, "trajectory")]
        ),
        settings,
        histories=reading.histories(path.with_name("histories.csv"), settings),
        provenance=reading.provenance(path.with_name("provenance.json")),
        folder=path.parent,
    )


def from_table(
    table: pd.DataFrame,
    settings: Settings,
    *,
    histories: pd.DataFrame | None = None,
    provenance: Mapping[str, Any] | None = None,
    folder: Path = Path(),
) -> Study:
    """The same from a table in memory, whose row i is line i + 2 of a file."""
    notes: list[Note] = []
    runs = _renamed(table, settings)
    if runs.empty:
        raise UserError("The table of runs has no rows.")
    runs = _with_status(runs)
    for factor in settings.factors:
        runs[factor.name] = _factor_values(runs, factor.name, factor.scale)
    _with_replicate_and_trajectory(runs, settings, notes)
    _with_metrics(runs, settings, notes)
    _refuse_repeated_runs(runs, settings)
    baseline = _baseline_values(runs, settings)
    missing = [f.name for f in settings.factors if f.numeric and f.name not in baseline]
    if missing and any(f"delta_{name}" in runs for name in settings.metric_names):
        notes.append(
            Note(
                "relative framing",
                f"The baseline's own {', '.join(missing)} is not known, so effects are not told "
                "relative to it; give it in analysis.baseline.",
            )
        )
    _refuse_what_no_model_fits(runs, settings)
    return Study(
        runs=runs,
        baseline=baseline,
        notes=tuple(notes),
        histories=pd.DataFrame() if histories is None else histories,
        provenance=provenance or {},
        folder=folder,
    )


def _renamed(table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    for ours, theirs in settings.columns.items():
        if theirs not in table:
            raise UserError(
                f"analysis.columns.{ours}: the table has no column {shown(theirs)}; "
                f"{nearest(theirs, table.columns)}"
            )
    columns = dict(settings.columns)
    for ours, theirs in settings.columns.items():
        if f"baseline_{theirs}" in table:  # goes with the metric or factor
            columns.setdefault(f"baseline_{ours}", f"baseline_{theirs}")
    # a column that bears our name but is not the one mapped to it makes way
    shadowed = [ours for ours, theirs in columns.items() if theirs != ours]
    runs = table.drop(columns=[name for name in shadowed if name in table])
    for ours, theirs in columns.items():
        runs[ours] = table[theirs]
    for name in (*settings.factor_names, *settings.metric_names):
        if name not in runs:
            raise UserError(
                f"The table of runs has no column {name!r}; {nearest(name, runs.columns)} "
                f"Another name can be given as analysis.columns.{name}."
            )
    return runs


def _with_status(runs: pd.DataFrame) -> pd.DataFrame:
    if "status" not in runs:
        return runs.assign(status="ok")
    words = runs["status"].astype(str).str.lower()
    statuses = words.map(lambda word: TRACKERS_STATUSES.get(word, word))
    unknown = ~statuses.isin(STATUSES)
    if unknown.any():
        value = runs.loc[unknown, "status"].iloc[0]
        raise UserError(
            f"Column status, {row_of(unknown)}: {shown(value)} is not one of {', '.join(STATUSES)} "
            f"(or {', '.join(TRACKERS_STATUSES)})."
        )
    return runs.assign(status=statuses)


def _factor_values(runs: pd.DataFrame, name: str, scale: str) -> pd.Series:
    empty = runs[name].isna()
    if empty.any():
        raise UserError(f"Column {name}, {row_of(empty)}: empty; every run needs its factors.")
    if scale == "categorical":
        values = _levels(runs, name)
    else:
        values = numbers(runs, name)
        bad = values <= 0
        if scale != "linear" and bad.any():
            raise UserError(
                f"Column {name}, {row_of(bad)}: {values[bad].iloc[0]} has no logarithm, "
                f"but the factor's scale is {scale}."
            )
    if values.nunique() == 1:
        raise UserError(
            f"Column {name}: constant ({values.iloc[0]} in every run), so it has no effect to "
            "estimate; leave it out of factors or add runs at another level."
        )
    return values


def _levels(runs: pd.DataFrame, name: str) -> pd.Series:
    """The column as texts; raises where one could be mistaken within a term, or breaks a line."""
    values = runs[name].astype(str)
    for level in values.unique():
        if not level.isprintable() or set(level) & set(NO_LEVEL_HOLDS):
            wrong = f"holds one of {NO_LEVEL_HOLDS} or a control character"
        elif len(level) > LONGEST_LEVEL:
            wrong = f"has more than {LONGEST_LEVEL} characters"
        else:
            continue
        raise UserError(
            f"Column {name}, {row_of(values == level)}: {shown(level)} {wrong}; "
            "write the level otherwise."
        )
    return values


def _with_metrics(runs: pd.DataFrame, settings: Settings, notes: list[Note]) -> None:
    """Checks the metrics, and adds their differences to the baseline."""
    for status in NO_RESULT:
        without = runs[runs["status"] == status].to_dict("records")
        named = [words.run(row, settings.factors) for row in without]
        more = f" and {len(named) - 10} more" if len(named) > 10 else ""
        if named:
            notes.append(
                Note(
                    status,
                    f"{len(named)} of {len(runs)} runs {status} and enter no regression: "
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
    without_result = runs["status"].isin(NO_RESULT)
    for name in settings.metric_names:
        runs[name] = runs[name].astype(object).mask(without_result)
        runs[name] = numbers(runs, name).astype(float)
        missing = int((runs[name].isna() & ~without_result).sum())
        if missing:
            notes.append(
                Note(
                    "metrics",
                    f"missing in {missing} of {len(runs)} runs, which its regressions leave out.",
                    name,
                )
            )
        column = f"baseline_{name}"
        if column not in runs or runs[column].isna().all():
            notes.append(
                Note(
                    "relative framing",
                    "there is no column baseline_<metric>, so effects are not told "
                    "relative to the baseline.",
                    name,
                )
            )
            continue
        runs[column] = numbers(runs, column).astype(float)
        runs[f"delta_{name}"] = runs[name] - runs[column]


def _with_replicate_and_trajectory(
    runs: pd.DataFrame, settings: Settings, notes: list[Note]
) -> None:
    if "replicate" not in runs:
        runs["replicate"] = 0
        notes.append(
            Note(
                "replicate",
                "The table has no replicate column: every cell was run once, so there is no pure "
                "error to test the model against and no variation between replicates to report.",
            )
        )
    for column in ("replicate", "trajectory"):
        if column in runs and runs[column].isna().any():
            raise UserError(f"Column {column}, {row_of(runs[column].isna())}: empty.")
    numbered = pd.api.types.is_numeric_dtype(runs["replicate"])
    runs["replicate"] = (numbers if numbered else _levels)(runs, "replicate")
    if "trajectory" in runs:
        runs["trajectory"] = runs["trajectory"].astype(str)
        return
    subplot = settings.subplot_factor
    own = [name for name in (*settings.factor_names, "replicate") if name != subplot]
    parts = [f"{name}=" + runs[name].astype(str) for name in own]
    runs["trajectory"] = parts[0].str.cat(parts[1:], sep="/")
    if subplot is None:
        notes.append(
            Note(
                "trajectory",
                "The table has no trajectory column and epochs is no factor: every run counts as "
                "a training run of its own.",
            )
        )


def _refuse_repeated_runs(runs: pd.DataFrame, settings: Settings) -> None:
    columns = [*settings.factor_names, "replicate"]
    repeated = runs.duplicated(columns)
    if not repeated.any():
        return
    second = runs.index[repeated][0]
    same = (runs[columns] == runs.loc[second, columns]).all(axis=1)
    what = ", ".join(f"{column}={runs.loc[second, column]}" for column in columns)
    raise UserError(
        f"{row_of(runs.index == second)}: the run {what} is already in {row_of(same)}; "
        "remove one, or name the column that tells replicates apart in analysis.columns.replicate."
    )


def _baseline_values(runs: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """The baseline's own hyperparameters, from the table or else from the config."""
    values = dict(settings.baseline)
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
        own = values.get(factor.name, found[0])
        if own != found[0] and (factor.numeric or str(own) != found[0]):
            raise UserError(
                f"analysis.baseline.{factor.name}: {values[factor.name]}, but the table's column "
                f"{column} says {found[0]}; remove one of them."
            )
        if factor.scale in ("log10", "log2") and found[0] <= 0:
            raise UserError(f"Column {column}: {found[0]} has no logarithm.")
        values[factor.name] = found[0].item() if hasattr(found[0], "item") else found[0]
    return values


def _refuse_what_no_model_fits(runs: pd.DataFrame, settings: Settings) -> None:
    used = runs[runs[list(settings.metric_names)].notna().any(axis=1)]
    if used.empty:
        raise UserError(f"No run has any of {', '.join(settings.metric_names)}.")
    model = Model(codings(runs, settings, "absolute", {}), model_terms(settings))
    design = model.matrix(used)
    require_estimable(model, design, triangle_of(design))
