"""How the runs of a table hang together: trajectories, repeats, blocks, who chose the settings."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import pandas as pd

from analysis.runs.settings import Settings

# A metric is a function of the settings if runs in random order would hardly ever agree so well.
CHANCE_OF_EQUAL = 1e-3


def with_result(runs: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The runs that have any of the metrics."""
    return runs[runs[list(settings.metric_names)].notna().any(axis=1)]


def factors_within(runs: pd.DataFrame, factors: Sequence[str]) -> tuple[str, ...]:
    """The sub-plot factors: those that vary within a trajectory."""
    if runs["trajectory"].is_unique:
        return ()
    most = runs.groupby("trajectory", sort=False)[list(factors)].nunique(dropna=False).max()
    return tuple(name for name in factors if most[name] > 1)


def trajectories(runs: pd.DataFrame, settings: Settings, share_epochs: bool) -> pd.Series:
    """A name of the training run that each run is a part of, where the table does not give one.

    Runs that differ in epochs alone are one training run if ``share_epochs``; of runs that are
    repeated, each is one.
    """
    shared = ["epochs"] if share_epochs and "epochs" in settings.factor_names else []
    own = [name for name in (*settings.factor_names, "replicate") if name not in shared]
    parts = [f"{name}=" + runs[name].map(str) for name in own]
    named = parts[0].str.cat(parts[1:], sep="/")
    again = runs.groupby([*own, *shared], dropna=False, sort=False).cumcount()
    return named.where(again == 0, named + "/run=" + (again + 1).astype(str))


def replicates_cross(runs: pd.DataFrame, whole_plot: Sequence[str]) -> bool:
    """Whether two replicates at least are each used for more than one of the whole-plot settings.

    Labels that are unique to a setting tell nothing about what its runs have in common with others.
    """
    settings = runs.groupby(list(whole_plot), dropna=False, sort=False).ngroup()
    used = settings.groupby(runs["replicate"]).nunique()
    return int((used > 1).sum()) > 1


def is_full_grid(runs: pd.DataFrame, factors: Sequence[str]) -> bool:
    """Whether every combination of the factors' levels was run: somebody assigned the settings.

    Of one factor alone every level has to be there equally often.
    """
    counts = runs.groupby(list(factors), dropna=False, sort=False).size()
    complete = len(counts) == prod(runs[name].nunique(dropna=False) for name in factors)
    return complete and (len(factors) > 1 or counts.nunique() == 1)


def is_determined(values: pd.Series, runs: pd.DataFrame, factors: Sequence[str]) -> bool:
    """Whether a metric (no missing values) is an exact function of one factor, or of them all.

    Runs with the same levels have the same value then; that they do by chance, where few different
    values were measured, is ruled out by how often any two runs have one.
    """
    values = values.astype(float)
    size = float(values.abs().max())
    rounded = (values / size).round(12) if size > 0 else values
    share = rounded.value_counts(normalize=True).to_numpy()
    equal = float((share**2).sum())
    for chosen in (*([name] for name in factors), list(factors)):
        cells = runs.loc[values.index].groupby(chosen, dropna=False, sort=False).ngroup()
        repeated = len(cells) - cells.nunique()
        constant_in_cells = int(rounded.groupby(cells.to_numpy()).nunique().max()) == 1
        if constant_in_cells and equal**repeated < CHANCE_OF_EQUAL:
            return True
    return False


def existing_under(
    runs: pd.DataFrame, name: str, categorical: Sequence[str]
) -> tuple[str, tuple[str, ...]] | None:
    """The categorical factor, and its levels, under which alone this one has values."""
    blank = runs[name].isna()
    for parent in categorical:
        if parent == name:
            continue
        present = set(runs.loc[~blank, parent].dropna())
        absent = set(runs.loc[blank, parent].dropna())
        if present and absent and not present & absent and runs[parent].notna().all():
            return parent, tuple(sorted(present))
    return None
