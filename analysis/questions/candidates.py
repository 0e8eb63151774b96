"""The settings among which one may choose: where the fits know something, and that can be run.

They are the settings that were run and, between runs that differ in continuous factors alone, what
lies between these. So they are within the hull of the runs, at studied levels of categories and of
whole-number factors, and in no cell that was never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
import pandas as pd

from analysis.fit.coding import Coding, names_of
from analysis.fit.least_squares import Array, Fit

MOST_BETWEEN = 2000  # candidates between the runs
MOST_ENDS = 200  # of the runs of a group, those between which candidates are taken
STEPS = 19  # at most so many between two runs
PRECISION = 1e-6  # of the way from a point to a run, in the search for the best point


Rows = TypeVar("Rows", np.ndarray, pd.DataFrame)


@dataclass(frozen=True)
class Candidates:
    """Settings in natural units, one row each and one column a factor, with contrasts (k, p).

    The first ``run`` rows are the settings that were run. group (k,) numbers the combination of
    categories and whole numbers; no candidate has a leverage above ``highest_leverage``.
    """

    fit: Fit
    settings: pd.DataFrame
    contrasts: Array
    group: np.ndarray
    run: int
    highest_leverage: float

    def thinned(self, most: int) -> Array:
        """Contrasts of at most so many candidates: of the runs first, then evenly of the others."""
        run = _thinned(self.contrasts[: self.run], most)
        return np.vstack([run, _thinned(self.contrasts[self.run :], most - len(run))])

    def best(self, sign: int) -> pd.DataFrame:
        """The setting (one row) with the highest (sign 1) or the lowest (sign −1) fitted mean.

        The best candidate, improved by generating set search (Kolda, Lewis & Torczon 2003,
        section 8): all moves are part of the way to a run of the same group.
        """
        fitted = sign * self.contrasts @ self.fit.coefficients
        at = int(fitted.argmax())
        continuous = [coding for coding in self.fit.model.codings if is_continuous(coding)]
        ends = self.settings.iloc[: self.run][self.group[: self.run] == self.group[at]]
        best = self.settings.iloc[[at]].reset_index(drop=True)
        if not continuous or len(ends) < 2:
            return best
        ends = _coded(_thinned(ends, MOST_ENDS), continuous)
        point, value = _coded(best, continuous)[0], fitted[at]
        least_gain = 1e-9 * float(np.ptp(fitted))
        step = 0.5
        while step > PRECISION:
            moved = point + step * (ends - point)
            there = _at(best, continuous, moved)
            contrasts = self.fit.contrasts(there)
            values = sign * contrasts @ self.fit.coefficients
            values[leverage_of(self.fit, contrasts) > self.highest_leverage] = -np.inf
            top = int(values.argmax())
            if values[top] > value + least_gain:
                point, value, best = moved[top], values[top], there.iloc[[top]]
            else:
                step /= 2
        return best.reset_index(drop=True)


def candidates(fit: Fit, runs: pd.DataFrame) -> Candidates:
    """The candidates of a fit to ``runs``, one row a run with a column a factor."""
    codings = fit.model.codings
    run = runs[names_of(codings)].drop_duplicates().sort_values(names_of(codings))
    run = run.reset_index(drop=True)
    held = [coding.name for coding in codings if not is_continuous(coding)]
    group = run.groupby(held, sort=True).ngroup().to_numpy() if held else np.zeros(len(run), int)
    between, group_between = _between(run, group, codings)
    settings = pd.concat([run, between], ignore_index=True)
    contrasts = fit.contrasts(settings)
    leverage = leverage_of(fit, contrasts)
    highest = float(leverage[: len(run)].max()) * (1 + 1e-9)
    kept = leverage <= highest
    return Candidates(
        fit=fit,
        settings=settings[kept].reset_index(drop=True),
        contrasts=contrasts[kept],
        group=np.r_[group, group_between][kept],
        run=len(run),
        highest_leverage=highest,
    )


def is_continuous(coding: Coding) -> bool:
    """Whether values between the studied ones can be run: numeric, and not all whole numbers."""
    return coding.factor.numeric and any(level != round(level) for level in coding.levels)


def leverage_of(fit: Fit, contrasts: Array) -> Array:
    """x'(X'X)⁻¹x of contrasts (k, p), (k,)."""
    return ((contrasts @ fit.inverse_root) ** 2).sum(axis=1)


def _between(
    run: pd.DataFrame, group: np.ndarray, codings: Sequence[Coding]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Settings evenly between pairs of runs of a group, and their groups."""
    continuous = [coding for coding in codings if is_continuous(coding)]
    pairs: list[tuple[int, int]] = []
    if continuous:
        for number in np.unique(group):
            ends = _thinned(np.flatnonzero(group == number), MOST_ENDS)
            pairs += combinations(ends.tolist(), 2)
    if not pairs:
        return run.iloc[:0], group[:0]
    left, right = _thinned(np.array(pairs), MOST_BETWEEN).T
    steps = int(np.clip(MOST_BETWEEN // len(left), 1, STEPS))
    share = (np.arange(1, steps + 1) / (steps + 1))[:, None, None]
    coded = _coded(run, continuous)
    coded = (share * coded[left] + (1 - share) * coded[right]).reshape(-1, len(continuous))
    at = np.tile(left, steps)
    return _at(run.iloc[at], continuous, coded), group[at]


def _coded(settings: pd.DataFrame, continuous: Sequence[Coding]) -> Array:
    return np.column_stack([coding.code(settings[coding.name])[:, 0] for coding in continuous])


def _at(settings: pd.DataFrame, continuous: Sequence[Coding], coded: Array) -> pd.DataFrame:
    """``settings`` (one row, or k) with the continuous factors at coded values (k, factors)."""
    if len(settings) != len(coded):
        settings = settings.iloc[np.zeros(len(coded), dtype=int)]
    values = {
        coding.name: np.clip(coding.decode(column), *coding.limits)
        for coding, column in zip(continuous, coded.T, strict=True)
    }
    return settings.reset_index(drop=True).assign(**values)


def _thinned(rows: Rows, most: int) -> Rows:
    """At most so many of the rows of an array or table, evenly from all."""
    if len(rows) <= most:
        return rows
    at = np.linspace(0, len(rows) - 1, most).astype(int)
    return rows.iloc[at] if isinstance(rows, pd.DataFrame) else rows[at]
