"""The terms that the config asks for, by a degree or a formula.

Terms are written as in ``coefficients.csv``: ``learning_rate``, ``learning_rate:batch_size``,
``learning_rate^2``. The grammar of formulas is this one alone: nothing of a formula is ever
evaluated.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import comb

from analysis.runs.settings import Settings
from analysis.variables import Factor
from common.errors import UserError
from common.messages import nearest, shown

MOST_TERMS = 1000  # of a formula
HIGHEST = 2  # degree of the largest model that is tried where neither degree nor formula is given


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


def model_terms(settings: Settings) -> tuple[Term, ...]:
    """The terms the config asks for, without the intercept."""
    if settings.formula is not None:
        return parse_formula(settings.formula, settings.factors)
    return polynomial(settings.factors, settings.degree or HIGHEST)


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
    """Terms of a formula, written as R writes them.

    ``a + b``, ``a:b`` for a product, ``a*b`` for ``a + b + a:b``, ``(a + b + c)^2`` for a sum and
    the products of two of its terms, `` - a:b`` takes a term out. Unlike R's, ``a^2`` of a factor
    is its square. Raises UserError naming the part that is not understood.
    """
    reader = _FormulaReader(formula, {factor.name: factor for factor in factors})
    return reader.whole()


class _FormulaReader:
    """Recursive descent: a sum of crossings (*) of products (:) of powers (^).

    Every rule returns its terms in order, each once.
    """

    def __init__(self, formula: str, factors: Mapping[str, Factor]) -> None:
        self.formula = formula
        self.factors = factors
        self.order = list(factors)
        # a factor's name may hold a hyphen, so minus is one only where no name goes on
        self.tokens = list(re.finditer(r"[^\W\d_][\w.-]*|[-+*:^()]|[^\s\w]+|\w+", formula))
        self.at = 0
        self.depth = 0

    def whole(self) -> tuple[Term, ...]:
        terms = self.sum()
        if self.at < len(self.tokens):
            raise self.not_understood()
        if not terms:
            raise UserError("analysis.formula: no term is left.")
        return tuple(terms)

    def sum(self) -> list[Term]:
        terms = self.crossing()
        while (sign := self.take("+", "-")) is not None:
            right = self.crossing()
            if sign == "+":
                terms = _union(terms, right)
            else:
                terms = [term for term in terms if term not in right]
        return terms

    def crossing(self) -> list[Term]:
        terms = self.product()
        while self.take("*"):
            right = self.product()
            terms = self.bounded(_union(terms, right, self.products(terms, right)))
        return terms

    def product(self) -> list[Term]:
        terms = self.power()
        while self.take(":"):
            terms = self.products(terms, self.power())
        return terms

    def power(self) -> list[Term]:
        if self.take("("):
            self.depth += 1
            if self.depth > 20:
                raise UserError("analysis.formula: parentheses are nested too deeply.")
            terms = self.sum()
            if not self.take(")"):
                raise self.not_understood()
            self.depth -= 1
            return self.products_within(terms, self.exponent())
        name = self.name()
        return [self.term(Counter({name: self.exponent()}))]

    def name(self) -> str:
        token = self.tokens[self.at][0] if self.at < len(self.tokens) else ""
        if not re.match(r"\w", token):
            raise self.not_understood()
        if token not in self.factors:
            minus = " Write a minus with spaces around it." if "-" in token else ""
            raise UserError(
                f"analysis.formula: no factor {shown(token)}; {nearest(token, self.factors)}{minus}"
            )
        self.at += 1
        return token

    def exponent(self) -> int:
        if not self.take("^"):
            return 1
        token = self.tokens[self.at][0] if self.at < len(self.tokens) else ""
        if not re.fullmatch("[1-9]", token):
            raise self.not_understood()
        self.at += 1
        return int(token)

    def take(self, *symbols: str) -> str | None:
        """The next token if it is one of the symbols, which is then read."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] in symbols:
            self.at += 1
            return self.tokens[self.at - 1][0]
        return None

    def products(self, left: list[Term], right: list[Term]) -> list[Term]:
        every = (Counter(dict(a.powers)) + Counter(dict(b.powers)) for a in left for b in right)
        return self.bounded(_union([self.term(powers) for powers in every]))

    def products_within(self, terms: list[Term], most: int) -> list[Term]:
        """The terms, and their products of up to ``most`` different ones."""
        result = terms
        for count in range(2, min(most, len(terms)) + 1):
            if comb(len(terms), count) > MOST_TERMS:
                raise self.too_many()
            every = (
                sum((Counter(dict(term.powers)) for term in chosen), Counter())
                for chosen in combinations(terms, count)
            )
            result = self.bounded(_union(result, [self.term(powers) for powers in every]))
        return result

    def term(self, powers: Mapping[str, int]) -> Term:
        ordered = sorted(powers.items(), key=lambda item: self.order.index(item[0]))
        for name, power in ordered:
            if power > 1 and not self.factors[name].numeric:
                raise UserError(f"analysis.formula: {name} is categorical and has no powers.")
            if power > 9:
                raise UserError(
                    f"analysis.formula: {name}^{power}: powers above 9 are not supported."
                )
        return Term(tuple(ordered))

    def bounded(self, terms: list[Term]) -> list[Term]:
        if len(terms) > MOST_TERMS:
            raise self.too_many()
        return terms

    def too_many(self) -> UserError:
        return UserError(f"analysis.formula: it has more than {MOST_TERMS} terms.")

    def not_understood(self) -> UserError:
        rest = self.formula[self.tokens[self.at].start() :] if self.at < len(self.tokens) else ""
        return UserError(
            f"analysis.formula: {shown(rest.strip())} is not understood; join terms with +, "
            "factors of a term with : or *; a square is epochs^2, all pairs are (a + b + c)^2."
        )


def _union(*lists: Sequence[Term]) -> list[Term]:
    """Every term once, in order."""
    return list(dict.fromkeys(term for terms in lists for term in terms))
