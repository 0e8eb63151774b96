"""Which terms runs can estimate, measured or planned; messages naming those they cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from analysis.fit.model import Array, Model
from analysis.runs.formula import Term, model_terms, polynomial
from analysis.runs.settings import Settings
from common.errors import UserError

# A column counts as a combination of the ones before it when less than this share of it is new.
COLLINEAR = 1e-8
BLOCK_ROWS = 2000


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


def require_planned(model: Model, design: Array) -> None:
    """Raises UserError where the runs of a planned design (n, p) cannot estimate the model."""
    count, columns = design.shape
    if count <= columns:
        raise UserError(
            f"design: {count} runs are planned and the model has {columns} coefficients: at least "
            f"{columns + 1} runs are needed. Ask for more trajectories or replicates, or set "
            "analysis.degree or analysis.formula to a smaller model."
        )
    found = inestimable(model, triangle_of(design))
    if found:
        raise UserError(f"design: {_not_estimable(model, found)}")


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
        "or write analysis.degree: null, and no analysis.formula, for the largest model that can "
        f"be estimated,{formula or ' or leave these terms out'}."
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


def check_plan(
    settings: Settings, factors: Mapping[str, Mapping[str, Any]], replicates: int
) -> None:
    """Refuses, before anything is run, a model that the planned runs cannot estimate.

    factors: the config's, each with its "levels". Where the config leaves the model open, main
    effects have to be possible. Raises UserError as `model_terms` does, for powers that need more
    levels than their factors have (all at once), and for fewer runs than it takes.
    """
    is_open = settings.degree is None and settings.formula is None
    terms = polynomial(settings.factors, 1) if is_open else model_terms(settings)
    numeric = {name: settings.factor(name).numeric for name in factors}
    planned = {name: len(factors[name]["levels"]) for name in factors}
    short = [
        f"{term.name} ({name} has {planned[name]} and it takes {power + 1})"
        for term in terms
        for name, power in term.powers
        if planned[name] <= power and numeric[name]
    ]
    if short:
        raise UserError(
            f"factors: there are too few levels for {', '.join(short)}. Add levels, or "
            + (
                "take these terms out of analysis.formula."
                if settings.formula is not None
                else "write analysis.degree: null for the largest model that can be estimated."
            )
        )
    columns = {name: 1 if numeric[name] else planned[name] - 1 for name in factors}
    of_terms = sum(prod(columns[name] for name, _ in term.powers) for term in terms)
    coefficients = replicates + of_terms  # with the intercept: the first replicate's
    runs = replicates * prod(planned.values())
    if runs <= coefficients:
        raise UserError(
            f"factors, replicates: {runs} runs are planned and the model has {coefficients} "
            f"coefficients: at least {coefficients + 1} runs are needed. Add levels or replicates, "
            "or set analysis.degree or analysis.formula to a smaller model."
        )
