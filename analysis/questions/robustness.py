"""Do the conclusions survive another transform, another degree, one replicate less?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import logit

from analysis import words
from analysis.fit.estimators import Fits, p_values
from analysis.fit.least_squares import Fit, ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.fit.terms import Term, polynomial
from analysis.questions.diagnostics import leverage
from analysis.runs.settings import Metric, Settings
from analysis.runs.study import Note, Study
from common.errors import UserError

DEGREES = (1, 2, 3)
# With more replicates than this no single one can matter, and each costs a fit of everything.
REPLICATES_MOST = 10


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


def conclusions(study: Study, settings: Settings, fits: Fits) -> tuple[pd.DataFrame, list[Note]]:
    """Split-plot estimates of the absolute framing under every variant, against the main ones.

    A term agrees if it is significant in both with one sign, or in neither. ``agrees`` is empty
    for the main fit and for terms it does not have. Estimates are in the variant's own unit
    (log-odds, logarithms).
    """
    tables, notes = [], []
    replicates = study.runs["replicate"].nunique()
    if replicates > REPLICATES_MOST:
        notes.append(
            Note(
                "robustness",
                f"With {replicates} replicates, none was left out in turn to see whether it "
                f"decides a conclusion; that is done for up to {REPLICATES_MOST}.",
            )
        )
    for metric in settings.metrics:
        main = fits.get((metric.name, "absolute", "split_plot"))
        if main is None:
            continue
        reference = _tests(main, settings.alpha)
        tables.append(_labelled("main", metric, reference.assign(agrees=None)))
        for variant, fit in _variants(study, settings, metric):
            try:
                found = _tests(fit(), settings.alpha)
            except UserError as error:
                notes.append(Note("robustness", f"no variant '{variant}'. {error}", metric.name))
                continue
            tables.append(_labelled(variant, metric, found.assign(agrees=_agree(found, reference))))
    columns = ["variant", "metric", "term", "estimate", "p_value", "significant", "agrees"]
    return pd.concat(tables) if tables else pd.DataFrame(columns=columns), notes


def _variants(
    study: Study, settings: Settings, metric: Metric
) -> Iterator[tuple[str, Callable[[], Fit]]]:
    """Names of the variants and how each is fitted."""

    def fitted(
        runs: pd.DataFrame = study.runs, terms: tuple[Term, ...] | None = None
    ) -> Callable[[], Fit]:
        varied = replace(study, runs=runs)
        return lambda: split_plot(varied, settings, metric.name, "absolute", terms=terms)

    values = study.runs[metric.name]
    if metric.unit == "points" and values.dropna().between(0, 1, inclusive="neither").all():
        yield "logit", fitted(study.runs.assign(**{metric.name: logit(values)}))
    elif metric.unit != "points" and (values.dropna() > 0).all():
        yield "log", fitted(study.runs.assign(**{metric.name: np.log(values)}))
    replicates = np.unique(study.runs["replicate"])
    if 1 < len(replicates) <= REPLICATES_MOST:
        for left_out in replicates:
            kept = study.runs[study.runs["replicate"] != left_out]
            yield f"without replicate {left_out}", fitted(kept)
    for degree, terms in polynomials(study, settings).items():
        if set(terms) != set(study.terms[metric.name]):
            yield f"degree {degree}", fitted(terms=terms)


def _tests(fit: Fit, alpha: float) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "term": fit.names,
            "estimate": fit.coefficients,
            "p_value": p_values(fit),
        }
    )
    # neither the level nor the draw of a replicate is a conclusion
    kept = ~table["term"].isin(["intercept", *fit.model.blocks])
    return table[kept].assign(significant=table["p_value"] < alpha)


def _agree(found: pd.DataFrame, reference: pd.DataFrame) -> pd.Series:
    main = reference.set_index("term").reindex(found["term"])
    same_sign = np.sign(found["estimate"].to_numpy()) == np.sign(main["estimate"].to_numpy())
    both, known = main["significant"].to_numpy(), main["estimate"].notna().to_numpy()
    significant = found["significant"].to_numpy()
    agrees = (significant == both) & (same_sign | ~significant)
    return pd.Series(agrees, index=found.index, dtype=object).where(known, None)


def _labelled(variant: str, metric: Metric, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "variant", variant)
    table.insert(1, "metric", metric.name)
    return table


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
