"""The fitted response along one factor, two factors, and over pairs of them.

Vocabulary and conventions are those of response-surface methodology (Box & Draper, *Response
Surfaces, Mixtures, and Ridge Analyses*, 2007; Lenth's `rsm` for R).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Fit
from analysis.fit.means import (
    contrasts_at,
    curve_values,
    estimates,
    held_at,
    max_t_critical,
    shown_levels,
    usable_df,
)
from analysis.fit.resampling import Stream
from analysis.runs.settings import Settings

CURVE_POINTS = 21
SURFACE_POINTS = 15


def effects(fit: Fit, settings: Settings) -> pd.DataFrame:
    """Fitted mean along each factor with pointwise intervals and simultaneous bands.

    The band holds for one factor's whole curve. Its degrees of freedom are the smallest along
    the curve.
    """
    rng = Stream.BANDS.generator(settings)
    parts = []
    for coding in fit.model.codings:
        values = curve_values(coding, CURVE_POINTS)
        rows = contrasts_at(fit, {coding.name: values})
        part = estimates(fit, rows, settings.alpha)
        critical = max_t_critical(
            rows, fit.covariance, float(usable_df(fit, rows).min()), settings.alpha, rng
        )
        part["band_low"] = part["estimate"] - critical * part["std_error"]
        part["band_high"] = part["estimate"] + critical * part["std_error"]
        # The band contains the intervals also where those have fewer degrees of freedom.
        part["band_low"] = part[["band_low", "ci_low"]].min(axis=1)
        part["band_high"] = part[["band_high", "ci_high"]].max(axis=1)
        coded = coding.code(values)[:, 0] if coding.factor.numeric else np.nan
        head = {"factor": coding.name, "value": values, "coded": coded}
        parts.append(_labelled(fit, part, head, held_at(fit, [coding.name])))
    return pd.concat(parts, ignore_index=True)


def interactions(fit: Fit, settings: Settings) -> pd.DataFrame:
    """Fitted mean along each factor at the levels of each other one."""
    parts = []
    for coding, other in permutations(fit.model.codings, 2):
        grid = list(product(shown_levels(other), curve_values(coding, CURVE_POINTS)))
        other_values, values = (list(column) for column in zip(*grid, strict=True))
        rows = contrasts_at(fit, {coding.name: values, other.name: other_values})
        part = estimates(fit, rows, settings.alpha)
        head = {
            "factor": coding.name,
            "value": values,
            "other": other.name,
            "other_value": other_values,
        }
        parts.append(_labelled(fit, part, head, held_at(fit, [coding.name, other.name])))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def surfaces(fit: Fit) -> pd.DataFrame:
    """Fitted mean and its standard error on a grid over each pair of numeric factors.

    With three factors the third is held at each of its levels in turn, with more the others stay
    at coded 0.
    """
    numeric = [coding for coding in fit.model.codings if coding.factor.numeric]
    parts = []
    for across, up in combinations(numeric, 2):
        others = [c for c in fit.model.codings if c.name not in (across.name, up.name)]
        third = others[0] if len(others) == 1 else None
        grid = product(curve_values(across, SURFACE_POINTS), curve_values(up, SURFACE_POINTS))
        x, y = (list(column) for column in zip(*grid, strict=True))
        for level in shown_levels(third) if third else [None]:
            points: dict[str, Sequence[Any]] = {across.name: x, up.name: y}
            held = held_at(fit, [across.name, up.name])
            if third:
                points[third.name] = [level] * len(x)
                held = (
                    f"{third.name}={level:.4g}" if third.factor.numeric else f"{third.name}={level}"
                )
            rows = contrasts_at(fit, points)
            variances = np.einsum("ki,ij,kj->k", rows, fit.covariance, rows)
            part = pd.DataFrame(
                {"estimate": rows @ fit.coefficients, "std_error": np.sqrt(variances)}
            )
            head = {"factor_x": across.name, "x": x, "factor_y": up.name, "y": y}
            parts.append(_labelled(fit, part, head, held))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _labelled(fit: Fit, part: pd.DataFrame, head: Mapping[str, Any], held: str) -> pd.DataFrame:
    columns = {"metric": fit.metric, "framing": fit.framing, **head, "held": held}
    return pd.concat([pd.DataFrame(columns, index=part.index), part], axis=1)
