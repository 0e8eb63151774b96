"""The best setting among those where the fitted surface knows something."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.fit.coding import Coding
from analysis.fit.least_squares import Fit
from analysis.fit.means import estimates, max_t_critical, usable_df
from analysis.fit.resampling import Stream
from analysis.questions.candidates import Candidates, candidates, is_continuous
from analysis.runs.settings import Settings
from analysis.runs.study import Study

MOST_COMPARED = 200  # candidates over which the interval is simultaneous
BEYOND_POINTS = 2000
COLUMNS = ["metric", "factor", "value", "predicted", "ci_low", "ci_high", "on_edge", "beyond"]


def optimum(fit: Fit, study: Study, settings: Settings) -> pd.DataFrame:
    """The best fitted setting among the `candidates`, one row a factor.

    ci_low, ci_high: of the fitted mean there. The setting was chosen for its mean, so the interval
    is simultaneous over all candidates (max-t; Hothorn, Bretz & Westfall 2008).
    on_edge: the value is the lowest or highest that was studied. beyond: the fitted surface is
    better still within the ranges of the factors, but where no runs surround it.
    """
    sign = settings.metric(fit.metric).sign
    known = candidates(fit, study.runs.loc[fit.rows])
    best = known.best(sign)
    contrast = fit.contrasts(best)
    compared = np.vstack([known.thinned(MOST_COMPARED), contrast])
    critical = max_t_critical(
        compared,
        fit.covariance,
        float(usable_df(fit, compared).min()),
        settings.alpha,
        Stream.CHOSEN.generator(settings),
    )
    mean = estimates(fit, contrast, settings.alpha).iloc[0]
    beyond = _better_beyond(known, sign * mean["estimate"], sign, settings)
    rows = []
    for coding in fit.model.codings:
        value = best[coding.name].iloc[0]
        rows.append(
            {
                "metric": fit.metric,
                "factor": coding.name,
                "value": value,
                "predicted": mean["estimate"],
                "ci_low": mean["estimate"] - critical * mean["std_error"],
                "ci_high": mean["estimate"] + critical * mean["std_error"],
                "on_edge": coding.factor.numeric and _is_limit(coding, value),
                "beyond": beyond,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _is_limit(coding: Coding, value: float) -> bool:
    ends = np.abs(coding.code([value, value])[:, 0] - coding.code(coding.limits)[:, 0])
    return bool(ends.min() < 1e-6)


def _better_beyond(known: Candidates, best: float, sign: int, settings: Settings) -> bool:
    """Whether some setting within the factors' ranges has a clearly better fitted mean."""
    rng = Stream.BEYOND.generator(settings)
    columns = {}
    for coding in known.fit.model.codings:
        if is_continuous(coding):
            low, high = coding.code(coding.limits)[:, 0]
            share = np.clip(rng.uniform(-0.5, 1.5, BEYOND_POINTS), 0, 1)  # many at the ends
            columns[coding.name] = np.clip(
                coding.decode(low + share * (high - low)), *coding.limits
            )
        else:
            levels = np.array(coding.levels, dtype=object)
            columns[coding.name] = levels[rng.integers(0, len(levels), BEYOND_POINTS)]
    fitted = known.fit.contrasts(pd.DataFrame(columns)) @ known.fit.coefficients
    clearly = 0.01 * float(np.ptp(known.contrasts @ known.fit.coefficients))
    return bool((sign * fitted).max() > best + clearly)
