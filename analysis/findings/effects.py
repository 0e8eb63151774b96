"""Which terms have an effect, and how large."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import (
    ESTIMATORS,
    Finding,
    Tables,
    conclusive,
    estimator_used,
    interval_of,
    percent,
    rows_of,
    significant,
)
from analysis.findings.translation import Effect, Translator
from analysis.fit.terms import INTERCEPT
from analysis.runs.settings import Metric, Settings
from analysis.runs.study import Study


def about_effects(
    tables: Tables, study: Study, settings: Settings, metric: Metric
) -> Iterator[Finding]:
    rows = conclusive(tables, settings, metric)
    rows = rows[rows["term"] != INTERCEPT.name] if len(rows) else rows
    name, used = words.name(metric.name), estimator_used(tables, metric)
    if used is None or rows.empty:
        yield Finding(
            "effects",
            metric.name,
            "not_estimated",
            False,
            f"No effect on {name} could be estimated from this table.",
        )
        return
    if used != "split_plot":
        yield Finding(
            "effects",
            metric.name,
            "estimator",
            False,
            f"The split-plot estimator is not available for {name}; its findings rest on "
            f"{ESTIMATORS[used]}.",
        )
    translate = Translator(study, settings, metric, list(rows["term"]))
    power = rows_of(tables, "power", metric=metric.name)
    smallest = power.set_index("term")["smallest_effect"] if len(power) else pd.Series(dtype=float)
    sure = significant(rows, settings.alpha)
    yield _summary(rows[sure], rows, translate, smallest, settings, metric)
    # what is significant first, the largest first: a reader may stop early
    order = rows.assign(sure=sure, size=rows["statistic"].abs())
    for _, row in order.sort_values(["sure", "size"], ascending=False).iterrows():
        effect = translate(row["term"])
        yield _effect(row, effect, bool(row["sure"]), smallest.get(row["term"]), settings, metric)


def _effect(
    row: pd.Series,
    effect: Effect,
    sure: bool,
    smallest: float | None,
    settings: Settings,
    metric: Metric,
) -> Finding:
    section = "interactions" if len(effect.column.parts) > 1 else "effects"
    evidence = (
        f"{percent(settings)} interval {interval_of(row, metric, effect.scale)}; "
        f"{words.p_value(row['p_value'], 'p')}, {words.p_value(row['q_value'], 'q')}"
    )
    amount = words.amount(effect.scale * row["estimate"], metric, sign=True)
    claim = words.sentence_case(effect.claim(amount))
    if sure:
        return Finding(section, metric.name, "effect", True, f"{claim} ({evidence}).")
    excludes_zero = row["ci_low"] > 0 or row["ci_high"] < 0
    if excludes_zero:
        return Finding(
            section,
            metric.name,
            "indication",
            False,
            f"An indication only, since q is not below {settings.alpha:g} after correcting for "
            f"multiple terms: {claim[:1].lower()}{claim[1:]} ({evidence}).",
        )
    seen = ""
    if smallest is not None and pd.notna(smallest):
        seen = f"; the design could have seen {words.amount(abs(effect.scale) * smallest, metric)}"
    return Finding(
        section,
        metric.name,
        "no_effect",
        False,
        f"No detectable effect of {effect.topic} on {words.name(metric.name)}: estimated {amount} "
        f"({evidence}{seen}).",
    )


def _summary(
    sure: pd.DataFrame,
    rows: pd.DataFrame,
    translate: Translator,
    smallest: pd.Series,
    settings: Settings,
    metric: Metric,
) -> Finding:
    """What page 1 says of the metric."""
    name = words.name(metric.name)
    rule = f"q < {settings.alpha:g} and the {percent(settings)} interval without zero"
    if sure.empty:
        sizes = [
            abs(translate(term).scale) * smallest[term]
            for term in rows["term"]
            if term in settings.factor_names and term in smallest
        ]
        seen = ""
        if sizes:
            low, high = (words.amount(size, metric) for size in (min(sizes), max(sizes)))
            seen = (
                f" Over the range of a factor the design could have seen "
                f"{high if low == high else f'{low} to {high}'}."
            )
        sentence = (
            f"Nothing studied has a detectable effect on {name}: none of {len(rows)} terms is "
            f"significant ({rule}).{seen}"
        )
        return Finding("summary", metric.name, "nothing_significant", False, sentence)
    largest = sure.loc[(sure["statistic"].abs()).idxmax()]
    topics = [translate(term).topic for term in sure["term"]]
    effect = translate(largest["term"])
    amount = words.amount(effect.scale * largest["estimate"], metric, sign=True)
    sentence = (
        f"{words.sentence_case(name)} responds to {len(sure)} of {len(rows)} terms: "
        f"{words.listed(topics)}. The clearest: {effect.claim(amount)} ("
        f"{percent(settings)} interval {interval_of(largest, metric, effect.scale)}; "
        f"{words.p_value(largest['p_value'], 'p')}, {words.p_value(largest['q_value'], 'q')})."
    )
    return Finding("summary", metric.name, "significant_terms", True, sentence)
