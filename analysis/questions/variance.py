"""Where the variation comes from: variance components of one metric."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis import words
from analysis.fit.least_squares import Fit
from analysis.questions.evaluation import evaluation_variance
from analysis.questions.importance import FOREST_ROWS
from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from common.metrics import SUMMED_METRICS


def variance(
    fit: Fit, study: Study, predictions: Mapping[str, Predictions], settings: Settings
) -> pd.DataFrame:
    """Variance components of one metric and their shares of the sum; NaN: cannot be told.

    fit: the split-plot fit of the metric itself. hyperparameters is the variance of the fitted
    means over the runs and replicate that of the block effects, both less what estimation error
    adds; trajectory and epoch_within_trajectory are the REML estimates (the latter includes lack
    of fit). evaluation_sampling is the variance of a run's metric from the finite evaluation set;
    what of it the three components contain is taken out of them. Estimates below 0 are set to 0.
    """
    blocks = slice(1, 1 + len(fit.model.blocks))
    contrasts = fit.design - fit.design.mean(axis=0)
    contrasts[:, blocks] = 0
    means = contrasts @ fit.coefficients
    noise = np.einsum("ki,ij,kj->k", contrasts, fit.covariance, contrasts)
    components = {"hyperparameters": np.mean(means**2 - noise), "replicate": np.nan}

    count = len(fit.model.replicates)
    if count > 1:
        centred = (np.eye(count) - 1 / count)[:, 1:]
        effects = centred @ fit.coefficients[blocks]
        error = np.trace(centred @ fit.covariance[blocks, blocks] @ centred.T)
        components["replicate"] = (effects @ effects - error) / (count - 1)
    if fit.parameter_covariance is None:  # every trajectory has one run
        components |= {"trajectory": fit.residual_variance, "epoch_within_trajectory": np.nan}
    else:
        components |= {
            "trajectory": fit.trajectory_variance,
            "epoch_within_trajectory": fit.residual_variance,
        }

    evaluation = evaluation_variance(study.runs.loc[fit.rows], predictions, fit.metric)
    if evaluation is not None:
        evaluation = evaluation.divided_by(float(fit.scale.slope(fit.fitted.mean())) ** 2)
    components["evaluation_sampling"] = np.nan if evaluation is None else evaluation.total
    if evaluation is not None:
        components["replicate"] -= evaluation.replicate
        if fit.parameter_covariance is None:
            components["trajectory"] -= evaluation.trajectory + evaluation.run
        else:
            components["trajectory"] -= evaluation.trajectory
            components["epoch_within_trajectory"] -= evaluation.run

    values = np.array(list(components.values()))
    values = np.where(np.isnan(values), np.nan, np.maximum(values, 0))
    total = np.nansum(values)
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "component": list(components),
            "variance": values,
            "share": values / total if total > 0 else np.nan,
        }
    )


def notes(fit: Fit, study: Study, predictions: Mapping[str, Predictions]) -> list[Note]:
    """What this metric's variability tables cannot tell.

    A sentence that holds for the whole study is the same for every metric.
    """
    metric = fit.metric
    found: list[Note] = []
    if len(fit.model.replicates) < 2:
        found.append(
            Note(
                "variance",
                "There are no replicates to compare, so the variance between "
                "replicates and intervals of cell means are not estimated.",
            )
        )
    if fit.parameter_covariance is None:
        found.append(
            Note(
                "variance",
                "Every trajectory has one run, so there is no variation between epochs "
                "within a trajectory to estimate.",
            )
        )
    if metric not in SUMMED_METRICS:
        found.append(
            Note(
                "predictions",
                "evaluation sampling and paired comparisons with the baseline are computed for "
                f"{words.listed([words.name(m) for m in SUMMED_METRICS])} only.",
                metric,
            )
        )
    elif not predictions:
        found.append(
            Note(
                "predictions",
                "Without stored predictions there is no evaluation-sampling variance, "
                "no paired comparison with the baseline and no reliability diagram.",
            )
        )
    if len(fit.rows) > FOREST_ROWS:
        found.append(
            Note(
                "importance",
                f"the forest of the functional ANOVA is grown on {FOREST_ROWS:,} of "
                f"{len(fit.rows):,} runs, drawn by whole trajectories.",
                metric,
            )
        )
    return found
