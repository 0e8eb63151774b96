"""Ordinary least squares, and its test of lack of fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import solve_triangular

from analysis.fit.coding import codings
from analysis.fit.estimable import COLLINEAR, require_estimable, triangle_of
from analysis.fit.leverage import SoleSource, sole_sources
from analysis.fit.model import Array, Block, Model
from analysis.runs.formula import Term
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.runs.values import natural_order
from analysis.transforms import OWN, Scale

# Residuals that are a smaller share of the sum of squares than this are rounding.
EXACT = 1e-24


@dataclass(frozen=True)
class Fit:
    """A fitted regression. n runs, p columns; everything on the ``scale`` of the metric.

    ``covariance`` is the coefficients' by this estimator. Degrees of freedom are Satterthwaite's
    where ``covariance_gradient`` (m, p, p) and ``parameter_covariance`` (m, m) of the m variance
    parameters are given, else ``residual_df`` for every contrast.
    """

    metric: str
    framing: str
    estimator: str
    model: Model
    rows: pd.Index  # (n,) labels of the runs used, in study.runs
    design: Array  # X (n, p)
    inverse_root: Array  # B (p, p): X B has orthonormal columns and B B' is the inverse of X'X
    response: Array  # (n,)
    clusters: NDArray[np.int64]  # (n,) number of the run's trajectory
    coefficients: Array  # (p,)
    covariance: Array  # (p, p)
    residual_df: float
    residual_variance: float
    scale: Scale = OWN
    trajectory_variance: float = 0.0
    minus2_reml: float = float("nan")
    covariance_gradient: Array | None = None
    parameter_covariance: Array | None = None
    sole_sources: tuple[SoleSource, ...] = ()  # trajectories that some estimates rest on alone

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names

    @property
    def std_errors(self) -> Array:
        return np.sqrt(np.diag(self.covariance))

    @cached_property
    def df(self) -> Array:
        """Degrees of freedom of every coefficient, (p,)."""
        return self.degrees_of_freedom(np.eye(len(self.coefficients)))

    @property
    def basis(self) -> Array:
        """Orthonormal columns (n, p) that span the design's."""
        return self.design @ self.inverse_root

    @property
    def of_terms(self) -> NDArray[np.bool_]:
        """(p,) True for coefficients of the model's terms: neither the intercept nor blocks."""
        return np.arange(len(self.names)) >= len(self.names) - len(self.model.columns)

    @property
    def rests_on_one(self) -> NDArray[np.bool_]:
        """(p,) True for coefficients that could not be estimated without some one trajectory."""
        alone = np.zeros(len(self.coefficients), dtype=bool)
        for source in self.sole_sources:
            alone |= source.touched
        return alone

    @property
    def fitted(self) -> Array:
        return self.design @ self.coefficients

    @property
    def residuals(self) -> Array:
        return self.response - self.fitted

    def degrees_of_freedom(self, contrasts: Array) -> Array:
        """df of t for each of the contrasts (k, p) of the coefficients, (k,)."""
        if self.covariance_gradient is None or self.parameter_covariance is None:
            return np.full(len(contrasts), self.residual_df)
        variances = np.einsum("ki,ij,kj->k", contrasts, self.covariance, contrasts)
        gradients = np.einsum("ki,mij,kj->km", contrasts, self.covariance_gradient, contrasts)
        spread = np.einsum("km,mn,kn->k", gradients, self.parameter_covariance, gradients)
        return 2 * variances**2 / spread

    def contrasts(self, points: pd.DataFrame) -> Array:
        """Rows (k, p) whose product with the coefficients predicts the points (k rows)."""
        return self.model.matrix(points)

    def predict(self, points: pd.DataFrame) -> tuple[Array, Array]:
        """Estimate and standard error (k,) of the mean at points, in the metric's own unit.

        ``points`` has one column a factor, in natural units. With a replicate block: of the average
        replicate.
        """
        estimate, gradients = self.in_own_unit(self.contrasts(points))
        return estimate, np.sqrt(np.einsum("ki,ij,kj->k", gradients, self.covariance, gradients))

    def in_own_unit(self, contrasts: Array) -> tuple[Array, Array]:
        """Means (k,) that contrasts (k, p) predict, in the metric's own unit, and their gradients
        (k, p) by the coefficients, which stand for the contrasts where differences of such means
        are asked for (the delta method; `emmeans::regrid` for R)."""
        estimate = contrasts @ self.coefficients
        return self.scale.inverse(estimate), self.scale.slope(estimate)[:, None] * contrasts


def ordinary_least_squares(
    study: Study,
    settings: Settings,
    metric: str,
    framing: str,
    *,
    terms: Sequence[Term] | None = None,
    replicate_block: bool = False,
) -> Fit:
    """Classical regression of one metric; ``terms`` replaces the study's.

    The blocks that the config names are in it, the replicates only if they are asked for.
    Raises UserError where the metric's runs cannot estimate a term.
    """
    response = study.response(metric, framing)
    runs = study.runs.loc[response.index]
    model = Model(
        codings(study.runs, settings, framing, study.baseline),
        study.terms[metric] if terms is None else tuple(terms),
        tuple(
            Block(name, natural_order(runs[name].unique().tolist()))
            for name in block_names(settings, replicate_block)
        ),
    )
    design = model.matrix(runs, runs)
    scale = settings.metric(metric).scale
    values = scale.forward(response.to_numpy(dtype=float))
    with_response = triangle_of(np.column_stack([design, values]))
    triangle, projected = with_response[:-1, :-1], with_response[:-1, -1]
    require_estimable(model, len(design), triangle)
    inverse_root = solve_triangular(triangle, np.eye(len(triangle)))
    coefficients = inverse_root @ projected
    residuals = values - design @ coefficients
    residual_df = len(values) - design.shape[1]
    variance = float(residuals @ residuals / residual_df)
    clusters = pd.factorize(runs["trajectory"], sort=True)[0]
    return Fit(
        metric=metric,
        framing=framing,
        estimator="ols",
        model=model,
        rows=response.index,
        design=design,
        inverse_root=inverse_root,
        response=values,
        clusters=clusters,
        coefficients=coefficients,
        covariance=variance * inverse_root @ inverse_root.T,
        residual_df=residual_df,
        residual_variance=variance,
        scale=scale,
        sole_sources=sole_sources(design, inverse_root, clusters),
    )


def explains_exactly(fit: Fit) -> bool:
    """Whether the residuals are mere rounding."""
    return bool((fit.residuals**2).sum() <= EXACT * (fit.response**2).sum())


def block_names(settings: Settings, replicate_block: bool) -> tuple[str, ...]:
    """The columns that are blocks: those of the config, and the replicates if asked for."""
    declared = settings.blocks or ()
    return (*declared, "replicate") if replicate_block and "replicate" not in declared else declared


@dataclass(frozen=True)
class LackOfFit:
    """Test of the model against the runs repeated in a cell; nan where no cell is repeated."""

    df: int
    sum_of_squares: float
    pure_error_df: int
    pure_error: float

    @property
    def f_statistic(self) -> float:
        if self.df <= 0 or self.pure_error_df == 0 or self.pure_error <= 0:
            return float("nan")
        return (self.sum_of_squares / self.df) / (self.pure_error / self.pure_error_df)

    @property
    def p_value(self) -> float:
        return float(stats.f.sf(self.f_statistic, self.df, self.pure_error_df))


def lack_of_fit(fit: Fit, runs: pd.DataFrame) -> LackOfFit:
    """Splits an ordinary fit's residuals into lack of fit and pure error.

    Pure error is what a model of one free mean a cell, and the replicate block where the fit has
    one, leaves over (as ``rsm`` for R computes it). ``runs`` is the study's table.
    """
    factors = [coding.name for coding in fit.model.codings]
    cells = runs.loc[fit.rows].groupby(factors, sort=False, dropna=False).ngroup().to_numpy()
    blocks = fit.design[:, 1 : 1 + len(fit.model.blocks)]
    within = _within(np.column_stack([fit.response, blocks]), cells)
    response, blocks = within[:, 0], within[:, 1:]
    pure_error_df = len(cells) - (int(cells.max()) + 1)
    if blocks.size:
        slopes, _, rank, _ = np.linalg.lstsq(blocks, response, rcond=COLLINEAR)
        response = response - blocks @ slopes
        pure_error_df -= int(rank)
    pure_error = float(response @ response) if pure_error_df > 0 else 0.0
    residual = float(fit.residuals @ fit.residuals)
    return LackOfFit(
        df=int(fit.residual_df) - pure_error_df,
        sum_of_squares=residual - pure_error,
        pure_error_df=pure_error_df,
        pure_error=pure_error,
    )


def _within(values: Array, groups: NDArray[np.int64]) -> Array:
    """Values (n, k) less their group's mean."""
    return values - group_sums(values, groups)[groups] / np.bincount(groups)[groups][:, None]


def group_sums(values: Array, groups: NDArray[np.int64]) -> Array:
    """Sums (g, k) of values (n, k) by group number 0..g-1."""
    sums = [np.bincount(groups, weights=column) for column in values.T]
    return np.array(sums, dtype=np.float64).T
