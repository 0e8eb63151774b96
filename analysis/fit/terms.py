"""The columns that the model's terms have, and what their names mean.

Columns are named as in ``coefficients.csv``: ``intercept``, ``learning_rate``,
``learning_rate:batch_size``, ``learning_rate^2``, ``schedule[linear]``, ``replicate[1]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import pandas as pd

from analysis.fit.coding import Coding, codings
from analysis.runs.formula import Term
from analysis.runs.settings import Settings
from analysis.runs.study import Study


@dataclass(frozen=True)
class Column:
    """One column of the design matrix: a term, and the level it stands for of each category in it.

    levels: one for each factor of the term, None for a number.
    """

    term: Term
    levels: tuple[Any, ...]

    @property
    def parts(self) -> tuple[tuple[str, Any, int], ...]:
        """(factor, level, power) of each factor; none for the intercept."""
        powers = zip(self.term.powers, self.levels, strict=True)
        return tuple((name, level, power) for (name, power), level in powers)

    @property
    def name(self) -> str:
        """As the tables have it: ``learning_rate:schedule[linear]``, ``epochs^2``."""
        named = (
            (name if level is None else f"{name}[{level}]", power)
            for name, level, power in self.parts
        )
        return Term(tuple(named)).name or "intercept"


INTERCEPT = Column(Term(()), ())


def columns_of(terms: Sequence[Term], codings: Sequence[Coding]) -> tuple[Column, ...]:
    """The columns of the terms; one of a categorical factor has many."""
    levels = {
        coding.name: (None,) if coding.factor.numeric else coding.levels[1:] for coding in codings
    }
    return tuple(
        Column(term, chosen)
        for term in terms
        for chosen in product(*(levels[name] for name, _ in term.powers))
    )


def columns_by_name(study: Study, settings: Settings) -> dict[str, Column]:
    """What the names mean that the tables have of the model's columns, factors and their groups."""
    terms = list(dict.fromkeys(term for chosen in study.terms.values() for term in chosen))
    groups = [*combinations(settings.factor_names, 1), *combinations(settings.factor_names, 2)]
    groups += [
        tuple(name for name in settings.factor_names if name in dict(term.powers)) for term in terms
    ]
    whole = [
        Column(Term(tuple((name, 1) for name in group)), (None,) * len(group)) for group in groups
    ]
    of_model = columns_of(terms, codings(study.runs, settings, "absolute", {}))
    return {column.name: column for column in (*whole, *of_model, INTERCEPT)}


def are_blocks(names: pd.Series, settings: Settings) -> pd.Series:
    """Which of the coefficients of these names are a block's, which is part of no term."""
    blocks = tuple(f"{name}[" for name in ("replicate", *(settings.blocks or ())))
    return names.map(lambda name: name.startswith(blocks)).astype(bool)
