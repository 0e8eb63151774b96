"""Polynomials of other degrees beside the one that is analysed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis import words
from analysis.fit.least_squares import Fit, ordinary_least_squares
from analysis.questions.diagnostics import leverage
from analysis.runs.formula import Term, polynomial
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from common.errors import UserError

DEGREES = (1, 2, 3)


def estimable_polynomial(study: Study, settings: Settings, degree: int) -> tuple[Term, ...]:
    """The full polynomial less the powers for which a factor has too few levels."""
    levels = study.runs[list(settings.factor_names)].nunique()
    return tuple(
        term
        for term in polynomial(settings.factors, degree)
        if all(power < levels[name] for name, power in term.powers)
    )


def polynomials(study: Study, settings: Settings) -> dict[int, tuple[Term, ...]]:
    """The estimable polynomial of each degree that has terms of its own left."""
    found = {degree: estimable_polynomial(study, settings, degree) for degree in DEGREES}
    return {n: terms for n, terms in found.items() if max(term.degree for term in terms) == n}


def models(study: Study, settings: Settings) -> tuple[pd.DataFrame, list[Note]]:
    """Polynomials of degree 1, 2 and 3 side by side, fitted by ordinary least squares.

    AICc is Hurvich & Tsai's (1989); like R's ``AIC`` it counts the variance as a parameter.
    """
    allowed = polynomials(study, settings)
    rows, notes = [], _missing_powers(study, settings, allowed)
    for metric in settings.metric_names:
        if study.response(metric, "absolute").nunique() < 2 or metric in study.determined:
            continue
        for degree, terms in allowed.items():
            try:
                fit = ordinary_least_squares(study, settings, metric, "absolute", terms=terms)
            except UserError as error:
                notes.append(Note("models", f"no model of degree {degree}. {error}", metric))
                continue
            rows.append((metric, degree, *_quality(fit)))
            if np.isnan(rows[-1][3]):
                few = f"{len(fit.response)} runs are too few for {len(fit.coefficients)} terms"
                notes.append(Note("models", f"no AICc of degree {degree}: {few}.", metric))
    columns = ["parameters", "aicc", "adjusted_r_squared", "predicted_r_squared"]
    return pd.DataFrame(rows, columns=["metric", "degree", *columns]), notes


def _missing_powers(
    study: Study, settings: Settings, allowed: Mapping[int, tuple[Term, ...]]
) -> list[Note]:
    levels = study.runs[list(settings.factor_names)].nunique()
    notes: list[Note] = []
    for degree in DEGREES:
        powers = [
            words.term([(factor.name, None, levels[factor.name])])
            for factor in settings.factors
            if factor.numeric and levels[factor.name] <= degree
        ]
        if powers:
            without = f"without {words.listed(powers)}, for which there are too few levels"
            sentence = (
                f"The model of degree {degree} is fitted {without}."
                if degree in allowed
                else f"There is no model of degree {degree}: {without}, it has no terms of its own."
            )
            notes.append(Note("models", sentence))
    return notes


def _quality(fit: Fit) -> tuple[int, float, float, float]:
    count, columns = fit.design.shape
    residual = float(fit.residuals @ fit.residuals)
    total = float(((fit.response - fit.response.mean()) ** 2).sum())
    press = float((leverage(fit).prediction_error ** 2).sum())
    parameters = columns + 1
    aic = count * (np.log(2 * np.pi * residual / count) + 1) + 2 * parameters
    left = count - parameters - 1
    aicc = aic + 2 * parameters * (parameters + 1) / left if left > 0 else np.nan
    adjusted = 1 - (residual / (count - columns)) / (total / (count - 1))
    return columns, aicc, adjusted, 1 - press / total
