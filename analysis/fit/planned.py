"""A fit of runs that are only planned: what their estimates' errors will be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from analysis.fit.estimable import triangle_of
from analysis.fit.least_squares import Fit
from analysis.fit.leverage import sole_sources
from analysis.fit.model import Model
from analysis.fit.split_plot import Likelihood


@dataclass(frozen=True)
class Noise:
    """Variances in the metric's own unit squared: of a run's cells, and between runs."""

    within: float
    between: float

    @property
    def ratio(self) -> float:
        return self.between / self.within


def planned_fit(metric: str, model: Model, runs: pd.DataFrame, noise: Noise) -> Fit:
    """The split-plot fit with all coefficients 0 and the covariance that the noise gives.

    ``runs`` has a column a factor and a block, natural units, and trajectory; they can estimate the
    model. Where every trajectory has one run, both variances are its error.
    """
    design = model.matrix(runs, runs)
    triangle = triangle_of(design)
    inverse_root = solve_triangular(triangle, np.eye(len(triangle)))
    clusters = pd.factorize(runs["trajectory"], sort=True)[0]
    alone = len(np.unique(clusters)) == len(runs)
    residual = noise.within + noise.between if alone else noise.within
    zeros = np.zeros(len(runs))
    with np.errstate(divide="ignore", invalid="ignore"):  # zeros have no likelihood; none is used
        at = Likelihood.of(design @ inverse_root, zeros, clusters).at(0.0 if alone else noise.ratio)
    return Fit(
        metric=metric,
        framing="absolute",
        estimator="split_plot",
        model=model,
        rows=runs.index,
        design=design,
        inverse_root=inverse_root,
        response=zeros,
        clusters=clusters,
        coefficients=np.zeros(design.shape[1]),
        covariance=residual * inverse_root @ at.inverse @ inverse_root.T,
        residual_df=len(runs) - design.shape[1],
        residual_variance=residual,
        trajectory_variance=0.0 if alone else noise.between,
        sole_sources=sole_sources(design, inverse_root, clusters),
        parameter_covariance=None if alone else np.zeros((2, 2)),
    )
