"""The fitted response along one factor, two factors, and over pairs of them.

Vocabulary and conventions are those of response-surface methodology (Box & Draper, *Response
Surfaces, Mixtures, and Ridge Analyses*, 2007; Lenth's `rsm` for R).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.coding import exist_together, levels_beside
from analysis.fit.held import Held, held_at, shown_levels, surface_slices
from analysis.fit.least_squares import Fit
from analysis.fit.means import (
    contrasts_at,
    curve_values,
    estimates,
    max_t_critical,
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
        parts.append(_labelled(fit, part, head, held_at(fit.model.codings, [coding.name])))
    return pd.concat(parts, ignore_index=True)


def interactions(fit: Fit, settings: Settings) -> pd.DataFrame:
    """Fitted mean along each factor at the levels of each other one."""
    parts = []
    for coding, other in permutations(fit.model.codings, 2):
        if not exist_together(fit.model.codings, (coding, other)):
            continue
        others = [level for level in shown_levels(other) if level in levels_beside(other, [coding])]
        grid = list(product(others, curve_values(coding, CURVE_POINTS)))
        other_values, values = (list(column) for column in zip(*grid, strict=True))
        rows = contrasts_at(fit, {coding.name: values, other.name: other_values})
        part = estimates(fit, rows, settings.alpha)
        head = {
            "factor": coding.name,
            "value": values,
            "other": other.name,
            "other_value": other_values,
        }
        parts.append(
            _labelled(fit, part, head, held_at(fit.model.codings, [coding.name, other.name]))
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def surfaces(fit: Fit) -> pd.DataFrame:
    """Fitted mean and its standard error on a grid over each pair of numeric factors.

    With three factors the third is held at each of its levels in turn, with more the others stay
    at coded 0.
    """
    numeric = [coding for coding in fit.model.codings if coding.factor.numeric]
    parts = []
    for across, up in combinations(numeric, 2):
        if not exist_together(fit.model.codings, (across, up)):
            continue
        grid = product(curve_values(across, SURFACE_POINTS), curve_values(up, SURFACE_POINTS))
        x, y = (list(column) for column in zip(*grid, strict=True))
        for held in surface_slices(fit.model.codings, across.name, up.name):
            besides = {name: [value] * len(x) for name, value in held.values.items()}
            rows = contrasts_at(fit, {across.name: x, up.name: y, **besides})
            variances = np.einsum("ki,ij,kj->k", rows, fit.covariance, rows)
            part = pd.DataFrame(
                {"estimate": rows @ fit.coefficients, "std_error": np.sqrt(variances)}
            )
            head = {"factor_x": across.name, "x": x, "factor_y": up.name, "y": y}
            parts.append(_labelled(fit, part, head, held))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _labelled(fit: Fit, part: pd.DataFrame, head: Mapping[str, Any], held: Held) -> pd.DataFrame:
    columns = {"metric": fit.metric, "framing": fit.framing, **head, "held": held.label}
    return pd.concat([pd.DataFrame(columns, index=part.index), part], axis=1)
