"""The table of runs: read, checked, and made uniform whatever tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.runs import structure, values
from analysis.runs.formula import Term, model_terms
from analysis.runs.settings import Settings, implied_bounds
from analysis.runs.study import Note, Study
from analysis.runs.values import any_numbers, natural_order, numbers, row_of
from analysis.variables import Factor, Metric
from common.errors import UserError
from common.messages import nearest, shown

STATUSES = ("ok", "diverged", "failed", "stopped_early", "pruned")
NO_RESULT = ("diverged", "failed", "pruned")  # what such a run logged is not a finished one's
# What Weights & Biases, MLflow, Optuna, Keras Tuner and Ray Tune call these, in lower case.
TRACKERS_STATUSES = {
    **dict.fromkeys(("finished", "complete", "completed", "succeeded", "terminated"), "ok"),
    **dict.fromkeys(("crashed", "fail", "error", "killed", "invalid", "preempted"), "failed"),
}
UNFINISHED = ("running", "waiting", "pending", "queued", "scheduled", "paused", "idle")
SECONDS = ("s", "seconds")  # units of a metric whose values may be written as durations

Notes = list[Note]


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
    notes: Notes = []
    runs = _renamed(table.reset_index(drop=True), settings)
    if runs.empty:
        raise UserError("The table of runs has no rows.")
    runs = _with_status(runs, notes)
    histories = pd.DataFrame() if histories is None else histories
    _with_numbers(runs, settings)
    settings = replace(
        settings,
        metrics=tuple(_with_metric(runs, histories, m, notes) for m in settings.metrics),
    )
    _with_deltas(runs, settings, notes)

    categorical = [factor.name for factor in settings.factors if not factor.numeric]
    for name in (*categorical, *(settings.blocks or ())):
        runs[name] = _level_texts(runs, name, notes)
    factors = tuple(_with_factor(runs, f, categorical, notes) for f in settings.factors)
    settings = replace(settings, factors=factors)
    _note_runs_without_result(runs, settings, notes)
    settings, terms = _without_constant_factors(runs, settings, notes)
    settings = _with_structure(runs, settings, bool(provenance), notes)

    baseline = _baseline_values(runs, settings)
    missing = [f.name for f in settings.factors if f.numeric and f.name not in baseline]
    if missing and any(f"delta_{name}" in runs for name in settings.metric_names):
        notes.append(
            Note(
                "relative framing",
                f"The baseline's own {', '.join(missing)} is not known, so nothing is told "
                "relative to it; give it in analysis.baseline.",
            )
        )
    return Study(
        runs=runs,
        settings=settings,
        terms={} if terms is None else dict.fromkeys(settings.metric_names, terms),
        determined=_determined(runs, settings),
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


def _with_status(runs: pd.DataFrame, notes: Notes) -> pd.DataFrame:
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
        notes.append(
            Note(
                "unfinished",
                f"{unfinished.sum()} of {len(runs)} runs had not ended when the table was written "
                "and are left out.",
            )
        )
    return runs.assign(status=statuses)[~unfinished]


def _with_numbers(runs: pd.DataFrame, settings: Settings) -> None:
    """Reads the columns of metrics and numeric factors, all before any of them is changed."""
    read = {}
    for metric in settings.metrics:
        duration = metric.unit in SECONDS
        runs[metric.name] = runs[metric.name].astype(object).mask(runs["status"].isin(NO_RESULT))
        read[metric.name] = any_numbers(runs, metric.name, duration=duration).astype(float)
        baseline = f"baseline_{metric.name}"
        if baseline in runs and runs[baseline].notna().any():
            read[baseline] = numbers(runs, baseline, duration=duration).astype(float)
    for factor in settings.factors:
        if factor.numeric:
            read[factor.name] = numbers(runs, factor.name)
    if "seconds" in runs and "seconds" not in settings.metric_names:
        read["seconds"] = numbers(runs, "seconds", duration=True)
    for name, column in read.items():
        runs[name] = column


def _with_metric(
    runs: pd.DataFrame, histories: pd.DataFrame, metric: Metric, notes: Notes
) -> Metric:
    """The metric with the bounds that hold in this table; its columns in its unit, and finite."""
    name, baseline = metric.name, f"baseline_{metric.name}"
    infinite = np.isinf(runs[name])
    runs.loc[infinite, "status"] = "diverged"
    runs[name] = runs[name].mask(infinite)
    columns = [name]
    if baseline in runs and runs[baseline].notna().any():
        columns.append(baseline)
    if metric.unit == "points":
        for column in columns:
            _as_proportion(runs, column, notes)
        if name in histories and histories[name].median() > 1:
            histories[name] /= 100
    low, high = metric.bounds
    for column in columns:
        beyond = (runs[column] < low) | (runs[column] > high)
        if not beyond.any():
            continue
        if metric.bounds != implied_bounds(name, metric.unit):
            raise UserError(
                f"Column {column}, {row_of(beyond)}: {runs.loc[beyond, column].iloc[0]} is outside "
                f"analysis.metrics.{name}.bounds ({low:g} to {high:g}); correct one of them."
            )
        metric = replace(metric, bounds=(-np.inf, np.inf))  # a loss that may be negative
        break
    if metric.transform is not None:
        _require_transformable(runs, metric)
    return metric


def _as_proportion(runs: pd.DataFrame, column: str, notes: Notes) -> None:
    """Divides percentages by 100; raises where a column is neither these nor proportions."""
    found = runs[column].dropna()
    if found.empty or found.between(0, 1).all():
        return
    if found.between(0, 100).all() and found.median() > 1:
        runs[column] /= 100
        notes.append(
            Note(
                "metrics",
                f"the column {column} has values above 1, up to {found.max():.4g}, though it is a "
                "proportion; they are read as percentages.",
                column.removeprefix("baseline_"),
            )
        )
        return
    wrong = ~runs[column].between(0, 1) & runs[column].notna()
    raise UserError(
        f"Column {column}, {row_of(wrong)}: {runs.loc[wrong, column].iloc[0]} is no proportion "
        "(0 to 1), nor are the column's values percentages; write unit: '' or the unit it has "
        "in place of unit: points."
    )


def _require_transformable(runs: pd.DataFrame, metric: Metric) -> None:
    low, high = metric.bounds if metric.transform == "logit" else (0.0, np.inf)
    at = (runs[metric.name] <= low) | (runs[metric.name] >= high)
    if at.any():
        raise UserError(
            f"Column {metric.name}, {row_of(at)}: {runs.loc[at, metric.name].iloc[0]} has no "
            f"{metric.transform}; leave analysis.metrics.{metric.name}.transform out."
        )


def _with_deltas(runs: pd.DataFrame, settings: Settings, notes: Notes) -> None:
    """Takes the metrics from runs that gave no result, adds their differences to the baseline."""
    without_result = runs["status"].isin(NO_RESULT)
    for name in settings.metric_names:
        runs[name] = runs[name].mask(without_result)
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
                    "there is no column baseline_<metric>, so nothing is told "
                    "relative to the baseline.",
                    name,
                )
            )
            continue
        runs[f"delta_{name}"] = runs[name] - runs[column]


def _level_texts(runs: pd.DataFrame, name: str, notes: Notes) -> pd.Series:
    """A category's levels as texts; what could be a slip of the pen is noted."""
    texts = values.levels(runs[name])
    known = natural_order(texts.dropna().unique())
    alike: dict[str, list[str]] = {}
    for level in known:
        alike.setdefault(level.strip().casefold(), []).append(level)
    pairs = [" and ".join(map(shown, group)) for group in alike.values() if len(group) > 1]
    if pairs:
        notes.append(
            Note(
                "levels",
                f"{words.name(name)}: {words.listed(pairs)} are levels of their own, though they "
                "differ in case or blanks alone; write them alike if they are one.",
            )
        )
    written = runs[name].dropna().map(str).unique()
    merged = [shown(text) for text in written if values.is_number(text) and text not in known]
    if merged:
        notes.append(
            Note(
                "levels",
                f"{words.name(name)}: {words.listed(merged)} counts as the level that is the "
                "same number.",
            )
        )
    return texts


def _with_factor(
    runs: pd.DataFrame, factor: Factor, categorical: Sequence[str], notes: Notes
) -> Factor:
    """Checks a factor's values; the factor, with the levels of another under which it exists."""
    name = factor.name
    if factor.numeric:
        bad = runs[name] <= 0
        if factor.scale != "linear" and bad.any():
            value = runs.loc[bad, name].iloc[0]
            apart = (
                f"; or leave {name} empty there, beside a categorical factor that tells whether it "
                "is zero"
                if value == 0
                else ""
            )
            raise UserError(
                f"Column {name}, {row_of(bad)}: {value} has no logarithm, but the factor's scale "
                f"is {factor.scale}; write scale: linear or categorical{apart}."
            )
    blank = runs[name].isna()
    if blank.any():
        within = structure.existing_under(runs, name, categorical)
        if within is not None:
            notes.append(
                Note(
                    "levels",
                    f"{words.name(name)} has values only where {words.name(within[0])} is "
                    f"{words.listed(list(within[1]))}, and is analysed there.",
                )
            )
            factor = replace(factor, within=within)
        elif factor.numeric:
            raise UserError(
                f"Column {name}, {row_of(blank)}: empty; every run needs its factors, unless one "
                "exists only under certain levels of a categorical factor and is empty under the "
                "others."
            )
        else:
            runs[name] = runs[name].fillna(values.BLANK)
            notes.append(
                Note(
                    "levels",
                    f"{words.name(name)} is empty in {words.count(int(blank.sum()), 'run')}; that "
                    f"counts as a level of its own, {values.BLANK}.",
                )
            )
    if runs[name].dropna().nunique() == 1 and factor.within is None:
        raise UserError(
            f"Column {name}: constant ({runs[name].iloc[0]} in every run), so it has no effect to "
            "estimate; leave it out of factors or add runs at another level."
        )
    if runs[name].isna().all():
        raise UserError(f"Column {name}: empty in every run; leave it out of factors.")
    return factor


def _note_runs_without_result(runs: pd.DataFrame, settings: Settings, notes: Notes) -> None:
    for status in NO_RESULT:
        without = runs[runs["status"] == status].to_dict("records")
        named = [words.run(row, settings.factors) for row in without]
        more = f" and {len(named) - 10} more" if len(named) > 10 else ""
        if named:
            verb = "were pruned" if status == "pruned" else status
            notes.append(
                Note(
                    status,
                    f"{len(named)} of {len(runs)} runs {verb} and enter no regression: "
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


def _with_result(runs: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    return runs[runs[list(settings.metric_names)].notna().any(axis=1)]


def _without_constant_factors(
    runs: pd.DataFrame, settings: Settings, notes: Notes
) -> tuple[Settings, tuple[Term, ...] | None]:
    """Settings less the factors that the runs with a result do not vary, and the terms that the
    config asks for and that are left; None where it leaves the model open."""
    used = _with_result(runs, settings)
    if used.empty:
        raise UserError(f"No run has any of {', '.join(settings.metric_names)}.")
    kept = []
    for factor in settings.factors:
        have = set(used[factor.name].dropna())
        lost = natural_order(set(runs[factor.name].dropna()) - have)
        if factor.numeric and have:  # a level between others is studied all the same
            lost = tuple(level for level in lost if not min(have) <= level <= max(have))
        if lost:
            notes.append(Note("levels", _lost_levels(runs, factor, lost)))
        if len(have) > 1:
            kept.append(factor)
        else:
            left = words.level(next(iter(have)), factor.scale) if have else "none"
            notes.append(
                Note(
                    "levels",
                    f"{words.name(factor.name)} is {left} in every run with a result, so nothing "
                    "can be said of it; the rest is analysed.",
                )
            )
    if not kept:
        raise UserError("No factor has two levels among the runs with a result.")
    names = {factor.name for factor in kept}
    terms = None
    if settings.degree is not None or settings.formula is not None:
        asked = model_terms(settings)
        terms = tuple(term for term in asked if {name for name, _ in term.powers} <= names)
        if not terms:
            raise UserError("No term of the model is left for the runs with a result.")
    return replace(settings, factors=tuple(kept)), terms


def _lost_levels(runs: pd.DataFrame, factor: Factor, lost: Sequence[Any]) -> str:
    of_them = runs[runs[factor.name].isin(lost)]["status"]
    why = [
        f"{words.count(int(count), 'run')} {status.replace('_', ' ')}"
        for status, count in of_them[of_them != "ok"].value_counts(sort=False).items()
    ]
    levels = words.listed([words.level(level, factor.scale) for level in lost])
    because = f" ({', '.join(why)})" if why else ""
    return (
        f"{words.name(factor.name)}: no run with {levels} has a result{because}, so "
        f"{'this level is' if len(lost) == 1 else 'these levels are'} not analysed."
    )


def _with_structure(
    runs: pd.DataFrame, settings: Settings, from_study: bool, notes: Notes
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
        grid = any(
            structure.is_full_grid(each, settings.factor_names)
            for each in (runs, _with_result(runs, settings))
        )
        observational = not (from_study or grid)
    if "trajectory" in runs:
        runs["trajectory"] = runs["trajectory"].astype(str)
    else:
        runs["trajectory"] = structure.trajectories(runs, settings, not observational)
        if "epochs" not in settings.factor_names or observational:
            notes.append(
                Note(
                    "trajectory",
                    "The table has no trajectory column, so every run counts as a training run of "
                    "its own.",
                )
            )
    used = _with_result(runs, settings)
    within = structure.factors_within(used, settings.factor_names)
    whole_plot = [name for name in settings.factor_names if name not in within]
    repeated = int(used.duplicated([*settings.factor_names, *(settings.blocks or ())]).sum())
    declared = settings.blocks is not None
    is_block = (
        "replicate" in settings.blocks
        if settings.blocks is not None
        else bool(whole_plot) and structure.replicates_cross(used, whole_plot)
    )
    if not is_block:
        if given and not declared and used["replicate"].nunique() > 1:
            named = settings.columns.get("replicate", "replicate")
            notes.append(
                Note(
                    "replicate",
                    f"The labels in the column {named} are not each used for several settings, so "
                    "they are no block: they tell runs apart, not what runs have in common.",
                )
            )
        if given:
            runs["run_label"] = runs["replicate"]
        runs["replicate"] = 0
    if repeated == 0:
        notes.append(
            Note(
                "replicate",
                "Every setting was run once, so there is no pure error to test the model against "
                "and no variation between replicates to report.",
            )
        )
    return replace(settings, observational=observational)


def _determined(runs: pd.DataFrame, settings: Settings) -> frozenset[str]:
    return frozenset(
        name
        for name in settings.metric_names
        if runs[name].nunique() > 1
        and structure.is_determined(runs[name].dropna(), runs, settings.factor_names)
    )


def _baseline_values(runs: pd.DataFrame, settings: Settings) -> dict[str, Any]:
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
