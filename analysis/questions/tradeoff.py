"""What one metric costs in another: Pareto front, sign conflicts, desirability, prices.

Any metrics of the config take part, also costs such as seconds (better: lower).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import max_t_critical, usable_df
from analysis.fit.resampling import Stream
from analysis.fit.terms import INTERCEPT, are_blocks
from analysis.questions.candidates import candidates as candidates_of
from analysis.runs.settings import Settings
from analysis.runs.study import Study

FITTED_POINTS = 500  # at most so many points of the fitted surfaces are compared
PAIRED = 50  # candidates whose differences an interval of a price is simultaneous over


def pareto_front(values: Array, signs: Array) -> np.ndarray:
    """(k,) True for the points that no other dominates.

    values: (k, metrics); signs: 1 where more is better, −1 where less is. A point is dominated by
    one that is at least as good in every metric and better in one; equal points do not dominate
    each other.
    """
    costs, where = np.unique(signs * -np.asarray(values), axis=0, return_inverse=True)
    # Sorted by the first cost, then the next: no later row can dominate an earlier one.
    efficient = np.zeros(len(costs), dtype=bool)
    remaining = np.arange(len(costs))
    while len(remaining):
        first = remaining[0]
        efficient[first] = True
        remaining = remaining[(costs[remaining] < costs[first]).any(axis=1)]
    return efficient[where.ravel()]


def candidates(fits: Mapping[str, Fit], study: Study, settings: Settings) -> pd.DataFrame:
    """Points to choose from: level (observed | fitted), the factors, and each metric's mean.

    Observed are the cells' means over replicates, where every metric was measured; fitted are the
    `candidates` among these runs whose fitted means are all values that can exist. fits: by metric,
    absolute framing.
    """
    factors, metrics = list(settings.factor_names), list(fits)
    columns = ["level", *factors, *metrics]
    measured = study.runs.dropna(subset=metrics)
    if not metrics or measured.empty:
        return pd.DataFrame(columns=columns)
    observed = measured.groupby(factors, sort=True)[metrics].mean().reset_index()
    points = candidates_of(fits[metrics[0]], measured).settings
    at = np.unique(np.linspace(0, len(points) - 1, min(FITTED_POINTS, len(points))).astype(int))
    points = points.iloc[at]
    possible = np.ones(len(points), dtype=bool)
    fitted = {}
    for name, fit in fits.items():
        fitted[name] = fit.predict(points)[0]
        low, high = settings.metric(name).bounds
        possible &= (fitted[name] >= low) & (fitted[name] <= high)
    both = [
        observed.assign(level="observed"),
        points.assign(**fitted, level="fitted")[possible],
    ]
    return pd.concat(both, ignore_index=True)[columns]


def pareto(points: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """`candidates` with on_front: no other point of the same level is better all round.

    All round is in those metrics of ``settings.front_metrics`` that were fitted. With fewer than
    two there is nothing to trade, and no row.
    """
    metrics = [metric.name for metric in settings.front_metrics if metric.name in points]
    if len(metrics) < 2:
        points = points.iloc[:0]
    signs = np.array([settings.metric(name).sign for name in metrics])
    on_front = np.zeros(len(points), dtype=bool)
    for level in points["level"].unique():
        rows = (points["level"] == level).to_numpy()
        on_front[rows] = pareto_front(points.loc[rows, metrics].to_numpy(), signs)
    return points.assign(on_front=on_front)


def conflicts(coefficients: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Terms that help one metric and hurt another, for each pair of metrics.

    coefficients: rows of one framing and one estimator. Estimates and intervals are turned so
    that positive is good. kind: conflict (both intervals exclude zero, on opposite sides), agree
    (both exclude zero on the same side) or unclear.
    """
    terms = coefficients[
        (coefficients["term"] != INTERCEPT.name) & ~are_blocks(coefficients["term"], settings)
    ]
    sign = np.array([settings.metric(name).sign for name in terms["metric"]], dtype=float)
    good = pd.DataFrame(
        {
            "metric": terms["metric"],
            "term": terms["term"],
            "estimate": sign * terms["estimate"],
            "ci_low": np.where(sign == 1, terms["ci_low"], -terms["ci_high"]),
            "ci_high": np.where(sign == 1, terms["ci_high"], -terms["ci_low"]),
        }
    )
    present = [name for name in settings.metric_names if (good["metric"] == name).any()]
    parts = [
        good[good["metric"] == first].merge(
            good[good["metric"] == second], on="term", suffixes=("_a", "_b")
        )
        for first, second in combinations(present, 2)
    ]
    sides = ["metric", "estimate", "ci_low", "ci_high"]
    names = ["term", *(f"{name}_{side}" for side in "ab" for name in sides), "kind"]
    if not parts:
        return pd.DataFrame(columns=names)
    table = pd.concat(parts, ignore_index=True)
    good_or_bad = {}
    for side in "ab":
        low, high = table[f"ci_low_{side}"], table[f"ci_high_{side}"]
        good_or_bad[side] = (low > 0).astype(int) - (high < 0).astype(int)
    product = good_or_bad["a"] * good_or_bad["b"]
    table["kind"] = np.select([product < 0, product > 0], ["conflict", "agree"], "unclear")
    return table[names]


def desirability_of(values: Array, worst: float, best: float) -> Array:
    """Derringer & Suich's one-sided desirability, 0 at `worst` and 1 at `best`, linear between.

    Derringer & Suich (1980), "Simultaneous optimization of several response variables". worst may
    lie above best. All 1 where the two are equal: nothing to choose.
    """
    if best == worst:
        return np.ones_like(values)
    return np.clip((values - worst) / (best - worst), 0, 1)


def desirability(points: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """`candidates` with each metric's desirability and the weighted geometric mean, best first.

    0 and 1 stand for the worst and the best observed cell; weights are the config's (default 1).
    """
    metrics = [name for name in settings.metric_names if name in points]
    table = points[["level", *settings.factor_names]].copy()
    observed = points[points["level"] == "observed"]
    logarithm, total = np.zeros(len(points)), 0.0
    for name in metrics:
        ends = observed[name].min(), observed[name].max()
        worst, best = ends if settings.metric(name).better == "higher" else ends[::-1]
        each = desirability_of(points[name].to_numpy(), worst, best)
        table[f"desirability_{name}"] = each
        weight = settings.desirability.get(name, 1.0)
        with np.errstate(divide="ignore"):
            logarithm += weight * np.log(each)
        total += weight
    table["overall"] = np.exp(logarithm / total) if total else np.nan
    return table.sort_values("overall", ascending=False, kind="stable", ignore_index=True)


def prices(fits: Mapping[str, Fit], study: Study, settings: Settings) -> pd.DataFrame:
    """What each metric gives up at the setting that is best for another.

    fits: by metric, absolute framing. price is in the metric's own unit and positive: value_best
    and value_there differ by so much, value_best being the best fitted mean of the metric itself
    among the `candidates`. Both settings were chosen, so the interval is simultaneous over the
    differences of all candidates (max-t, as Tukey's); it reaches below zero where the fitted
    optimum is not surely better, and there is none where both settings are the same.
    """
    known = {name: candidates_of(fit, study.runs.loc[fit.rows]) for name, fit in fits.items()}
    best = {name: each.best(settings.metric(name).sign) for name, each in known.items()}
    rows = []
    for name, fit in fits.items():
        sign = settings.metric(name).sign
        at = {chosen: fit.in_own_unit(fit.contrasts(point)) for chosen, point in best.items()}
        others = fit.in_own_unit(known[name].thinned(PAIRED))[1]
        compared = np.vstack([others, *(gradient for _, gradient in at.values())])
        first, second = np.triu_indices(len(compared), 1)
        differences = compared[first] - compared[second]
        critical = max_t_critical(
            differences,
            fit.covariance,
            float(usable_df(fit, compared).min()),
            settings.alpha,
            Stream.CHOSEN.generator(settings),
        )
        for chosen in fits:
            if chosen == name:
                continue
            (value_best, best_gradient), (value_there, gradient) = at[name], at[chosen]
            difference = (best_gradient - gradient)[0]
            price = float(sign * (value_best - value_there)[0])
            margin = critical * float(np.sqrt(difference @ fit.covariance @ difference))
            if margin == 0:  # one setting is best for both
                margin = np.nan
            rows.append(
                {
                    "chosen_for": chosen,
                    "metric": name,
                    "value_there": float(value_there[0]),
                    "value_best": float(value_best[0]),
                    "price": price,
                    "ci_low": price - margin,
                    "ci_high": price + margin,
                }
            )
    names = ["chosen_for", "metric", "value_there", "value_best", "price", "ci_low", "ci_high"]
    rows.sort(key=lambda row: list(fits).index(str(row["chosen_for"])))
    return pd.DataFrame(rows, columns=names)
