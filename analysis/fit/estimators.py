"""Three answers to how sure each coefficient is, and the table of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fit.least_squares import Fit, group_sums, ordinary_least_squares
from analysis.fit.split_plot import BLOCK_MOST, explains_exactly, split_plot
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from common.errors import UserError

DETERMINED = (
    "the settings determine it exactly, so there is no error to judge effects by: it has no "
    "regression and no p-values."
)
ESTIMATORS = ("ols", "ols_cluster", "split_plot")

Fits = dict[tuple[str, str, str], Fit]  # by metric, framing, estimator


def cluster_robust(fit: Fit) -> Fit:
    """The ordinary fit with CR1 standard errors by trajectory, t with G - 1 df.

    Liang & Zeger (1986) with the correction G/(G-1) (n-1)/(n-p) of Stata and of
    ``sandwich::vcovCL(type = "HC1")`` for R. Raises UserError for a single trajectory.
    """
    groups = int(fit.clusters.max()) + 1
    if groups < 2:
        raise UserError("All runs are one trajectory; clusters need at least two.")
    count, columns = fit.design.shape
    bread = fit.inverse_root @ fit.inverse_root.T
    scores = group_sums(fit.design * fit.residuals[:, None], fit.clusters) @ bread
    correction = groups / (groups - 1) * (count - 1) / (count - columns)
    return replace(
        fit,
        estimator="ols_cluster",
        covariance=correction * scores.T @ scores,
        residual_df=groups - 1,
    )


def fit_all(study: Study, settings: Settings) -> tuple[Fits, list[Note]]:
    """Every metric in every framing by every estimator, and notes on what could not be fitted.

    A fit that the runs do not allow is not in the mapping. Raises UserError if there is none.
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
    if not fits:
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


def coefficients(fits: Fits, settings: Settings) -> pd.DataFrame:
    """One row a coefficient; q-values by Benjamini & Hochberg (1995) within ``family``."""
    return pd.concat([_coefficients(fit, settings.alpha) for fit in fits.values()])


def _coefficients(fit: Fit, alpha: float) -> pd.DataFrame:
    std_error = fit.std_errors
    df = fit.df
    p_value = t_test(fit.coefficients, std_error, df)
    margin = stats.t.isf(alpha / 2, df) * std_error
    q_value = np.full(len(p_value), np.nan)
    tested = np.isfinite(p_value) & (np.arange(len(p_value)) > 0)  # 0 / 0 has no p-value
    q_value[tested] = stats.false_discovery_control(p_value[tested])
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
            "q_value": q_value,
            "ci_low": fit.coefficients - margin,
            "ci_high": fit.coefficients + margin,
            "family": f"{fit.metric}, {fit.framing}, {fit.estimator}: "
            f"{len(p_value) - 1} terms without the intercept",
        }
    )


def t_test(estimate: np.ndarray, std_error: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Two-sided p-values of t, elementwise."""
    return 2 * stats.t.sf(np.abs(estimate / std_error), df)
