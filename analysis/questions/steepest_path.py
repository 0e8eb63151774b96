"""The path of steepest ascent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize

from analysis.fit.coding import names_of
from analysis.fit.least_squares import Array, Fit
from analysis.questions.canonical import inside_region, predictions_at, second_order
from analysis.runs.settings import Settings
from analysis.runs.study import Note

PATH_DISTANCES = np.linspace(0, 2, 21)


def steepest_path(b: Array, matrix: Array, distances: Array) -> Array:
    """Points (distances, factors) that maximise b'x + x'Bx at each distance from the centre.

    Ridge analysis (Draper 1963) as in `rsm::steepest`: x = (μI − B)⁻¹b/2 with μ above B's largest
    eigenvalue such that ‖x‖ is the distance. Without B this is the straight line along b.
    """
    values, vectors = np.linalg.eigh(matrix)
    slopes = vectors.T @ b
    below = values[-1] - values  # of the largest eigenvalue: μ is told by how far it is above
    leading = below <= 1e-10 * np.abs(values).max()
    path = []
    for distance in distances:
        if distance == 0:
            path.append(np.zeros(len(b)))
            continue
        # ‖x‖ is at least `distance` at the lower and at most at the upper end.
        upper = np.linalg.norm(slopes) / (2 * distance)
        lower = np.linalg.norm(slopes[leading]) / (2 * distance)

        def point(above: float) -> Array:
            gap = above + below
            return np.divide(slopes, 2 * gap, out=np.zeros_like(slopes), where=gap > 0)

        def excess(above: float, distance: float = distance) -> float:
            return float(np.linalg.norm(point(above)) - distance)

        if excess(lower) > 0 > excess(upper):
            solution = point(optimize.brentq(excess, lower, upper, xtol=1e-14))
        else:
            solution = point(lower if excess(lower) <= 0 else upper)
            short = distance**2 - solution @ solution
            if short > 1e-12:  # no slope along the top axis: the rest of the way goes along it
                solution[-1] += np.sqrt(short)
        path.append(vectors @ solution)
    return np.array(path)


def why_no_path(fit: Fit) -> str | None:
    """The sentence that says why there is no path of steepest ascent, or None."""
    if any(term.kind == "higher" for term in fit.model.terms):
        return "The model has terms beyond the second order."
    if not second_order(fit).b.any():
        return "The model has no slope at the centre that a direction could follow."
    return None


def steepest(fit: Fit, settings: Settings, distances: Array = PATH_DISTANCES) -> pd.DataFrame:
    """Path along which the metric gets better fastest, from the design's centre (coded 0).

    inside says whether the point lies within the studied region; beyond it the path extrapolates.
    """
    if why_no_path(fit):
        return pd.DataFrame(columns=["metric", "distance", "predicted", "inside"])
    second = second_order(fit)
    sign = settings.metric(fit.metric).sign
    coded = steepest_path(sign * second.b, sign * second.B, distances)
    predicted, natural = predictions_at(fit, second.codings, coded)
    names = names_of(second.codings)
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "distance": distances,
            **dict(zip(names, natural.T, strict=True)),
            **{f"{name}_coded": column for name, column in zip(names, coded.T, strict=True)},
            "predicted": predicted,
            "inside": inside_region(second.codings, coded),
        }
    )


def notes(fit: Fit) -> list[Note]:
    """Why there is no path, if there is none."""
    reason = why_no_path(fit)
    return [Note("steepest ascent", f"no path. {reason}", fit.metric)] if reason else []
