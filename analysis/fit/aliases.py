"""What an estimate also has in it where terms that the model is without are there after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.fit.model import Array, Model
from analysis.runs.formula import Term
from analysis.variables import Factor

LEAST = 0.1  # of a term's coefficient; less of it in another estimate is not told


@dataclass(frozen=True)
class Alias:
    """``share`` of the coefficient of ``alias`` is in the estimate of ``column``."""

    column: str
    alias: str
    share: float


def further_terms(factors: Sequence[Factor], terms: Sequence[Term]) -> tuple[Term, ...]:
    """Terms that may be there beside a model's: squares, and products of two and three factors."""
    squares = [Term(((f.name, 2),)) for f in factors if f.numeric]
    products = [
        Term(tuple((f.name, 1) for f in some)) for n in (2, 3) for some in combinations(factors, n)
    ]
    return tuple(term for term in (*products, *squares) if term not in terms)


def aliases(model: Model, runs: pd.DataFrame, further: Sequence[Term]) -> list[Alias]:
    """By least squares (X'X)⁻¹X'Z, Z the columns of further terms over the runs (Box & Wilson 1951,
    J. R. Stat. Soc. B 13); without what is smaller than LEAST, or in the intercept and blocks.

    ``runs`` has a column a factor and a block, natural units; they can estimate the model.
    """
    design = model.matrix(runs, runs)
    others = replace(model, terms=tuple(further), blocking=())
    shares: Array = np.linalg.lstsq(design, others.matrix(runs)[:, 1:], rcond=None)[0]
    first = len(model.names) - len(model.columns)
    return [
        Alias(model.names[row], others.names[1 + column], float(shares[row, column]))
        for row in range(first, len(shares))
        for column in range(shares.shape[1])
        if abs(shares[row, column]) >= LEAST
    ]
