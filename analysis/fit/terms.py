"""The terms of the model, from the degree or the formula of the config.

Terms are written as in ``coefficients.csv``: ``intercept``, ``learning_rate``,
``learning_rate:batch_size``, ``learning_rate^2``, ``schedule[linear]``, ``replicate[1]``. The
grammar of formulas is this one alone: nothing of a formula is ever evaluated.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product
from math import prod
from typing import Any

from analysis.fit.coding import Coding, codings
from analysis.runs.settings import Factor, Settings
from analysis.runs.study import Study
from common.errors import UserError
from common.messages import nearest, shown


@dataclass(frozen=True)
class Term:
    """A product of powers of factors, e.g. (("learning_rate", 1), ("epochs", 2))."""

    powers: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        return ":".join(f"{name}^{power}" if power > 1 else name for name, power in self.powers)

    @property
    def degree(self) -> int:
        return sum(power for _, power in self.powers)

    @property
    def kind(self) -> str:
        """FO, TWI or PQ as in Lenth's ``rsm`` for R; "higher" for the rest."""
        shape = sorted(power for _, power in self.powers)
        return {(1,): "FO", (1, 1): "TWI", (2,): "PQ"}.get(tuple(shape), "higher")


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
    terms = model_terms(settings)
    groups = [*combinations(settings.factor_names, 1), *combinations(settings.factor_names, 2)]
    groups += [
        tuple(name for name in settings.factor_names if name in dict(term.powers)) for term in terms
    ]
    whole = [
        Column(Term(tuple((name, 1) for name in group)), (None,) * len(group)) for group in groups
    ]
    of_model = columns_of(terms, codings(study.runs, settings, "absolute", {}))
    return {column.name: column for column in (*whole, *of_model, INTERCEPT)}


def is_block(name: str) -> bool:
    """Whether a coefficient of this name is a replicate's, which is part of no term."""
    return name.startswith("replicate[")


def polynomial(factors: Sequence[Factor], degree: int) -> tuple[Term, ...]:
    """Every term of the full polynomial; a categorical factor enters no powers."""
    terms = []
    for order in range(1, degree + 1):
        of_order = [
            Term(tuple(Counter(names).items()))
            for names in combinations_with_replacement([f.name for f in factors], order)
        ]
        terms += sorted(of_order, key=lambda term: -len(term.powers))  # products before powers
    categorical = {factor.name for factor in factors if not factor.numeric}
    return tuple(
        term
        for term in terms
        if all(power == 1 or name not in categorical for name, power in term.powers)
    )


def parse_formula(formula: str, factors: Sequence[Factor]) -> tuple[Term, ...]:
    """Terms of e.g. ``learning_rate + batch_size + learning_rate:batch_size + epochs^2``.

    Raises UserError naming the part that is not understood.
    """
    known = {factor.name: factor for factor in factors}
    terms: list[Term] = []
    for part in formula.split("+"):
        powers: Counter[str] = Counter()
        for piece in part.split(":"):
            match = re.fullmatch(r"\s*([^\s^:+*]+?)\s*(?:\^\s*([1-9]))?\s*", piece)
            if match is None:
                raise UserError(
                    f"analysis.formula: {shown(part.strip())} is not understood; "
                    "join terms with +, factors of a term with :, and write powers as epochs^2."
                )
            name, power = match[1], int(match[2] or 1)
            if name not in known:
                raise UserError(
                    f"analysis.formula: no factor {shown(name)}; {nearest(name, known)}"
                )
            powers[name] += power
        term = Term(tuple(sorted(powers.items(), key=lambda item: list(known).index(item[0]))))
        for name, power in term.powers:
            if power > 1 and not known[name].numeric:
                raise UserError(f"analysis.formula: {name} is categorical and has no powers.")
        if term in terms:
            raise UserError(f"analysis.formula: {term.name} is there twice.")
        terms.append(term)
    return tuple(terms)


def model_terms(settings: Settings) -> tuple[Term, ...]:
    """The terms the config asks for, without the intercept."""
    if settings.formula is not None:
        return parse_formula(settings.formula, settings.factors)
    return polynomial(settings.factors, settings.degree)


def check_plan(
    settings: Settings, factors: Mapping[str, Mapping[str, Any]], replicates: int
) -> None:
    """Refuses, before anything is run, a model that the planned runs cannot estimate.

    factors: the config's, each with its "levels". Raises UserError as `model_terms` does, for a
    power that needs more levels than its factor has, and for fewer runs than it takes.
    """
    terms = model_terms(settings)
    numeric = {name: settings.factor(name).numeric for name in factors}
    for term in terms:
        for name, power in term.powers:
            planned = len(factors[name]["levels"])
            if planned > power or not numeric[name]:
                continue
            remedy = f"write analysis.degree: {planned - 1}"
            if settings.formula is not None:
                remedy = f"take {term.name} out of analysis.formula"
            raise UserError(
                f"factors.{name}.levels: {planned} levels cannot tell the term {term.name}. "
                f"Add a level, or {remedy}."
            )
    columns = {name: 1 if numeric[name] else len(factors[name]["levels"]) - 1 for name in factors}
    of_terms = sum(prod(columns[name] for name, _ in term.powers) for term in terms)
    coefficients = replicates + of_terms  # with the intercept: the first replicate's
    runs = replicates * prod(len(factor["levels"]) for factor in factors.values())
    if runs <= coefficients:
        raise UserError(
            f"factors, replicates: {runs} runs are planned and the model has {coefficients} "
            f"coefficients: at least {coefficients + 1} runs are needed. Add levels or replicates, "
            "or set analysis.degree or analysis.formula to a smaller model."
        )
