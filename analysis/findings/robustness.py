"""Which conclusions rest on one run, trajectory or block, or on how the analysis is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from analysis import words
from analysis.findings.finding import (
    ESTIMATORS,
    Finding,
    Tables,
    estimator_used,
    rows_of,
)
from analysis.findings.voice import voice_of
from analysis.fit.terms import INTERCEPT, Column, are_blocks, columns_by_name
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric


def about_robustness(tables: Tables, study: Study, settings: Settings) -> Iterator[Finding]:
    alone = rows_of(tables, "notes", topic="trajectories").to_dict("records")
    for number, note in enumerate(alone):
        kind = "also_rests_on_one" if number else "rests_on_one"
        yield Finding("robustness", "", kind, False, note["sentence"])
    depends = voice_of(settings).depends
    unmoved: list[str] = []
    varied: list[pd.Series] = []
    any_shown = False
    for metric in settings.metrics:
        rows = rows_of(tables, "stability", metric=metric.name)
        changed = list(_changes(rows, metric, depends)) if len(rows) else []
        yield from changed
        if len(rows) and not changed:
            unmoved.append(words.name(metric.name))
            varied.append(rows["variation"])
            any_shown |= bool(rows["matters"].any())
    if unmoved and (conditions := _under_all(varied, any_shown)):
        names = words.listed(unmoved)
        sentence = (
            f"The factors shown for {names} are the same {conditions}."
            if any_shown
            else f"No factor is shown for {names}, and none would be {conditions}."
        )
        kind = "nothing_changes" if len(unmoved) == len(settings.metrics) else "some_unchanged"
        yield Finding("robustness", "", kind, False, sentence)
    columns = columns_by_name(study, settings)
    for metric in settings.metrics:
        yield from _single_terms(tables, settings, metric, columns)


def _under_all(varied: list[pd.Series], any_shown: bool) -> str:
    """``without any one run or replicate, and in every other possible analysis``, or ``…, or in
    any other …`` of what is not shown: what was varied of all of several metrics, whose kinds of
    variations are given; empty where nothing was."""
    kinds = [kind for kind in varied[0].unique() if all(kind in set(each) for each in varied)]
    left_out = [words.name(kind) for kind in kinds if kind != "analysis"]
    parts = [f"without any one {words.listed(left_out, last='or')}"] if left_out else []
    every = "every" if any_shown else "any"
    parts += [f"in {every} other possible analysis"] if "analysis" in kinds else []
    return (", and " if any_shown else ", or ").join(parts)


def _changes(rows: pd.DataFrame, metric: Metric, depends: str) -> Iterator[Finding]:
    """One finding a variation that changes which factors are shown: first what is left out, then
    other analyses, each with what changes most first.

    The first is for page 1.
    """
    flips = rows[~rows["agrees"].astype(bool)]
    groups = flips.groupby(["variation", "name"], sort=False)
    found = sorted(groups, key=lambda group: (group[0][0] == "analysis", -len(group[1])))
    for number, ((variation, name), group) in enumerate(found):
        matters = group["matters"].astype(bool)
        gained = [words.name(factor) for factor in group.loc[matters, "factor"]]
        lost = [words.name(factor) for factor in group.loc[~matters, "factor"]]
        parts = [f"also {depends} {words.listed(gained)}"] if gained else []
        parts += [f"no longer {depends} {words.listed(lost)}"] if lost else []
        yield Finding(
            "robustness",
            metric.name,
            "also_changes" if number else "one_decides",
            False,
            f"{under(variation, name)}, {words.name(metric.name)} {words.listed(parts)}.",
            about=name,
        )


def under(variation: str, name: str) -> str:
    """``Without replicate 1``, ``With degree 1``, of a row of stability.csv."""
    if variation == "analysis":
        return f"With {name}"
    the = "the " if variation in ("run", "trajectory") else ""
    return f"Without {the}{variation} {name}"


def _single_terms(
    tables: Tables, settings: Settings, metric: Metric, columns: Mapping[str, Column]
) -> Iterator[Finding]:
    for estimator, terms in dissent(tables, settings, metric).items():
        yield Finding(
            "robustness",
            metric.name,
            "estimators_disagree",
            False,
            f"Of single terms for {words.name(metric.name)}, {ESTIMATORS[estimator]} would judge "
            f"{words.listed([words.term(columns[t].parts) for t in terms])} differently.",
        )


def dissent(tables: Tables, settings: Settings, metric: Metric) -> dict[str, list[str]]:
    """The estimators that conclusions do not rest on, and the terms they judge otherwise.

    To judge a term is to find its q below alpha or not. Estimators that judge every term alike are
    left out.
    """
    rows = rows_of(tables, "coefficients", metric=metric.name, framing="absolute")
    if rows.empty:
        return {}
    rows = rows[(rows["term"] != INTERCEPT.name) & ~are_blocks(rows["term"], settings)]
    found = rows["q_value"] < settings.alpha
    verdicts = found.groupby([rows["estimator"], rows["term"]]).first().unstack("estimator")
    verdicts = verdicts.reindex(rows["term"].unique()).dropna()
    used = verdicts[estimator_used(tables, metric)]
    others = {e: verdicts.index[verdicts[e] != used] for e in ESTIMATORS if e in verdicts}
    return {estimator: list(terms) for estimator, terms in others.items() if len(terms)}
