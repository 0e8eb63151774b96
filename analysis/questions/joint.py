"""Does anything matter, and which factor? Joint tests of the terms of each fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis import words
from analysis.fit.coding import names_of
from analysis.fit.estimators import Fits
from analysis.fit.least_squares import Fit, Model
from analysis.fit.wald import FTest, FTests
from analysis.runs.study import Note

ESTIMATORS = ("ols", "split_plot")
CORRECTED = ("factor", "pair")  # kinds of tests that are families of their own
COLUMNS = [
    "metric",
    "framing",
    "estimator",
    "kind",
    "tested",
    "f_statistic",
    "df",
    "denominator_df",
    "p_value",
    "q_value",
]


@dataclass(frozen=True)
class JointTest:
    """One question of a fit: kind is global, factor, pair or block; ``tested`` is its name."""

    fit: Fit
    kind: str
    tested: str
    result: FTest


def joint_tests(fits: Fits) -> list[JointTest]:
    """Every joint test of the fits by ``ols`` and ``split_plot``.

    A factor's test is of all terms that contain it, a pair's of all that contain both.
    """
    found = []
    for fit in fits.values():
        if fit.estimator in ESTIMATORS:
            tests = FTests(fit)
            found += [
                JointTest(fit, kind, tested, tests.zero(names))
                for kind, tested, names in hypotheses(fit.model)
            ]
    return found


def hypotheses(model: Model) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(kind, tested, coefficients that are zero) of every question that the model has terms for."""
    factors_of = {term.name: {name for name, _ in term.powers} for term in model.terms}
    yield "global", "global", tuple(column for column, _ in model.columns)
    for kind, together in (("factor", 1), ("pair", 2)):
        for asked in combinations(names_of(model.codings), together):
            names = tuple(name for name, term in model.columns if factors_of[term] >= set(asked))
            if names:
                yield kind, ":".join(asked), names
    for block in dict.fromkeys(block for _, block in model.block_columns):
        yield "block", block, tuple(column for column, own in model.block_columns if own == block)


def joint(tests: list[JointTest]) -> pd.DataFrame:
    """One row a test; q-values over the factors, and over the pairs, of one fit."""
    table = pd.DataFrame(
        [
            (
                test.fit.metric,
                test.fit.framing,
                test.fit.estimator,
                test.kind,
                test.tested,
                test.result.statistic,
                test.result.df,
                test.result.denominator_df,
                test.result.p_value,
                np.nan,
            )
            for test in tests
        ],
        columns=COLUMNS,
    )
    known = table[table["kind"].isin(CORRECTED) & table["p_value"].notna()]
    for _, family in known.groupby(["metric", "framing", "estimator", "kind"]):
        q_values = stats.false_discovery_control(family["p_value"].to_numpy())
        table.loc[family.index, "q_value"] = q_values
    return table


def notes(tests: list[JointTest]) -> list[Note]:
    """Which tests of each fit could not be had, and why."""
    missing = defaultdict(list)
    for test in tests:
        if test.result.reason:
            fit = test.fit
            missing[fit.metric, fit.framing, fit.estimator, test.result.reason].append(test.tested)
    return [
        Note(
            "joint",
            f"no joint test of {words.listed(tested)} ({framing}, {estimator}): {why}.",
            metric,
        )
        for (metric, framing, estimator, why), tested in missing.items()
    ]
