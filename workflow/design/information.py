"""What training runs tell of a model's coefficients, when a run's cells have an error in common.

With V = I + ηJ within a run (η: the variance between runs, as a multiple of that within them) the
information X'V⁻¹X is a sum over runs. A column of X is a product over the factors, so that it and
its moments over the region come from one table a factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.fit.coding import Coding
from analysis.fit.terms import Column

Array = NDArray[np.floating[Any]]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)  # exact up to the 19th power


def factor_table(columns: Sequence[Column], coding: Coding, coded: Array) -> Array:
    """What a factor contributes to each column, (n, p), for rows of its coded columns."""
    place = {level: at for at, level in enumerate(coding.levels[1:])}
    parts = [
        next(((level, power) for name, level, power in c.parts if name == coding.name), None)
        for c in columns
    ]
    table = np.ones((len(coded), len(columns)))
    for at, part in enumerate(parts):
        if part is not None:
            level, power = part
            table[:, at] = coded[:, 0 if level is None else place[level]] ** power
    return table


def rows(
    columns: Sequence[Column], codings: Sequence[Coding], values: Mapping[str, Sequence[Any]]
) -> Array:
    """The model's columns (n, p) at settings: by factor the n values that it has."""
    tables = [factor_table(columns, each, each.code(values[each.name])) for each in codings]
    return reduce(np.multiply, tables)


def whitening(cells: int, ratio: float, correlation: float = 0.0) -> Array:
    """L' (cells, cells) with L L' = (R + ηJ)⁻¹; correlated errors become independent by it.

    R: the correlation of errors along a run, that of neighbours to the power of the distance.
    """
    distance = np.abs(np.subtract.outer(np.arange(cells), np.arange(cells)))
    within = np.power(correlation, distance) if correlation else np.eye(cells)
    return np.linalg.cholesky(np.linalg.inv(within + ratio)).T


def moments(columns: Sequence[Column], codings: Sequence[Coding]) -> Array:
    """The mean (p, p) of f(x)f(x)' over the region: numbers uniform on their scale, levels of a
    category alike."""
    result = np.ones((len(columns), len(columns)))
    for coding in codings:
        if coding.factor.numeric:
            table = factor_table(columns, coding, NODES[:, None])
            result *= table.T @ (WEIGHTS[:, None] / 2 * table)
        else:
            table = factor_table(columns, coding, coding.code(coding.levels))
            result *= table.T @ table / len(coding.levels)
    return result
