"""Which terms the runs can estimate: the largest model, or a message naming those they cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.model import Array, Model
from analysis.fit.terms import HIGHEST, Term, polynomial
from analysis.runs.settings import Factor
from common.errors import UserError

# A column counts as a combination of the ones before it when less than this share of it is new.
COLLINEAR = 1e-8
BLOCK_ROWS = 2000
MOST_COLUMNS = 300  # of a model that nobody asked for


@dataclass(frozen=True)
class LeftOut:
    """A term of the second order that is not in the model, and why.

    ``reason``: "levels", a factor has too few for the power; "runs", there are fewer than the model
    would have coefficients; "aliased", it cannot be told apart from the terms before it.
    """

    term: Term
    reason: str


def largest_model(
    base: Model, factors: Sequence[Factor], runs: pd.DataFrame
) -> tuple[tuple[Term, ...], tuple[LeftOut, ...]]:
    """The largest polynomial up to the second order that the runs can estimate.

    ``base`` gives codings and blocks. All main effects are in it; products and squares are all
    there but for those that are aliased, or as a whole left out where the runs are too few.
    """
    first = polynomial(factors, 1)
    second = [term for term in polynomial(factors, HIGHEST) if term not in first]
    levels = {coding.name: len(coding.levels) for coding in base.codings}
    left_out = [
        LeftOut(term, "levels") for term in second if any(levels[n] <= p for n, p in term.powers)
    ]
    products = [term for term in second if term.kind == "TWI"]
    squares = [
        term for term in second if term.kind == "PQ" and LeftOut(term, "levels") not in left_out
    ]
    for chosen in ([*products, *squares], products, squares):
        model = replace(base, terms=(*first, *chosen))
        if not chosen or len(model.names) > MOST_COLUMNS:
            continue
        aliased = {name for name, _ in inestimable(model, triangle_of(model.matrix(runs, runs)))}
        kept = tuple(term for term in model.terms if term.name not in aliased or term in first)
        if len(runs) > len(replace(base, terms=kept).names):
            missing = [term for term in (*products, *squares) if term not in chosen]
            left_out += [LeftOut(term, "aliased") for term in chosen if term not in kept]
            left_out += [LeftOut(term, "runs") for term in missing]
            return kept, tuple(left_out)
    return first, (*left_out, *(LeftOut(term, "runs") for term in (*products, *squares)))


def inestimable(model: Model, triangle: Array) -> list[tuple[str, list[str]]]:
    """The terms (or single columns of blocks) that have a column which is a combination of columns
    before it, with the names of these; none where every term can be estimated.

    ``triangle`` is R of the design's QR decomposition, which has the design's inner products.
    """
    lengths = np.linalg.norm(triangle, axis=0)
    scaled = triangle / np.where(lengths > 0, lengths, 1)
    if (np.abs(np.diag(scaled)) > COLLINEAR).all() and len(scaled) == scaled.shape[1]:
        return []
    terms = ["intercept", *model.blocks, *(term for _, term in model.columns)]
    basis: Array = np.empty((len(triangle), 0))
    independent: list[int] = []
    found = []
    for term, group in groupby(range(len(terms)), key=lambda at: terms[at]):
        columns = list(group)
        added, combination = _added(scaled, basis, columns)
        if added is None:
            weights = np.linalg.lstsq(scaled[:, independent], scaled[:, combination], rcond=None)[0]
            same = [
                model.names[i] for i, w in zip(independent, weights, strict=True) if abs(w) > 1e-6
            ]
            found.append((term, same))
            continue
        basis = added
        independent += columns
    return found


def _added(scaled: Array, basis: Array, columns: Sequence[int]) -> tuple[Array | None, int]:
    """The orthonormal basis with the columns in it; None, and the column, where one is not new."""
    for at in columns:
        rest = scaled[:, at]
        for _ in range(2):  # twice is enough (Kahan)
            rest = rest - basis @ (basis.T @ rest)
        length = np.linalg.norm(rest)
        if length <= COLLINEAR:
            return None, at
        basis = np.column_stack([basis, rest / length])
    return basis, -1


def require_estimable(model: Model, count: int, triangle: Array) -> None:
    """Raises UserError naming every term that ``count`` runs cannot estimate, and what would do."""
    columns = len(model.names)
    if count <= columns:
        named = ", ".join(model.names[:20]) + (f" and {columns - 20} more" if columns > 20 else "")
        raise UserError(
            f"The table has {count} usable runs and the model {columns} terms "
            f"({named}): at least {columns + 1} runs are needed; "
            "add runs, or set analysis.degree or analysis.formula to a smaller model."
        )
    found = inestimable(model, triangle)
    if found:
        raise UserError(_not_estimable(model, found))


def _not_estimable(model: Model, found: list[tuple[str, list[str]]]) -> str:
    terms = {term.name: term for term in model.terms}
    for name, same in found:
        if name not in terms:
            return (
                f"The design cannot estimate {name}: {_as_sum(same)}. Leave it out of the blocks."
            )
    alone = [(name, same) for name, same in found if terms[name].kind == "FO"]
    if alone:  # what contains such a factor then follows
        return " ".join(
            f"{name}: perfectly collinear with {', '.join(s for s in same if s != 'intercept')} "
            "in this table, so their effects cannot be told apart; "
            "vary them separately or leave one out of factors."
            for name, same in alone
        )
    levels = {coding.name: len(coding.levels) for coding in model.codings}
    named = [f"{name} ({_reason(terms[name], same, levels)})" for name, same in found]
    missing = {name for name, _ in found}
    kept = " + ".join(name for name in terms if name not in missing)
    formula = f" or write analysis.formula: {kept}" if kept and len(kept) <= 300 else ""
    return (
        f"The design cannot estimate {', '.join(named)}; add runs at other levels or combinations, "
        "or give no analysis.degree and no analysis.formula for the largest model that can be "
        f"estimated,{formula or ' or leave these terms out'}."
    )


def _reason(term: Term, same: Sequence[str], levels: dict[str, int]) -> str:
    for name, power in term.powers:
        if levels[name] <= power:
            return f"{name} has {levels[name]} levels and its power {power} needs {power + 1}"
    return _as_sum(same)


def _as_sum(same: Sequence[str]) -> str:
    more = f" and {len(same) - 6} more" if len(same) > 6 else ""
    return f"it is a combination of {', '.join(same[:6])}{more}" if same else "it is always zero"


def triangle_of(columns: Array) -> Array:
    """R (p, p) of the QR decomposition of columns (n, p), n > p.

    By blocks of rows that fit the processor's cache, then of the blocks' R (TSQR; Demmel et al.
    2012, SIAM J. Sci. Comput. 34): of 100,000 runs eight times as fast as at once with Q. Where the
    last column is the response, that of R is Q'y of the others.
    """
    blocks = np.array_split(columns, max(1, len(columns) // BLOCK_ROWS))
    if len(blocks) > 1:
        columns = np.vstack([np.linalg.qr(block, mode="r") for block in blocks])
    triangle: Any = np.linalg.qr(columns, mode="r")  # its annotation forgets this mode
    return triangle
