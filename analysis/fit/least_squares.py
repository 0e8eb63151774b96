"""The polynomial regression model: its design matrix, ordinary least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import solve_triangular

from analysis.fit.coding import Coding, codings
from analysis.fit.terms import Term, model_terms
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common.errors import UserError

Array = NDArray[np.float64]

# A column counts as a combination of the ones before it when less than this share of it is new.
COLLINEAR = 1e-8
BLOCK_ROWS = 2000


@dataclass(frozen=True)
class Model:
    """How a design matrix is made: codings, terms, and the replicates if they are a block.

    The block has treatment contrasts against the first replicate.
    """

    codings: tuple[Coding, ...]
    terms: tuple[Term, ...]
    replicates: tuple[Any, ...] = ()

    @property
    def blocks(self) -> tuple[str, ...]:
        return tuple(f"replicate[{level}]" for level in self.replicates[1:])

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(column, term) of the polynomial part; a categorical factor's term has many columns."""
        named = {coding.name: coding.columns for coding in self.codings}
        result = []
        for term in self.terms:
            for parts in product(*(named[name] for name, _ in term.powers)):
                powers = zip(parts, (power for _, power in term.powers), strict=True)
                result.append((Term(tuple(powers)).name, term.name))
        return tuple(result)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the design matrix's columns."""
        return ("intercept", *self.blocks, *(column for column, _ in self.columns))

    def matrix(self, points: pd.DataFrame, replicates: Sequence[Any] | None = None) -> Array:
        """Design matrix (n, len(names)) at points in natural units, one column a factor.

        Without ``replicates`` the points are those of the average replicate.
        """
        coded = {coding.name: coding.code(points[coding.name]) for coding in self.codings}
        count = len(points)
        if replicates is None:
            share = 1 / max(len(self.replicates), 1)
            block = np.full((count, len(self.blocks)), share)
        else:
            own = np.asarray(replicates, dtype=object)
            block = np.array([own == level for level in self.replicates[1:]], dtype=float)
            block = block.reshape(len(self.blocks), count).T
        columns = [np.ones((count, 1)), block]
        for term in self.terms:
            values = np.ones((count, 1))
            for name, power in term.powers:
                right = coded[name] ** power
                values = (values[:, :, None] * right[:, None, :]).reshape(count, -1)
            columns.append(values)
        return np.hstack(columns)


@dataclass(frozen=True)
class Fit:
    """A fitted regression. n runs, p columns; everything in the units of the metric.

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
    trajectory_variance: float = 0.0
    minus2_reml: float = float("nan")
    covariance_gradient: Array | None = None
    parameter_covariance: Array | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names

    @property
    def std_errors(self) -> Array:
        return np.sqrt(np.diag(self.covariance))

    @property
    def df(self) -> Array:
        """Degrees of freedom of every coefficient, (p,)."""
        return self.degrees_of_freedom(np.eye(len(self.coefficients)))

    @property
    def fitted(self) -> Array:
        return self.design @ self.coefficients

    @property
    def residuals(self) -> Array:
        return self.response - self.fitted

    def degrees_of_freedom(self, contrasts: Array) -> Array:
        """df of t for each of the contrasts (k, p) of the coefficients, (k,)."""
        if self.covariance_gradient is None:
            return np.full(len(contrasts), self.residual_df)
        variances = np.einsum("ki,ij,kj->k", contrasts, self.covariance, contrasts)
        gradients = np.einsum("ki,mij,kj->km", contrasts, self.covariance_gradient, contrasts)
        spread = np.einsum("km,mn,kn->k", gradients, self.parameter_covariance, gradients)
        return 2 * variances**2 / spread

    def contrasts(self, points: pd.DataFrame) -> Array:
        """Rows (k, p) whose product with the coefficients predicts the points (k rows)."""
        return self.model.matrix(points)

    def predict(self, points: pd.DataFrame) -> tuple[Array, Array]:
        """Estimate and standard error (k,) of the mean at points in natural units.

        ``points`` has one column a factor. With a replicate block: of the average replicate.
        """
        rows = self.contrasts(points)
        variances = np.einsum("ki,ij,kj->k", rows, self.covariance, rows)
        return rows @ self.coefficients, np.sqrt(variances)


def ordinary_least_squares(
    study: Study,
    settings: Settings,
    metric: str,
    framing: str,
    *,
    terms: Sequence[Term] | None = None,
    replicate_block: bool = False,
) -> Fit:
    """Classical regression of one metric; ``terms`` replaces the config's.

    Raises UserError where the metric's runs cannot estimate a term.
    """
    response = study.response(metric, framing)
    runs = study.runs.loc[response.index]
    model = Model(
        codings(study.runs, settings, framing, study.baseline),
        model_terms(settings) if terms is None else tuple(terms),
        tuple(sorted(runs["replicate"].unique().tolist())) if replicate_block else (),
    )
    design = model.matrix(runs, runs["replicate"])
    values = response.to_numpy(dtype=float)
    with_response = triangle_of(np.column_stack([design, values]))
    triangle, projected = with_response[:-1, :-1], with_response[:-1, -1]
    require_estimable(model, design, triangle)
    inverse_root = solve_triangular(triangle, np.eye(len(triangle)))
    coefficients = inverse_root @ projected
    residuals = values - design @ coefficients
    residual_df = len(values) - design.shape[1]
    variance = float(residuals @ residuals / residual_df)
    return Fit(
        metric=metric,
        framing=framing,
        estimator="ols",
        model=model,
        rows=response.index,
        design=design,
        inverse_root=inverse_root,
        response=values,
        clusters=pd.factorize(runs["trajectory"], sort=True)[0],
        coefficients=coefficients,
        covariance=variance * inverse_root @ inverse_root.T,
        residual_df=residual_df,
        residual_variance=variance,
    )


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
    cells = runs.loc[fit.rows].groupby(factors, sort=False).ngroup().to_numpy()
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
    return np.array(sums).T


def triangle_of(columns: Array) -> Array:
    """R (p, p) of the QR decomposition of columns (n, p), n > p.

    By blocks of rows that fit the processor's cache, then of the blocks' R (TSQR; Demmel et al.
    2012, SIAM J. Sci. Comput. 34): of 100,000 runs eight times as fast as at once with Q. Where the
    last column is the response, that of R is Q'y of the others.
    """
    blocks = np.array_split(columns, max(1, len(columns) // BLOCK_ROWS))
    if len(blocks) > 1:
        columns = np.vstack([np.linalg.qr(block, mode="r") for block in blocks])
    return np.linalg.qr(columns, mode="r")


def require_estimable(model: Model, design: Array, triangle: Array) -> None:
    """Raises UserError naming the first term that the runs cannot estimate, and what to add.

    ``triangle`` is R of the design's QR decomposition.
    """
    count, columns = design.shape
    if count <= columns:
        terms = f" ({', '.join(model.names)})" if columns <= 10 else ""
        raise UserError(
            f"The table has {count} usable runs and the model {columns} terms{terms}: "
            f"at least {columns + 1} runs are needed; "
            "add runs, or set analysis.degree or analysis.formula to a smaller model."
        )
    lengths = np.linalg.norm(triangle, axis=0)  # of the design's columns, too
    new = np.abs(np.diag(triangle))
    if (new > COLLINEAR * lengths).all():
        return
    scaled = design / np.where(lengths > 0, lengths, 1)
    at = int(np.argmin(new > COLLINEAR * lengths))
    weights = np.linalg.lstsq(scaled[:, :at], scaled[:, at], rcond=None)[0]
    same = [name for name, w in zip(model.names, weights, strict=False) if abs(w) > 1e-6]
    raise UserError(_not_estimable(model, model.names[at], same))


def _not_estimable(model: Model, column: str, same: list[str]) -> str:
    term_of = dict(model.columns)
    known = {coding.name: coding for coding in model.codings}
    term = next((t for t in model.terms if t.name == term_of.get(column)), None)
    as_sum = f"it is a combination of {', '.join(same)}" if same else "it is always zero"
    if term is None:
        return f"The design cannot estimate {column}: {as_sum}."
    if term.kind == "FO":
        return (
            f"{column}: perfectly collinear with {', '.join(s for s in same if s != 'intercept')} "
            "in this table, so their effects cannot be told apart; "
            "vary them separately or leave one out of factors."
        )
    for name, power in term.powers:
        have = len(known[name].levels)
        if have <= power:
            return (
                f"The design cannot estimate {column}: {name} has {have} levels and its power "
                f"{power} needs {power + 1}; add a level, "
                "or leave the term out with analysis.degree or analysis.formula."
            )
    return (
        f"The design cannot estimate {column}: {as_sum} on the runs there are; add runs at other "
        f"combinations of {' and '.join(name for name, _ in term.powers)}, "
        "or leave the term out with analysis.degree or analysis.formula."
    )
