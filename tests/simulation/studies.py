"""Studies whose runs are drawn again and again, while their settings stay.

The design matrix is made once; a draw costs a fit and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Array, Fit
from analysis.fit.split_plot import split_plot, with_trajectories
from analysis.preparation import study_of
from analysis.runs.settings import Settings
from analysis.runs.study import Study

ERROR = 0.02


@dataclass(frozen=True)
class Planned:
    """A table of settings. ``fit`` is of a response that means nothing; ``error`` is the standard
    deviation of a trajectory's error, and of a run's within it, on the scale of the analysis."""

    study: Study
    settings: Settings
    fit: Fit
    error: float

    @classmethod
    def of(cls, table: pd.DataFrame, settings: Settings, error: float = ERROR) -> Planned:
        """``table`` has a column a factor, block and replicate, and no metric."""
        anything = np.random.default_rng(0).uniform(0.4, 0.6, len(table))
        metrics = settings.metric_names
        study = study_of(table.assign(**dict.fromkeys(metrics, anything)), settings)
        return cls(study, settings, split_plot(study, settings, metrics[0], "absolute"), error)

    def coefficients(self, effects: Mapping[str, float]) -> Array:
        """The true coefficients (p,): 0 but for those named."""
        return np.array([effects.get(name, 0.0) for name in self.fit.names])

    def drawn(self, true: Array, rng: np.random.Generator, metric: str | None = None) -> Fit:
        """The split-plot fit of runs with these true coefficients (p,)."""
        response = self.fit.design @ true + self.error * errors(self.fit, rng)
        fit = with_trajectories(refitted(self.fit, response))
        return fit if metric is None else replace(fit, metric=metric)


def errors(fit: Fit, rng: np.random.Generator) -> Array:
    """Of every run (n,): its trajectory's and its own, each with a standard deviation of 1."""
    of_trajectories = rng.normal(size=fit.clusters.max() + 1)[fit.clusters]
    return of_trajectories + rng.normal(size=len(fit.clusters))


def refitted(fit: Fit, response: Array) -> Fit:
    """Ordinary least squares of another response (n,) on the same design."""
    coefficients = fit.inverse_root @ (fit.basis.T @ response)
    residuals = response - fit.design @ coefficients
    variance = float(residuals @ residuals / fit.residual_df)
    return replace(
        fit,
        estimator="ols",
        response=response,
        coefficients=coefficients,
        covariance=variance * fit.inverse_root @ fit.inverse_root.T,
        residual_variance=variance,
    )


def grid(replicates: int) -> pd.DataFrame:
    """The default study: 3 learning rates × 3 batch sizes × 3 epoch levels × replicates."""
    levels = ([1e-5, 3e-5, 1e-4], [8, 16, 32], [1, 2, 3], range(replicates))
    names = ["learning_rate", "batch_size", "epochs", "replicate"]
    cells = np.meshgrid(*levels, indexing="ij")
    return pd.DataFrame({name: cell.ravel() for name, cell in zip(names, cells, strict=True)})


def settings_of(*metrics: str, transform: str | None = None, **analysis: object) -> Settings:
    """Of the factors of `grid`, with a second-order polynomial."""
    return Settings.from_config(
        {
            "factors": {
                "learning_rate": {"scale": "log10"},
                "batch_size": {"scale": "log2"},
                "epochs": {},
            },
            "analysis": {
                "degree": 2,
                "metrics": {name: {"transform": transform} for name in metrics},
                **analysis,
            },
        }
    )
