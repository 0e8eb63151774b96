"""Standard errors of least squares that hold where runs of a trajectory are correlated.

CR2, the bias-reduced estimator of Bell & McCaffrey (2002, Survey Methodology 28), with
Satterthwaite's degrees of freedom (Pustejovsky & Tipton 2018, J. Bus. Econ. Stat. 36), both for a
working model of independent errors; equal to ``clubSandwich::coef_test(vcov = "CR2")`` for R. Where
every run is a trajectory of its own HC3 (MacKinnon & White 1985, J. Econometrics 29), which also
holds for errors of uneven size; equal to ``sandwich::vcovHC(type = "HC3")``.

The hat matrix (n, n) is never formed: with an orthonormal basis Q of the design, the part of a
trajectory g is Q_g Q_g', and sums over pairs of trajectories are sums of products (p, p).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from analysis.fit.least_squares import Array, Fit, group_sums
from analysis.fit.leverage import SOLE
from common.errors import UserError


def cluster_robust(fit: Fit) -> Fit:
    """The ordinary fit with CR2 standard errors by trajectory, or HC3 where each has one run.

    Raises UserError for a single trajectory.
    """
    trajectories = int(fit.clusters.max()) + 1
    if trajectories < 2:
        raise UserError("All runs are one trajectory; clusters need at least two.")
    if trajectories == len(fit.response):
        return _hc3(fit)
    adjusted = _adjusted(fit.basis, fit.clusters)
    scores = group_sums(adjusted * fit.residuals[:, None], fit.clusters)
    given = {each.name: getattr(fit, each.name) for each in fields(fit)}
    given |= {"estimator": "ols_cluster", "covariance": _sandwich(fit, scores)}
    return ClusterRobust(**given, adjusted=adjusted)


@dataclass(frozen=True)
class ClusterRobust(Fit):
    """A fit by CR2. ``adjusted`` (n, p) stacks A_g Q_g of the trajectories g, where A_g is the
    symmetric inverse square root of I - Q_g Q_g'."""

    adjusted: Array = field(kw_only=True)

    def degrees_of_freedom(self, contrasts: Array) -> Array:
        """Satterthwaite's df (k,) for contrasts (k, p): (tr W)² / tr W², where W (g, g) holds
        p_g'p_h of Bell & McCaffrey's vectors p_g = (I - H)_g A_g Q_g c."""
        basis = self.basis
        found = []
        for contrast in contrasts @ self.inverse_root:
            own = self.adjusted @ contrast
            lengths = np.bincount(self.clusters, weights=own**2)
            projected = group_sums(basis * own[:, None], self.clusters)
            shrunk = (projected**2).sum(axis=1)
            products = projected.T @ projected
            trace = (lengths - shrunk).sum()
            square = (lengths**2 - 2 * lengths * shrunk).sum() + (products**2).sum()
            found.append(trace**2 / square if square > 0 else np.nan)
        return np.array(found)


def _hc3(fit: Fit) -> Fit:
    left = 1 - (fit.basis**2).sum(axis=1)
    errors = np.where(left > SOLE, fit.residuals / np.maximum(left, SOLE), 0)
    covariance = _sandwich(fit, fit.basis * errors[:, None])
    return replace(fit, estimator="ols_cluster", covariance=covariance)


def _sandwich(fit: Fit, scores: Array) -> Array:
    """Covariance (p, p) of the coefficients from scores (g, p) of the orthonormal basis."""
    return fit.inverse_root @ scores.T @ scores @ fit.inverse_root.T


def _adjusted(basis: Array, clusters: NDArray[np.int64]) -> Array:
    """A_g Q_g (n, p) of an orthonormal basis (n, p), for all trajectories of a size at once.

    By the smaller of I - Q_g Q_g' and I - Q_g' Q_g, which have the same square root there.
    """
    adjusted = np.empty_like(basis)
    order = np.argsort(clusters, kind="stable")
    sizes = np.bincount(clusters)
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        rows = order[starts[sizes == size][:, None] + np.arange(size)]
        part = basis[rows]
        turned = part.transpose(0, 2, 1)
        if size <= basis.shape[1]:
            adjusted[rows] = _inverse_square_root(np.eye(size) - part @ turned) @ part
        else:
            adjusted[rows] = part @ _inverse_square_root(np.eye(basis.shape[1]) - turned @ part)
    return adjusted


def _inverse_square_root(matrices: Array) -> Array:
    """Of symmetric matrices (k, m, m); directions that they map to zero stay at zero."""
    values, vectors = np.linalg.eigh(matrices)
    weights = np.where(values > SOLE, np.maximum(values, SOLE) ** -0.5, 0)
    return (vectors * weights[:, None, :]) @ vectors.transpose(0, 2, 1)
