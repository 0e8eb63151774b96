"""One line a metric for page 1: what matters and how much, and what was looked for in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings import differences
from analysis.findings.confounding import inseparable
from analysis.findings.effects import aliased_with, smallest_found
from analysis.findings.finding import Finding, Tables, joint_tests, rounded, shown
from analysis.findings.voice import voice_of
from analysis.questions.power import POWER
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric

DETAILED = 2  # factors whose size the line tells; the others that matter are only named


def about_summary(
    tables: Tables, study: Study, settings: Settings, metric: Metric
) -> Iterator[Finding]:
    tests = joint_tests(tables, metric, "factor")
    name, depends = words.sentence_case(words.name(metric.name)), voice_of(settings).depends
    if tests.empty:
        reason = "nothing could be tested"
        if metric.name in study.determined:
            reason = "the settings determine it exactly, so there is no chance to judge them by"
        sentence = f"{name}: {reason}."
        yield Finding("summary", metric.name, "not_estimated", False, sentence)
        return
    matters = shown(tables, settings, metric, "factor")
    together = joint_tests(tables, metric, "global")["p_value"].iloc[0]
    in_vain = list(_in_vain(tables, settings, metric, matters))
    if matters:
        kind, lead = "matters", f"{name} {depends} {_sizes(tables, settings, metric, matters)}; "
    elif together < settings.alpha:
        kind = "only_together"
        lead = (
            f"{name} {depends} the factors taken together ({words.p_value(together, 'p')}), but "
            "none can be singled out; "
        )
    else:
        kind, lead = "nothing", f"{name}: "
    sentence = (lead + "; ".join(in_vain)).removesuffix("; ") + "."
    aliased = {f: aliased_with(tables, study, settings, metric, f) for f in matters}
    named = [f"{words.name(f)} is aliased with {words.listed(a)}" for f, a in aliased.items() if a]
    if named:
        sentence += f" In these runs {'; '.join(named)}."
    yield Finding("summary", metric.name, kind, bool(matters), sentence)


def _sizes(tables: Tables, settings: Settings, metric: Metric, factors: list[str]) -> str:
    """The factors that matter, the clearest with the size of their largest difference."""
    told = [_size(tables, settings, metric, factor) for factor in factors[:DETAILED]]
    if len(factors) > DETAILED:
        told.append(words.listed([words.name(factor) for factor in factors[DETAILED:]]))
    return words.listed(told)


def _size(tables: Tables, settings: Settings, metric: Metric, factor: str) -> str:
    """``learning rate (0.065 nats lower with 1e-5 than with 9e-5, 0.02 to 0.11)``."""
    name = words.name(factor)
    on_average = differences.average(tables, metric, factor)
    most = differences.largest(tables, settings, metric, factor)
    if on_average is not None and on_average.excludes_zero:
        return f"{name} ({differences.compact(on_average, metric, settings)})"
    if most is not None and most.excludes_zero:
        where = words.setting(most.place, settings.factors)
        return f"{name} ({differences.compact(most, metric, settings)}, at {where})"
    pairs = [pair.split(":") for pair in shown(tables, settings, metric, "pair")]
    others = [words.name(other) for pair in pairs if factor in pair for other in pair]
    others = [other for other in others if other != name]
    if others:
        return f"{name} (differences between levels of {words.listed(others)} vary with it)"
    return f"{name} (by how much is not clear from these runs)"


def _in_vain(
    tables: Tables, settings: Settings, metric: Metric, matters: list[str]
) -> Iterator[str]:
    """What was not found, with what would have been; factors that could not be judged apart."""
    tests = joint_tests(tables, metric, "factor").set_index("tested")["p_value"]
    confounded = inseparable(tables, settings)
    left = [f for f in settings.factor_names if f in tests and f not in matters]
    untested = [f for f in left if pd.isna(tests[f])]
    together = [f for f in left if f in confounded and f not in untested]
    alone = [f for f in left if f not in untested and f not in together]
    if alone:
        names = words.listed([words.name(factor) for factor in alone], last="or")
        if len(alone) == len(settings.factors) > 1:
            names = "any factor"
        size = smallest_found(tables, metric, alone)
        power = f" ({100 * POWER:.0f} % power for {rounded(size, metric)})"
        yield f"{voice_of(settings).no_effect} {names}{power if pd.notna(size) else ''}"
    for factor in together:
        other = words.name(confounded[factor])
        yield f"{words.name(factor)} cannot be told apart from {other}"
    if untested:
        names = words.listed([words.name(factor) for factor in untested])
        yield f"{names} could not be tested"
