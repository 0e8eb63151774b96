"""The columns of factors: their levels, and which of them have a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis import words
from analysis.runs import structure, values
from analysis.runs.formula import Term, model_terms
from analysis.runs.settings import Settings
from analysis.runs.study import Note
from analysis.runs.values import natural_order, row_of
from analysis.variables import Factor
from common.errors import UserError
from common.messages import shown


def level_texts(runs: pd.DataFrame, name: str, notes: list[Note]) -> pd.Series:
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


def with_factor(
    runs: pd.DataFrame, factor: Factor, categorical: Sequence[str], notes: list[Note]
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


def without_constant_factors(
    runs: pd.DataFrame, settings: Settings, notes: list[Note]
) -> tuple[Settings, tuple[Term, ...] | None]:
    """Settings less the factors that the runs with a result do not vary, and the terms that the
    config asks for and that are left; None where it leaves the model open."""
    used = structure.with_result(runs, settings)
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
