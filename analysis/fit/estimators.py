"""Three answers to how sure each coefficient is, and the table of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis import words
from analysis.fit.cluster_robust import cluster_robust
from analysis.fit.least_squares import Array, Fit, explains_exactly, ordinary_least_squares
from analysis.fit.split_plot import BLOCK_MOST, split_plot
from analysis.fit.terms import columns_of
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from common.errors import UserError

DETERMINED = (
    "the settings determine it exactly, so there is no error to judge effects by: it has no "
    "regression and no p-values."
)
COLUMNS = ["metric", "framing", "estimator", "term", "estimate", "std_error", "statistic", "df"]
COLUMNS += ["p_value", "q_value", "ci_low", "ci_high", "family"]
ESTIMATORS = ("ols", "ols_cluster", "split_plot")

Fits = dict[tuple[str, str, str], Fit]  # by metric, framing, estimator


def fit_all(study: Study, settings: Settings) -> tuple[Fits, list[Note]]:
    """Every metric in every framing by every estimator, and notes on what could not be fitted.

    A fit that the runs do not allow is not in the mapping. Raises UserError if there is none,
    though some metric is not determined by the settings.
    """
    fits: Fits = {}
    notes: list[Note] = []
    for metric in settings.metric_names:
        if metric in study.determined:
            notes.append(Note("metrics", DETERMINED, metric))
            continue
        for framing in study.framings(metric, settings):
            values = study.response(metric, framing)
            if values.nunique() < 2:
                notes.append(
                    Note("metrics", f"{framing} values never vary, nothing to explain.", metric)
                )
                continue
            try:
                ordinary = ordinary_least_squares(study, settings, metric, framing)
                if explains_exactly(ordinary):
                    notes.append(Note("metrics", DETERMINED, metric))
                    continue
                fits[metric, framing, "ols"] = ordinary
                fits[metric, framing, "ols_cluster"] = cluster_robust(ordinary)
                mixed = split_plot(study, settings, metric, framing)
            except UserError as error:
                notes.append(Note("metrics", f"not fully estimated ({framing}). {error}", metric))
                continue
            fits[metric, framing, "split_plot"] = mixed
            notes += [Note("split_plot", remark, metric) for remark in _remarks(mixed, study)]
    for (metric, framing, estimator), fit in fits.items():
        if estimator == ("split_plot" if (metric, framing, "split_plot") in fits else "ols"):
            notes += [Note("trajectories", each, metric) for each in _lone_sources(fit, study)]
    if not fits and not study.determined:
        raise UserError(f"Nothing can be estimated. {' '.join(map(str, notes))}")
    return fits, notes


def _remarks(fit: Fit, study: Study) -> list[str]:
    """What a reader must know of a split-plot fit that is not the usual one."""
    remarks = []
    if not fit.model.blocks and study.runs["replicate"].nunique() > 1:
        remarks.append(
            "replicates cannot be told apart from the model's terms, or are more than "
            f"{BLOCK_MOST}, so the split-plot model has no replicate block."
        )
    if fit.parameter_covariance is None:
        remarks.append(
            "every trajectory has one run, so the split-plot model is ordinary least squares, "
            "with a replicate block if there are replicates."
        )
    elif fit.trajectory_variance == 0:
        remarks.append(
            "the variance between trajectories is estimated as zero (a singular fit); runs of one "
            "trajectory are no more alike than any others."
        )
    return remarks


def _lone_sources(fit: Fit, study: Study) -> Iterator[str]:
    """Which terms rest on one trajectory alone, by trajectory."""
    labels = study.runs.loc[fit.rows, "trajectory"].to_numpy()
    columns = columns_of(fit.model.terms, fit.model.codings)
    for source in fit.sole_sources:
        alone = source.touched[fit.of_terms]
        if alone.any():
            terms = [words.term(columns[at].parts) for at in np.flatnonzero(alone)]
            name = labels[fit.clusters == source.cluster][0]
            yield (
                f"without trajectory {name} there is no estimate of {words.listed(terms)}, so no "
                "interval and no p-value."
            )


def coefficients(fits: Fits, settings: Settings) -> pd.DataFrame:
    """One row a coefficient; q-values by Benjamini & Hochberg (1995) within ``family``.

    A coefficient that rests on one trajectory alone has an estimate and no more.
    """
    parts = [_coefficients(fit, settings.alpha) for fit in fits.values()]
    return pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS)


def _coefficients(fit: Fit, alpha: float) -> pd.DataFrame:
    std_error = np.where(fit.rests_on_one, np.nan, fit.std_errors)
    df = np.where(fit.rests_on_one, np.nan, fit.df)
    p_value = p_values(fit)
    margin = stats.t.isf(alpha / 2, df) * std_error
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "framing": fit.framing,
            "estimator": fit.estimator,
            "term": fit.names,
            "estimate": fit.coefficients,
            "std_error": std_error,
            "statistic": fit.coefficients / std_error,
            "df": df,
            "p_value": p_value,
            "q_value": _q_values(p_value, tested=fit.of_terms),
            "ci_low": fit.coefficients - margin,
            "ci_high": fit.coefficients + margin,
            "family": f"{fit.metric}, {fit.framing}, {fit.estimator}: "
            f"{len(fit.model.columns)} terms without the intercept and blocks",
        }
    )


def p_values(fit: Fit) -> Array:
    """Two-sided p-values (p,) of t; nan for coefficients that rest on one trajectory alone."""
    found = 2 * stats.t.sf(np.abs(fit.coefficients / fit.std_errors), fit.df)
    return np.where(fit.rests_on_one, np.nan, found)


def _q_values(p_value: Array, tested: NDArray[np.bool_]) -> Array:
    """By Benjamini & Hochberg over those tested that have a p-value; nan for the others."""
    q_value = np.full(len(p_value), np.nan)
    family = tested & np.isfinite(p_value)  # 0 / 0 has no p-value
    q_value[family] = stats.false_discovery_control(p_value[family])
    return q_value
