"""Which factors matter only because of one run, trajectory or block, or in one kind of analysis.

Everything is fitted again under each variation, so that the answers are those that the reader would
have got; of the runs only those whose leaving out moves a factor's test most are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis import words
from analysis.fit.estimators import Fits
from analysis.fit.least_squares import Array, Fit
from analysis.fit.model import Block
from analysis.fit.split_plot import split_plot
from analysis.fit.wald import FTests
from analysis.questions.joint import hypotheses
from analysis.questions.models import polynomials
from analysis.runs.formula import Term
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from analysis.variables import Metric
from common.errors import UserError
from common.metrics import PROPORTION

# Of more runs no single one can matter, and each costs a fit of them all.
RUNS_MOST = 5000
BLOCKS_MOST = 10
NAMED_FACTORS = 5
# Nothing is concluded from a variant of the analysis, or from what a block left out leaves, with
# fewer residual degrees of freedom.
LEAST_DF = 5
# A variant is a possible analysis with an AICc so close to the best model's (Burnham & Anderson
# 2002, section 2.6: beyond 10, no support).
AICC_WITHIN = 10.0
COLUMNS = ["metric", "variation", "name", "factor", "p_value", "q_value", "matters", "agrees"]


@dataclass(frozen=True)
class Variation:
    """Another study to ask the same of.

    kind: "run", "trajectory" or a block's name, where one is left out; "analysis" where the metric
    is on another scale or the model of another degree.
    """

    kind: str
    name: str
    study: Study
    terms: tuple[Term, ...] | None = None
    metric: Metric | None = None  # as it is analysed instead


def stability(fits: Fits, models: pd.DataFrame, study: Study, settings: Settings) -> pd.DataFrame:
    """The joint test of every factor under each variation.

    models: models.csv. One row a factor and variation. agrees: whether the factor matters (q below
    alpha) as it does in the main analysis. Variations that cannot be fitted have no rows.
    """
    rows = []
    for metric in settings.metrics:
        main = fits.get((metric.name, "absolute", "split_plot"))
        if main is None:
            continue
        reference = factor_tests(main, settings)
        for variation in _variations(main, reference, models, study, settings):
            tests = _tests_under(variation, metric, settings)
            for factor, row in tests.iterrows():
                agrees = row["matters"] == reference.loc[factor, "matters"]
                rows.append((metric.name, variation.kind, variation.name, factor, *row, agrees))
    return pd.DataFrame(rows, columns=COLUMNS)


def notes(fits: Fits) -> list[Note]:
    """What was not varied, because there is too much of it."""
    found = []
    for (metric, framing, estimator), fit in fits.items():
        if (framing, estimator) != ("absolute", "split_plot"):
            continue
        if len(fit.rows) > RUNS_MOST:
            told = f"with {len(fit.rows):,} runs, no single one was left out in turn."
            found.append(Note("stability", told, metric))
        for block in fit.model.blocking:
            if len(block.levels) > BLOCKS_MOST:
                told = f"{block.name} has {len(block.levels)} levels, so none was left out in turn."
                found.append(Note("stability", told, metric))
            elif len(block.levels) > 1 and _least_left(fit, block) < LEAST_DF:
                told = (
                    f"no {words.name(block.name)} was left out that would have left fewer than "
                    f"{LEAST_DF} residual degrees of freedom."
                )
                found.append(Note("stability", told, metric))
    return found


def _least_left(fit: Fit, block: Block) -> int:
    """The fewest residual degrees of freedom that leaving out one level of the block leaves."""
    runs = fit.design[:, fit.model.columns_of(block.name)].sum(axis=0)
    largest = max(*runs, len(fit.rows) - runs.sum())
    return int(len(fit.rows) - largest - (len(fit.names) - 1))


def factor_tests(fit: Fit, settings: Settings) -> pd.DataFrame:
    """p_value, q_value and matters of every factor's joint test in one fit, by factor."""
    tests = FTests(fit)
    p_values = pd.Series(
        {
            tested: tests.zero(names).p_value
            for kind, tested, names in hypotheses(fit.model)
            if kind == "factor"
        },
        dtype=float,
    )
    q_values = pd.Series(np.nan, p_values.index)
    known = p_values.notna()
    q_values[known] = stats.false_discovery_control(p_values[known])
    matters = q_values < settings.alpha
    return pd.DataFrame({"p_value": p_values, "q_value": q_values, "matters": matters})


def _tests_under(variation: Variation, metric: Metric, settings: Settings) -> pd.DataFrame:
    """`factor_tests` under a variation; empty where it cannot be fitted."""
    if variation.metric is not None:
        settings = replace(settings, metrics=(variation.metric,))
    used = variation.study.runs[variation.study.runs[metric.name].notna()]
    if (used[list(settings.factor_names)].nunique() < 2).any():
        return pd.DataFrame()  # there is nothing left to compare
    try:
        fit = split_plot(variation.study, settings, metric.name, "absolute", terms=variation.terms)
    except UserError:
        return pd.DataFrame()
    of_few = variation.kind in ("run", "trajectory")  # which take hardly any degrees of freedom
    if not of_few and len(fit.response) - len(fit.names) < LEAST_DF:
        return pd.DataFrame()
    return factor_tests(fit, settings)


def _variations(
    main: Fit, reference: pd.DataFrame, models: pd.DataFrame, study: Study, settings: Settings
) -> Iterator[Variation]:
    runs = study.runs.loc[main.rows]
    if len(runs) <= RUNS_MOST:
        yield from _without_decisive_runs(main, reference, study, settings)
    for block in main.model.blocking:
        if len(block.levels) <= BLOCKS_MOST:
            for level in block.levels:
                yield _without(
                    block.name, str(level), study.runs.index[study.runs[block.name] == level], study
                )
    yield from _other_analyses(settings.metric(main.metric), models, study, settings)


def _without(kind: str, name: str, rows: pd.Index, study: Study) -> Variation:
    return Variation(kind, name, replace(study, runs=study.runs.drop(rows)))


def _other_analyses(
    metric: Metric, models: pd.DataFrame, study: Study, settings: Settings
) -> Iterator[Variation]:
    known = study.runs[metric.name].dropna()
    if metric.transform is not None:
        other = replace(metric, transform=None)
        yield Variation("analysis", "no transform", study, metric=other)
    elif metric.unit == "points" and known.between(0, 1, inclusive="neither").all():
        other = replace(metric, transform="logit", bounds=PROPORTION)
        yield Variation("analysis", "log-odds", study, metric=other)
    elif metric.unit != "points" and (known > 0).all():
        other = replace(metric, transform="log")
        yield Variation("analysis", "logarithm", study, metric=other)
    if settings.formula is not None or models.empty:
        return
    aicc = models[models["metric"] == metric.name].set_index("degree")["aicc"]
    for degree, terms in polynomials(study, settings).items():
        differs = set(terms) != set(study.terms[metric.name])
        if differs and aicc.get(degree, np.nan) <= aicc.min() + AICC_WITHIN:
            yield Variation("analysis", f"degree {degree}", study, terms)


def _without_decisive_runs(
    main: Fit, reference: pd.DataFrame, study: Study, settings: Settings
) -> Iterator[Variation]:
    """For each factor without the run, and without its trajectory, whose leaving out moves the
    factor's test most towards the other verdict."""
    runs = study.runs.loc[main.rows]
    chosen: dict[int, None] = {}
    for kind, tested, names in hypotheses(main.model):
        if kind != "factor":
            continue
        p_values = p_values_without_each(main, names)
        if np.isfinite(p_values).any():
            matters = reference.loc[tested, "matters"]
            chosen[int(np.nanargmax(p_values) if matters else np.nanargmin(p_values))] = None
    for at in chosen:
        yield _without("run", _run_name(runs.iloc[at], runs, settings), main.rows[[at]], study)
    sizes = np.bincount(main.clusters)
    for cluster in dict.fromkeys(main.clusters[list(chosen)]):
        if sizes[cluster] > 1:
            rows = main.rows[main.clusters == cluster]
            yield _without("trajectory", _trajectory_name(rows, runs, settings), rows, study)


def _run_name(run: pd.Series, runs: pd.DataFrame, settings: Settings) -> str:
    """By its setting and replicate; by its line in the table where that is long or not unique."""
    columns = list(settings.factor_names)
    if runs["replicate"].nunique() > 1:
        columns.append("replicate")
    line = f"in line {int(run.name) + 2} of the table"
    if len(settings.factors) > NAMED_FACTORS:
        return line
    named = words.run(run[columns].to_dict(), settings.factors)
    unique = (runs[columns] == run[columns]).all(axis=1).sum() == 1
    return named if unique else f"{line} ({named})"


def _trajectory_name(rows: pd.Index, runs: pd.DataFrame, settings: Settings) -> str:
    """By what its runs have in common; by its label in the table where that does not tell it."""
    common = [f for f in settings.factors if runs.loc[rows, f.name].nunique(dropna=False) == 1]
    columns = [factor.name for factor in common]
    if runs["replicate"].nunique() > 1:
        columns.append("replicate")
    first = runs.loc[rows[0]]
    alike = (runs[columns] == first[columns]).all(axis=1).sum() if columns else len(runs)
    if alike != len(rows) or len(common) > NAMED_FACTORS:
        return str(first["trajectory"])
    return words.run(first[columns].to_dict(), tuple(common))


def p_values_without_each(fit: Fit, names: tuple[str, ...]) -> Array:
    """(n,) p-values of the F test that these coefficients are zero, without one run each.

    By the formulas of least squares for one observation less (Cook & Weisberg 1982, *Residuals and
    Influence in Regression*, section 2.2); nan for a run with leverage 1.
    """
    at = [fit.names.index(name) for name in names]
    contrasts = np.eye(len(fit.names))[at] @ fit.inverse_root
    rows = np.linalg.qr(contrasts.T)[0].T  # orthonormal, in coordinates of the basis
    basis = fit.basis
    count, columns = basis.shape
    residuals = fit.response - basis @ (basis.T @ fit.response)
    left = 1 - (basis**2).sum(axis=1)
    left = np.where(left > 1e-9, left, np.nan)
    moved = basis @ rows.T  # (n, q)
    estimate = rows @ (basis.T @ fit.response) - moved * (residuals / left)[:, None]
    along = (moved * estimate).sum(axis=1)
    explained = (estimate**2).sum(axis=1) - along**2 / (left + (moved**2).sum(axis=1))
    df = count - columns - 1
    if df < 1:
        return np.full(count, np.nan)
    rest = (residuals @ residuals - residuals**2 / left) / df
    return stats.f.sf(explained / len(rows) / rest, len(rows), df)
