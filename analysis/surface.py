"""The fitted response surface: effects, interactions, contours, canonical analysis, best point.

Vocabulary and conventions are those of response-surface methodology (Box & Draper, *Response
Surfaces, Mixtures, and Ridge Analyses*, 2007; Lenth's `rsm` for R). Factors that a curve does not
show are held at coded 0, which is the middle of the design in the absolute framing and the
baseline's own value in the relative one; categorical factors are averaged over their levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis import style
from analysis.coding import Coding
from analysis.regression import Array, Fit
from analysis.resampling import Bootstrap, Stream, percentile_interval
from analysis.settings import Settings

CURVE_POINTS = 21
SURFACE_POINTS = 15
SHOWN_LEVELS = 5  # a factor with more levels is shown at its lowest, middle and highest
BAND_DRAWS = 20_000
PATH_DISTANCES = np.linspace(0, 2, 21)
GRID_POINTS = 10_000
SINGULAR = 1e-9  # ratio of smallest to largest |eigenvalue| below which a ridge has no centre


# --- points of the design -----------------------------------------------------------------------


def curve_values(coding: Coding, points: int) -> list[Any]:
    """Values over a factor's studied range, even on its scale, its own levels among them."""
    if not coding.factor.numeric:
        return list(coding.levels)
    low, high = coding.code(coding.limits)[:, 0]
    grid = coding.decode(np.linspace(low, high, points))
    if len(coding.levels) > points:
        return grid.tolist()
    levels = np.array(coding.levels, dtype=float)
    distance = np.abs(coding.code(grid) - coding.code(levels).T)
    new = grid[(distance > 1e-9 * (high - low)).all(axis=1)]
    return np.sort(np.r_[new, levels]).tolist()


def shown_levels(coding: Coding) -> list[Any]:
    levels = list(coding.levels)
    if not coding.factor.numeric or len(levels) <= SHOWN_LEVELS:
        return levels
    return [levels[0], levels[len(levels) // 2], levels[-1]]


def contrasts_at(fit: Fit, values: Mapping[str, Sequence[Any]]) -> Array:
    """Contrasts (k, p) predicting points of which only some factors are given, k values each.

    The others are at coded 0: numeric ones at their centre, categorical ones averaged.
    """
    count = len(next(iter(values.values()))) if values else 1
    points = pd.DataFrame({name: list(column) for name, column in values.items()})
    if not values:
        points = pd.DataFrame(index=range(1))
    averaged = []
    for coding in fit.model.codings:
        if coding.name in values:
            continue
        if coding.factor.numeric:
            points[coding.name] = float(coding.decode(0.0))
        else:
            averaged.append(coding)
    if not averaged:
        return fit.contrasts(points)
    total = np.zeros((count, len(fit.coefficients)))
    settings = list(product(*(coding.levels for coding in averaged)))
    for levels in settings:
        names = [coding.name for coding in averaged]
        total += fit.contrasts(points.assign(**dict(zip(names, levels, strict=True))))
    return total / len(settings)


def held_at(fit: Fit, shown: Sequence[str]) -> str:
    """Where the factors are held that are not shown, e.g. "batch_size=16, epochs=2"."""
    parts = []
    for coding in fit.model.codings:
        if coding.name in shown:
            continue
        if coding.factor.numeric:
            parts.append(f"{coding.name}={float(coding.decode(0.0)):.4g}")
        else:
            parts.append(f"{coding.name} averaged")
    return ", ".join(parts)


# --- effects, interactions, fitted surfaces -----------------------------------------------------


def estimates(fit: Fit, contrasts: Array, alpha: float) -> pd.DataFrame:
    """estimate, std_error, ci_low, ci_high of contrasts (k, p) of the coefficients."""
    variances = np.einsum("ki,ij,kj->k", contrasts, fit.covariance, contrasts)
    estimate, std_error = contrasts @ fit.coefficients, np.sqrt(variances)
    margin = stats.t.ppf(1 - alpha / 2, _df(fit, contrasts)) * std_error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": std_error,
            "ci_low": estimate - margin,
            "ci_high": estimate + margin,
        }
    )


def _df(fit: Fit, contrasts: Array) -> Array:
    df = fit.degrees_of_freedom(contrasts)
    return np.where(np.isfinite(df) & (df > 0), df, fit.residual_df)


def max_t_critical(
    contrasts: Array, covariance: Array, df: float, alpha: float, rng: np.random.Generator
) -> float:
    """Critical value that max |t| over the contrasts exceeds with probability alpha.

    By simulation of the multivariate t (Hothorn, Bretz & Westfall 2008, "Simultaneous inference
    in general parametric models"); never below the pointwise value.
    """
    joint = contrasts @ covariance @ contrasts.T
    scale = np.sqrt(np.diag(joint))
    values, vectors = np.linalg.eigh(joint / np.outer(scale, scale))
    kept = values > 1e-10 * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    normal = rng.standard_normal((BAND_DRAWS, kept.sum())) @ root.T
    largest = np.abs(normal).max(axis=1) / np.sqrt(rng.chisquare(df, BAND_DRAWS) / df)
    return float(max(np.quantile(largest, 1 - alpha), stats.t.ppf(1 - alpha / 2, df)))


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
            rows, fit.covariance, float(_df(fit, rows).min()), settings.alpha, rng
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


# --- canonical analysis -------------------------------------------------------------------------


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
    numeric = set(_names(full.codings))
    involved = [{name for name, _ in term.powers} for term in fit.model.terms if term.degree == 2]
    bent = set().union(*(names for names in involved if names <= numeric))
    kept = np.array([coding.name in bent for coding in full.codings], dtype=bool)
    codings = tuple(coding for coding in full.codings if coding.name in bent)
    return SecondOrder(codings, full.b[kept], full.B[np.ix_(kept, kept)])


def _names(codings: Sequence[Coding]) -> list[str]:
    return [coding.name for coding in codings]


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


def steepest_path(b: Array, matrix: Array, distances: Array) -> Array:
    """Points (distances, factors) that maximise b'x + x'Bx at each distance from the centre.

    Ridge analysis (Draper 1963) as in `rsm::steepest`: x = (μI − B)⁻¹b/2 with μ above B's largest
    eigenvalue such that ‖x‖ is the distance. Without B this is the straight line along b.
    """
    values, vectors = np.linalg.eigh(matrix)
    slopes = vectors.T @ b
    below = values[-1] - values  # of the largest eigenvalue: μ is told by how far it is above
    leading = below < 1e-10 * max(np.abs(values).max(), 1e-300)
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


def why_no_path(fit: Fit) -> str | None:
    """The sentence that says why there is no path of steepest ascent, or None."""
    if any(term.kind == "higher" for term in fit.model.terms):
        return "The model has terms beyond the second order."
    if not second_order(fit).b.any():
        return "The model has no slope at the centre that a direction could follow."
    return None


def _predictions_at(fit: Fit, codings: Sequence[Coding], coded: Array) -> tuple[Array, Array]:
    """Fitted mean (k,) and natural values (k, factors) at coded points (k, factors)."""
    with np.errstate(over="ignore"):
        natural = np.column_stack(
            [coding.decode(column) for coding, column in zip(codings, coded.T, strict=True)]
        )
    model = second_order(fit)
    full = np.zeros((len(coded), len(model.codings)))
    full[:, [_names(model.codings).index(coding.name) for coding in codings]] = coded
    # From the coefficients, not from natural values: far outside the region those overflow.
    centre = float((contrasts_at(fit, {}) @ fit.coefficients)[0])
    quadratic = np.einsum("ki,ij,kj->k", full, model.B, full)
    return centre + full @ model.b + quadratic, natural


def _inside(codings: Sequence[Coding], coded: Array) -> Array:
    """(k,) whether coded points (k, factors) lie within the studied limits of every factor."""
    limits = np.array([coding.code(coding.limits)[:, 0] for coding in codings])
    return ((coded >= limits[:, 0] - 1e-9) & (coded <= limits[:, 1] + 1e-9)).all(axis=1)


def stationary(fit: Fit) -> pd.DataFrame:
    """Stationary point, one row a factor; empty where `why_not_canonical` gives a reason."""
    names = ["metric", "nature", "inside", "predicted", "factor", "coded", "natural"]
    if why_not_canonical(fit):
        return pd.DataFrame(columns=names)
    second = curved(fit)
    point = stationary_point(second.b, second.B)
    predicted, natural = _predictions_at(fit, second.codings, point[None])
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "nature": nature(canonical_axes(second.B)[0]),
            "inside": bool(_inside(second.codings, point[None])[0]),
            "predicted": predicted[0],
            "factor": _names(second.codings),
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
            **dict(zip(_names(second.codings), vectors, strict=True)),
        }
    )


def steepest(fit: Fit, settings: Settings, distances: Array = PATH_DISTANCES) -> pd.DataFrame:
    """Path along which the metric gets better fastest, from the design's centre (coded 0).

    inside says whether the point lies within the studied region; beyond it the path extrapolates.
    """
    if why_no_path(fit):
        return pd.DataFrame(columns=["metric", "distance", "predicted", "inside"])
    second = second_order(fit)
    sign = settings.metric(fit.metric).sign
    coded = steepest_path(sign * second.b, sign * second.B, distances)
    predicted, natural = _predictions_at(fit, second.codings, coded)
    names = _names(second.codings)
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "distance": distances,
            **dict(zip(names, natural.T, strict=True)),
            **{f"{name}_coded": column for name, column in zip(names, coded.T, strict=True)},
            "predicted": predicted,
            "inside": _inside(second.codings, coded),
        }
    )


# --- the best point inside the region -----------------------------------------------------------


@dataclass(frozen=True)
class Region:
    """The studied region: every numeric factor between its limits, every categorical level.

    A point is a row of numbers in 0 … 1 for the numeric factors (0 the lower limit, 1 the upper,
    even on the factor's scale) and the number of a combination of categorical levels.
    """

    codings: tuple[Coding, ...]

    @property
    def numeric(self) -> list[Coding]:
        return [coding for coding in self.codings if coding.factor.numeric]

    @cached_property
    def limits(self) -> list[tuple[float, float]]:
        """Natural limits of the numeric factors, kept: a searched factor may have many levels."""
        return [coding.limits for coding in self.numeric]

    @property
    def combinations(self) -> list[tuple[Any, ...]]:
        return list(product(*(c.levels for c in self.codings if not c.factor.numeric)))

    def natural(self, units: Array, combination: Array) -> pd.DataFrame:
        """Points (k, numeric factors) and (k,) combinations to a table, one column a factor."""
        columns: dict[str, Any] = {}
        for coding, limits, unit in zip(self.numeric, self.limits, units.T, strict=True):
            low, high = coding.code(limits)[:, 0]
            columns[coding.name] = np.clip(coding.decode(low + unit * (high - low)), *limits)
        names = [c.name for c in self.codings if not c.factor.numeric]
        levels = self.combinations
        for number, name in enumerate(names):
            columns[name] = [levels[each][number] for each in combination]
        return pd.DataFrame(columns)[_names(self.codings)]

    def grid(self, most: int) -> tuple[Array, Array, float]:
        """A factorial grid of at most so many points (units, combination) and its step."""
        factors, combinations_ = len(self.numeric), len(self.combinations)
        sides = [side for side in (21, 11, 9, 7, 5, 3) if side**factors * combinations_ <= most]
        side = sides[0] if sides else 2
        axes = [np.linspace(0, 1, side)] * factors + [np.arange(combinations_)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, factors + 1)
        return points[:, :factors], points[:, factors].astype(int), 1 / (side - 1)


def best_points(
    fit: Fit, region: Region, coefficients: Array, sign: int, precision: float
) -> pd.DataFrame:
    """The point of the region where each fit is best, one row a column of coefficients (p, k).

    The best point of a grid, then a compass search (Kolda, Lewis & Torczon 2003) from it for all
    fits at once; exact to `precision` of each factor's range for a surface with one optimum a
    grid cell.
    """
    units, combination, step = region.grid(GRID_POINTS)
    rows = fit.contrasts(region.natural(units, combination))
    start = np.concatenate(
        [(sign * rows @ block).argmax(axis=0) for block in _blocks(coefficients, 250)]
    )
    units, combination = units[start], combination[start]
    factors = units.shape[1]
    if factors == 0:
        return region.natural(units, combination)

    def values(points: Array) -> Array:
        """(fits, points) of points (fits, points, factors)."""
        count = points.shape[1]
        table = region.natural(points.reshape(-1, factors), np.repeat(combination, count))
        rows = fit.contrasts(table).reshape(len(points), count, -1)
        return sign * np.einsum("fkp,pf->fk", rows, coefficients)

    moves = np.concatenate([np.zeros((1, factors)), np.eye(factors), -np.eye(factors)])
    steps = np.full(len(units), step / 2)
    while (steps > precision).any():
        candidates = np.clip(units[:, None] + steps[:, None, None] * moves, 0, 1)
        value = values(candidates)
        best = value.argmax(axis=1)
        # Staying wins ties, so that the search ends on flat surfaces.
        gain = value[np.arange(len(best)), best] - value[:, 0]
        moved = gain > 1e-12 * np.abs(value[:, 0]) + 1e-300
        units = np.where(moved[:, None], candidates[np.arange(len(best)), best], units)
        steps = np.where(moved, steps, steps / 2)
    return region.natural(units, combination)


def _blocks(coefficients: Array, size: int) -> list[Array]:
    return [coefficients[:, i : i + size] for i in range(0, coefficients.shape[1], size)]


def optimum(fit: Fit, resampled: Bootstrap, settings: Settings) -> pd.DataFrame:
    """The best point inside the studied region, one row a factor.

    ci_low, ci_high: percentile interval, over the cluster bootstrap, of the mean at this point;
    value_low, value_high: of where the resamples' own best points lie (numeric factors).
    on_edge: the best value is the lowest or highest that was studied.
    """
    region = Region(fit.model.codings)
    sign = settings.metric(fit.metric).sign
    best = best_points(fit, region, fit.coefficients[:, None], sign, precision=1e-7)
    contrast = fit.contrasts(best)[0]
    drawn = resampled.coefficients
    low, high = percentile_interval(drawn @ contrast, settings.alpha)
    places = best_points(fit, region, drawn.T, sign, precision=1e-3) if len(drawn) else None
    rows = []
    for coding in fit.model.codings:
        value = best[coding.name].iloc[0]
        row = {"metric": fit.metric, "factor": coding.name, "value": value}
        row |= {"predicted": float(contrast @ fit.coefficients), "ci_low": low, "ci_high": high}
        row |= {"value_low": np.nan, "value_high": np.nan, "on_edge": False}
        if coding.factor.numeric:
            ends = np.abs(coding.code([value, value])[:, 0] - coding.code(coding.limits)[:, 0])
            row["on_edge"] = bool(ends.min() < 1e-6)
            if places is not None:
                row["value_low"], row["value_high"] = percentile_interval(
                    places[coding.name].to_numpy(), settings.alpha
                )
        rows.append(row)
    return pd.DataFrame(rows)


# --- what could not be told ---------------------------------------------------------------------


def notes(fit: Fit) -> list[tuple[str, str]]:
    """(topic, sentence) for what this fit's surface cannot tell."""
    found = []
    reason = why_not_canonical(fit)
    if reason:
        found.append(("canonical analysis", f"{fit.metric}: no stationary point. {reason}"))
    else:
        bent = _names(curved(fit).codings)
        left = [coding.name for coding in fit.model.codings if coding.name not in bent]
        if left:
            found.append(
                (
                    "canonical analysis",
                    f"{fit.metric}: {style.listed([style.name(name) for name in left])} without a "
                    "second-order term among the numeric factors: held at the centre (averaged, if "
                    "categorical).",
                )
            )
    if why_no_path(fit):
        found.append(("steepest ascent", f"{fit.metric}: no path. {why_no_path(fit)}"))
    return found
