"""The polynomial regression model: which columns its design matrix has, and their values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.fit.coding import Coding
from analysis.fit.terms import columns_of
from analysis.runs.formula import Term

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Block:
    """A fixed block: its column of the run table, and the levels, of which the first is the
    reference of treatment contrasts."""

    name: str
    levels: tuple[Any, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])


@dataclass(frozen=True)
class Model:
    """How a design matrix is made: codings, terms of the polynomial, and blocks."""

    codings: tuple[Coding, ...]
    terms: tuple[Term, ...]
    blocking: tuple[Block, ...] = ()

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks' columns, which follow the intercept."""
        return tuple(column for block in self.blocking for column in block.columns)

    @property
    def block_columns(self) -> tuple[tuple[str, str], ...]:
        """(column, block) of the blocks."""
        return tuple((column, block.name) for block in self.blocking for column in block.columns)

    @property
    def replicates(self) -> tuple[Any, ...]:
        """Levels of the replicate block; none where replicates are no block."""
        return next((block.levels for block in self.blocking if block.name == "replicate"), ())

    def columns_of(self, block: str) -> slice:
        """Where the columns of a block are in the design matrix."""
        start = 1
        for each in self.blocking:
            if each.name == block:
                return slice(start, start + len(each.columns))
            start += len(each.columns)
        return slice(start, start)

    @cached_property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(column, term) of the polynomial part; a categorical factor's term has many columns."""
        columns = columns_of(self.terms, self.codings)
        return tuple((column.name, column.term.name) for column in columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the design matrix's columns."""
        return ("intercept", *self.blocks, *(column for column, _ in self.columns))

    def matrix(self, points: pd.DataFrame, blocks: pd.DataFrame | None = None) -> Array:
        """Design matrix (n, len(names)) at points in natural units, one column a factor.

        ``blocks`` has a column for each block; without it the points are averaged over the levels
        of every block.
        """
        coded = {coding.name: coding.code(points[coding.name]) for coding in self.codings}
        for coding in self.codings:
            if coding.factor.within is not None:
                parent, levels = coding.factor.within
                coded[coding.name] = (
                    coded[coding.name] * points[parent].isin(levels).to_numpy()[:, None]
                )
        count = len(points)
        if blocks is None:
            shares = [1 / len(block.levels) for block in self.blocking for _ in block.columns]
            block_columns = np.full((count, len(shares)), shares)
        else:
            indicators = [
                blocks[block.name].to_numpy(dtype=object) == level
                for block in self.blocking
                for level in block.levels[1:]
            ]
            block_columns = np.array(indicators, dtype=float).reshape(len(indicators), count).T
        columns = [np.ones((count, 1)), block_columns]
        for term in self.terms:
            values = np.ones((count, 1))
            for name, power in term.powers:
                right = coded[name] ** power
                width = values.shape[1] * right.shape[1]
                values = (values[:, :, None] * right[:, None, :]).reshape(count, width)
            columns.append(values)
        return np.hstack(columns)
