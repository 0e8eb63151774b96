"""Which factors and blocks varied together, so that they can hardly be told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from analysis.fit.coding import codings
from analysis.fit.least_squares import Array
from analysis.runs.settings import Settings
from analysis.runs.structure import with_result
from analysis.runs.study import Study

# From here on one factor's variance of the estimate is inflated more than fivefold by the other.
TOGETHER = 0.9
COLUMNS = ["first", "second", "correlation", "together"]


def confounding(study: Study, settings: Settings) -> pd.DataFrame:
    """One row a pair of factors, or of a factor and a block, over the runs with a result.

    correlation: |r| of two numeric factors in coded units; in general √(1 − Π(1 − ρ²)^(1/m)) over
    the m canonical correlations ρ of their contrasts, which is that of the generalised variance
    inflation of Fox & Monette (1992, J. Am. Stat. Assoc. 87). together: at least TOGETHER.
    """
    runs = with_result(study.runs, settings)
    contrasts = {
        coding.name: _basis(coding.code(runs[coding.name]))
        for coding in codings(runs, settings, "absolute", {})
    }
    blocks = {name: _indicators(runs[name]) for name in settings.blocks or ()}
    rows = []
    for first, second in [
        *combinations(contrasts, 2),
        *((factor, block) for factor in contrasts for block in blocks),
    ]:
        other = contrasts[second] if second in contrasts else blocks[second]
        correlation = _generalised_correlation(contrasts[first], other)
        rows.append((first, second, correlation, correlation >= TOGETHER))
    return pd.DataFrame(rows, columns=COLUMNS)


def _indicators(labels: pd.Series) -> Array:
    return _basis(pd.get_dummies(labels).to_numpy(dtype=float))


def _basis(columns: Array) -> Array:
    """Orthonormal columns that span the centred ones."""
    left, values, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
    return left[:, values > 1e-9 * values.max(initial=0.0)]


def _generalised_correlation(one: Array, other: Array) -> float:
    canonical = np.linalg.svd(one.T @ other, compute_uv=False)
    if len(canonical) == 0:
        return 0.0
    left = np.clip(1 - np.clip(canonical, 0, 1) ** 2, 0, 1)
    return float(np.sqrt(1 - np.prod(left) ** (1 / len(left))))
