"""Which factors matter for a metric, and how much: joint tests and the largest difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis import words
from analysis.findings import differences
from analysis.findings.finding import (
    ESTIMATORS,
    Finding,
    Tables,
    estimator_used,
    joint_tests,
    rounded,
    rows_of,
    shown,
    tested,
)
from analysis.findings.voice import voice_of
from analysis.fit.aliases import further_terms
from analysis.fit.coding import absolute_codings
from analysis.fit.terms import Column, columns_of
from analysis.questions.power import POWER
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric

TOLD = 0.5  # of another term's coefficient in an estimate, so that it is told beside the effect


def about_effects(
    tables: Tables, study: Study, settings: Settings, metric: Metric
) -> Iterator[Finding]:
    """One finding a factor, then one a pair of factors; what is shown first."""
    name = words.name(metric.name)
    tests = joint_tests(tables, metric, "factor")
    if tests.empty:
        sentence = f"Nothing could be tested on {name} in this table."
        if metric.name in study.determined:
            sentence = (
                f"The settings determine {name} exactly, so there is no error to judge effects by: "
                "it has no regression and no p-values."
            )
        yield Finding("effects", metric.name, "not_estimated", False, sentence)
        return
    used = estimator_used(tables, metric)
    if used is not None and used != "split_plot":
        yield Finding(
            "effects",
            metric.name,
            "estimator",
            False,
            f"The split-plot estimator is not available for {name}; its findings rest on "
            f"{ESTIMATORS[used]}.",
        )
    yield _together(tables, settings, metric)
    for _, row in tests.sort_values("p_value").iterrows():
        found = _of_factor(tables, settings, metric, row)
        yield _with_aliases(found, aliased_with(tables, study, settings, metric, row["tested"]))
    for _, row in joint_tests(tables, metric, "pair").sort_values("p_value").iterrows():
        found = _of_pair(settings, metric, row)
        yield _with_aliases(found, aliased_with(tables, study, settings, metric, row["tested"]))


def _with_aliases(found: Finding, aliased: list[str]) -> Finding:
    """The finding about a factor or a pair, which says what else its estimate has in it."""
    if not aliased:
        return found
    subject = " × ".join(words.name(name) for name in found.about.split(":"))
    sentence = (
        f"{found.sentence} In these runs {subject} is aliased with {words.listed(aliased)}: what "
        "that does, if anything, is part of this estimate."
    )
    return replace(found, sentence=sentence)


def _together(tables: Tables, settings: Settings, metric: Metric) -> Finding:
    """Does anything matter?"""
    name = words.name(metric.name)
    row = joint_tests(tables, metric, "global").iloc[0]
    if pd.isna(row["p_value"]):
        sentence = f"Whether anything studied matters for {name} could not be tested."
        return Finding("effects", metric.name, "global", False, sentence)
    sure = bool(row["p_value"] < settings.alpha)
    voice = voice_of(settings)
    verdict = f"{name} {voice.depends}" if sure else f"{name}: {voice.no_effect}"
    sentence = f"{words.sentence_case(verdict)} the factors taken together ({tested(row)})."
    return Finding("effects", metric.name, "global", sure, sentence)


def _of_factor(tables: Tables, settings: Settings, metric: Metric, row: pd.Series) -> Finding:
    """Does this factor matter, and how much?"""
    name, factor = words.name(metric.name), row["tested"]
    on_average = differences.average(tables, metric, factor)
    where_largest = differences.largest(tables, settings, metric, factor)
    numbers: dict[str, Any] = {"about": factor}
    size = ""
    if on_average is not None:
        numbers |= {
            "estimate": on_average.estimate,
            "ci_low": on_average.ci_low,
            "ci_high": on_average.ci_high,
        }
        size = (
            f" On average over the settings that were run it is "
            f"{differences.told(on_average, metric, settings)}."
        )
    if pd.isna(row["p_value"]):
        sentence = (
            f"Whether {name} {voice_of(settings).depends} {words.name(factor)} could not be tested "
            "(the notes at the end say why)."
        )
        return Finding("effects", metric.name, "not_tested", False, sentence, about=factor)
    if row["q_value"] < settings.alpha:
        if where_largest is not None and row["tested"] in _interacting(tables, settings, metric):
            place = words.setting(where_largest.place, settings.factors)
            size += (
                f" The difference is largest at {place}: "
                f"{differences.told(where_largest, metric, settings)}."
            )
        sentence = (
            f"{words.sentence_case(name)} {voice_of(settings).depends} {words.name(factor)} "
            f"({tested(row)}).{size}"
        )
        return Finding("effects", metric.name, "effect", True, sentence, **numbers)
    kind = "no_effect"
    lead = f"{words.sentence_case(name)}: {voice_of(settings).no_effect} {words.name(factor)}"
    if row["p_value"] < settings.alpha:
        kind = "indication"
        lead = f"Only an indication that {name} {voice_of(settings).depends} {words.name(factor)}"
        lead += ", since q allows for the number of factors"
    size_found = smallest_found(tables, metric, [factor])
    seen = ""
    if pd.notna(size_found):
        found = rounded(size_found, metric)
        seen = f" A difference of {found} would have been found {words.times(POWER)}."
    return Finding(
        "effects", metric.name, kind, False, f"{lead} ({tested(row)}).{size}{seen}", **numbers
    )


def aliased_columns(
    tables: Tables, study: Study, settings: Settings, metric: Metric
) -> dict[Column, list[Column]]:
    """By column of the model those of further terms of which half the coefficient or more would be
    in its estimate; without columns that have none."""
    rows = rows_of(tables, "aliases", metric=metric.name)
    rows = rows[rows["share"].abs() >= TOLD] if len(rows) else rows
    if rows.empty:
        return {}
    coded = absolute_codings(study, settings, metric.name)
    terms = study.terms[metric.name]
    known = {
        c.name: c for c in columns_of((*terms, *further_terms(settings.factors, terms)), coded)
    }
    found: dict[Column, list[Column]] = {}
    for _, row in rows.iterrows():
        found.setdefault(known[row["term"]], []).append(known[row["alias"]])
    return found


def aliased_with(
    tables: Tables, study: Study, settings: Settings, metric: Metric, about: str
) -> list[str]:
    """The terms, as texts, that the test of a factor or a pair ("a:b") would also show.

    Those in its main effect, or in the product of the pair; and in its other terms those without
    it: of its square, say, the square of another factor.
    """
    tested, found = set(about.split(":")), list[Column]()
    for column, aliases in aliased_columns(tables, study, settings, metric).items():
        if tested <= _factors(column):
            lowest = column.term.degree == len(tested)
            found += [each for each in aliases if lowest or not tested <= _factors(each)]
    return [words.term(column.parts) for column in dict.fromkeys(found)]


def _factors(column: Column) -> set[str]:
    return {name for name, _ in column.term.powers}


def _of_pair(settings: Settings, metric: Metric, row: pd.Series) -> Finding:
    """Does one factor's difference depend on another factor?"""
    name = words.name(metric.name)
    one, other = (words.name(part) for part in row["tested"].split(":"))
    subject = f"differences in {name} between levels of {one} vary with {other}"
    about = row["tested"]
    if pd.isna(row["p_value"]):
        sentence = f"Whether {subject} could not be tested (the notes at the end say why)."
        return Finding("interactions", metric.name, "not_tested", False, sentence, about)
    if row["q_value"] < settings.alpha:
        sentence = f"{words.sentence_case(subject)} ({tested(row)})."
        return Finding("interactions", metric.name, "interaction", True, sentence, about)
    if row["p_value"] < settings.alpha:
        sentence = (
            f"Only an indication that {subject}, since q allows for the number of pairs "
            f"({tested(row)})."
        )
        return Finding("interactions", metric.name, "indication", False, sentence, about)
    sentence = f"No detectable interaction of {one} and {other} in {name} ({tested(row)})."
    return Finding("interactions", metric.name, "no_interaction", False, sentence, about)


def _interacting(tables: Tables, settings: Settings, metric: Metric) -> set[str]:
    """The factors in pairs that are shown to interact."""
    return {part for pair in shown(tables, settings, metric, "pair") for part in pair.split(":")}


def smallest_found(tables: Tables, metric: Metric, factors: list[str]) -> float:
    """The difference between two levels of any of these factors that the runs would have shown
    with probability POWER; nan where it is not known."""
    power = rows_of(tables, "power", metric=metric.name)
    if power.empty:
        return float("nan")
    return float(power.set_index("factor")["smallest_difference"].reindex(factors).max())
