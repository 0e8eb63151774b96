"""Which conclusions depend on how the analysis is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from analysis import words
from analysis.findings.finding import (
    ESTIMATORS,
    Finding,
    Tables,
    conclusive,
    estimator_used,
    rows_of,
    significant,
)
from analysis.fit.terms import INTERCEPT, Column, are_blocks, columns_by_name
from analysis.runs.settings import Metric, Settings
from analysis.runs.study import Study


def about_robustness(tables: Tables, study: Study, settings: Settings) -> Iterator[Finding]:
    columns = columns_by_name(study, settings)
    yield from _effects_in_variants(tables, settings, columns)
    for metric in settings.metrics:
        name = words.name(metric.name)
        for estimator, terms in dissent(tables, settings, metric).items():
            yield Finding(
                "robustness",
                metric.name,
                "estimators_disagree",
                False,
                f"An analysis by {ESTIMATORS[estimator]} leads to different conclusions about the "
                f"effect on {name} of "
                f"{words.listed([words.term(columns[t].parts) for t in terms])}.",
            )
        rows = _variants(tables, metric)
        if rows.empty:
            continue
        flips = rows[~rows["agrees"].astype(bool)]
        total = rows["variant"].nunique()
        if flips.empty:
            sentence = (
                f"The conclusions on {name} are the same in all {total} variants of the analysis."
            )
        else:
            changed = [f"{term} ({names})" for term, names in _by_term(flips, columns)]
            sentence = (
                f"On {name}, conclusions that change in at least one of {total} variants of the "
                f"analysis (by p < {settings.alpha:g}): {words.listed(changed)}."
            )
        yield Finding(
            "robustness", metric.name, "flips" if len(flips) else "stable", False, sentence
        )


def _effects_in_variants(
    tables: Tables, settings: Settings, columns: Mapping[str, Column]
) -> Iterator[Finding]:
    """Whether the effects called significant are there however the analysis is done."""
    called, lost = False, []
    for metric in settings.metrics:
        rows, variants = conclusive(tables, settings, metric), _variants(tables, metric)
        if rows.empty or variants.empty:
            continue
        terms = rows.loc[significant(rows, settings.alpha), "term"]
        called = called or len(terms) > 0
        doubted = variants[variants["term"].isin(terms) & ~variants["agrees"].astype(bool)]
        name = words.name(metric.name)
        lost += [f"{term} on {name} ({names})" for term, names in _by_term(doubted, columns)]
    if lost:
        told = f"Significant effects that a variant of the analysis loses: {words.listed(lost)}."
        yield Finding("robustness", "", "effects_lost", False, told)
    elif called:
        told = "No variant of the analysis loses a significant effect."
        yield Finding("robustness", "", "effects_kept", False, told)


def _variants(tables: Tables, metric: Metric) -> pd.DataFrame:
    """The metric's conclusions that a variant of the analysis could draw."""
    rows = rows_of(tables, "conclusions", metric=metric.name)
    return rows[rows["agrees"].notna()] if len(rows) else rows


def _by_term(rows: pd.DataFrame, columns: Mapping[str, Column]) -> list[tuple[str, str]]:
    """Each term as it is written, with the names of its variants."""
    groups = rows.groupby("term", sort=False)["variant"]
    return [
        (words.term(columns[term].parts), words.listed(list(dict.fromkeys(names))))
        for term, names in groups
    ]


def dissent(tables: Tables, settings: Settings, metric: Metric) -> dict[str, list[str]]:
    """The estimators that conclusions do not rest on, and the terms they judge otherwise.

    To judge is to call significant or not. Estimators that judge every term alike are left out.
    """
    rows = rows_of(tables, "coefficients", metric=metric.name, framing="absolute")
    if rows.empty:
        return {}
    rows = rows[(rows["term"] != INTERCEPT.name) & ~are_blocks(rows["term"], settings)]
    verdicts = significant(rows, settings.alpha).groupby([rows["estimator"], rows["term"]])
    verdicts = verdicts.first().unstack("estimator").reindex(rows["term"].unique()).dropna()
    used = verdicts[estimator_used(tables, metric)]
    others = {e: verdicts.index[verdicts[e] != used] for e in ESTIMATORS if e in verdicts}
    return {estimator: list(terms) for estimator, terms in others.items() if len(terms)}
