"""Canonical analysis of the fitted second-order surface: stationary point and eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import words
from analysis.fit.coding import Coding, names_of
from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import contrasts_at
from analysis.runs.study import Note

SINGULAR = 1e-9  # ratio of smallest to largest |eigenvalue| below which a ridge has no centre


@dataclass(frozen=True)
class SecondOrder:
    """y = intercept + b'x + x'Bx in the coded numeric factors x, the others at coded 0."""

    codings: tuple[Coding, ...]
    b: Array
    B: Array


def second_order(fit: Fit) -> SecondOrder:
    """First- and second-order coefficients of the numeric factors; B is 0 without such terms."""
    codings = tuple(coding for coding in fit.model.codings if coding.factor.numeric)
    position = {coding.name: number for number, coding in enumerate(codings)}
    b, matrix = np.zeros(len(codings)), np.zeros((len(codings), len(codings)))
    coefficient = dict(zip(fit.names, fit.coefficients, strict=True))
    for term in fit.model.terms:
        if not all(name in position for name, _ in term.powers):
            continue
        at = [position[name] for name, _ in term.powers]
        if term.kind == "FO":
            b[at[0]] = coefficient[term.name]
        elif term.kind == "PQ":
            matrix[at[0], at[0]] = coefficient[term.name]
        elif term.kind == "TWI":
            matrix[at[0], at[1]] = matrix[at[1], at[0]] = coefficient[term.name] / 2
    return SecondOrder(codings, b, matrix)


def curved(fit: Fit) -> SecondOrder:
    """`second_order` of only those factors that have second-order terms."""
    full = second_order(fit)
    # A term of the model counts even where its coefficient happens to be 0.
    numeric = set(names_of(full.codings))
    involved = [{name for name, _ in term.powers} for term in fit.model.terms if term.degree == 2]
    bent = set().union(*(names for names in involved if names <= numeric))
    kept = np.array([coding.name in bent for coding in full.codings], dtype=bool)
    codings = tuple(coding for coding in full.codings if coding.name in bent)
    return SecondOrder(codings, full.b[kept], full.B[np.ix_(kept, kept)])


def stationary_point(b: Array, matrix: Array) -> Array | None:
    """−B⁻¹b/2, or None where B is singular (a ridge without a centre)."""
    eigenvalues = np.abs(np.linalg.eigvalsh(matrix))
    if len(b) == 0 or eigenvalues.min() <= SINGULAR * eigenvalues.max():
        return None
    return -0.5 * np.linalg.solve(matrix, b)


def canonical_axes(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues of B, largest first, and their directions in columns.

    The sign of a direction is free; its largest component is made positive.
    """
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    return values, vectors * np.sign(vectors[largest, range(len(values))])


def nature(eigenvalues: Array) -> str:
    if (eigenvalues < 0).all():
        return "maximum"
    return "minimum" if (eigenvalues > 0).all() else "saddle"


def why_not_canonical(fit: Fit) -> str | None:
    """The sentence that says why there is no canonical analysis, or None."""
    if any(term.kind == "higher" for term in fit.model.terms):
        return "The model has terms beyond the second order, for which there is none."
    second = curved(fit)
    if not second.codings:
        return "The model has no second-order terms of numeric factors."
    if stationary_point(second.b, second.B) is None:
        return "The second-order coefficients are singular: the surface is a ridge with no centre."
    return None


def predictions_at(fit: Fit, codings: Sequence[Coding], coded: Array) -> tuple[Array, Array]:
    """Fitted mean (k,) and natural values (k, factors) at coded points (k, factors)."""
    with np.errstate(over="ignore"):
        natural = np.column_stack(
            [coding.decode(column) for coding, column in zip(codings, coded.T, strict=True)]
        )
    model = second_order(fit)
    full = np.zeros((len(coded), len(model.codings)))
    full[:, [names_of(model.codings).index(coding.name) for coding in codings]] = coded
    # From the coefficients, not from natural values: far outside the region those overflow.
    centre = float((contrasts_at(fit, {}) @ fit.coefficients)[0])
    quadratic = np.einsum("ki,ij,kj->k", full, model.B, full)
    return centre + full @ model.b + quadratic, natural


def inside_region(codings: Sequence[Coding], coded: Array) -> NDArray[np.bool_]:
    """(k,) whether coded points (k, factors) lie within the studied limits of every factor."""
    limits = np.array([coding.code(coding.limits)[:, 0] for coding in codings])
    within = (coded >= limits[:, 0] - 1e-9) & (coded <= limits[:, 1] + 1e-9)
    return np.all(within, axis=1)


def stationary(fit: Fit) -> pd.DataFrame:
    """Stationary point, one row a factor; empty where `why_not_canonical` gives a reason."""
    names = ["metric", "nature", "inside", "predicted", "factor", "coded", "natural"]
    second = curved(fit)
    point = stationary_point(second.b, second.B)
    if point is None or why_not_canonical(fit):
        return pd.DataFrame(columns=names)
    predicted, natural = predictions_at(fit, second.codings, point[None])
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "nature": nature(canonical_axes(second.B)[0]),
            "inside": bool(inside_region(second.codings, point[None])[0]),
            "predicted": predicted[0],
            "factor": names_of(second.codings),
            "coded": point,
            "natural": natural[0],
        }
    )[names]


def eigenvalues(fit: Fit) -> pd.DataFrame:
    """Curvature along the canonical axes, largest first, with each axis's direction (coded)."""
    second = curved(fit)
    if any(term.kind == "higher" for term in fit.model.terms) or not second.codings:
        return pd.DataFrame(columns=["metric", "index", "eigenvalue"])
    values, vectors = canonical_axes(second.B)
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "index": np.arange(1, len(values) + 1),
            "eigenvalue": values,
            **dict(zip(names_of(second.codings), vectors, strict=True)),
        }
    )


def notes(fit: Fit) -> list[Note]:
    """What this fit's canonical analysis cannot tell."""
    reason = why_not_canonical(fit)
    if reason:
        return [Note("canonical analysis", f"no stationary point. {reason}", fit.metric)]
    bent = names_of(curved(fit).codings)
    left = [words.name(coding.name) for coding in fit.model.codings if coding.name not in bent]
    if not left:
        return []
    sentence = (
        f"{words.listed(left)} without a second-order term among the numeric factors: held at the "
        "centre (averaged, if categorical)."
    )
    return [Note("canonical analysis", sentence, fit.metric)]
