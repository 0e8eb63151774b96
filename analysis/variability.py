"""Where the variation comes from, which factors matter, and what this design could have seen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis import style
from analysis.functional_anova import forest_shares
from analysis.predictions import SUMMED_METRICS, Predictions, evaluation_variance
from analysis.regression import Array, Fit
from analysis.resampling import Bootstrap, Stream, draw_clusters, percentile_interval
from analysis.settings import Settings
from analysis.study import Study

TREES = 200
FOREST_ROWS = 1000  # larger tables: the forest is grown on so many rows, whole trajectories
POWER = 0.8
ONE_POINT = 0.01
MOST_REPLICATES = 100_000


# --- variance components ------------------------------------------------------------------------


def variance(
    fit: Fit, study: Study, predictions: Mapping[str, Predictions], settings: Settings
) -> pd.DataFrame:
    """Variance components of one metric and their shares of the sum; NaN: cannot be told.

    fit: the split-plot fit of the metric itself. hyperparameters is the variance of the fitted
    means over the runs and replicate that of the block effects, both less what estimation error
    adds; trajectory and epoch_within_trajectory are the REML estimates (the latter includes lack
    of fit). evaluation_sampling is the variance from the finite evaluation set; it is taken out
    of the three components that contain it. Estimates below 0 are set to 0.
    """
    blocks = slice(1, 1 + len(fit.model.blocks))
    contrasts = fit.design - fit.design.mean(axis=0)
    contrasts[:, blocks] = 0
    means = contrasts @ fit.coefficients
    noise = np.einsum("ki,ij,kj->k", contrasts, fit.covariance, contrasts)
    components = {"hyperparameters": np.mean(means**2 - noise), "replicate": np.nan}

    count = len(fit.model.replicates)
    if count > 1:
        centred = (np.eye(count) - 1 / count)[:, 1:]
        effects = centred @ fit.coefficients[blocks]
        error = np.trace(centred @ fit.covariance[blocks, blocks] @ centred.T)
        components["replicate"] = (effects @ effects - error) / (count - 1)
    if fit.parameter_covariance is None:  # every trajectory has one run
        components |= {"trajectory": fit.residual_variance, "epoch_within_trajectory": np.nan}
    else:
        components |= {
            "trajectory": fit.trajectory_variance,
            "epoch_within_trajectory": fit.residual_variance,
        }

    evaluation = evaluation_variance(study.runs.loc[fit.rows], predictions, fit.metric)
    components["evaluation_sampling"] = np.nan if evaluation is None else evaluation.total
    if evaluation is not None:
        components["replicate"] -= evaluation.shared
        if fit.parameter_covariance is None:
            components["trajectory"] -= evaluation.trajectory + evaluation.run
        else:
            components["trajectory"] -= evaluation.trajectory
            components["epoch_within_trajectory"] -= evaluation.run

    values = np.array(list(components.values()))
    values = np.where(np.isnan(values), np.nan, np.maximum(values, 0))
    total = np.nansum(values)
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "component": list(components),
            "variance": values,
            "share": values / total if total > 0 else np.nan,
        }
    )


# --- importance ---------------------------------------------------------------------------------


def type2_sums_of_squares(
    gram: Array, moments: Array, groups: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Array:
    """Type II sums of squares of groups of columns, from X'X (k, p, p) and X'y (k, p).

    groups: by name, (the group's own columns, the columns of terms that contain it). Each is
    tested in the model without those containing it (Fox 2016, section 8.2; `car::Anova`).
    Returns (k, groups).
    """

    def explained(columns: np.ndarray) -> Array:
        part = moments[:, columns]
        solution = np.linalg.solve(gram[:, columns[:, None], columns], part[:, :, None])
        return np.einsum("kp,kp->k", part, solution[:, :, 0])

    everything = np.arange(gram.shape[-1])
    sums = []
    for own, containing in groups.values():
        larger = np.setdiff1d(everything, containing)
        sums.append(explained(larger) - explained(np.setdiff1d(larger, own)))
    return np.maximum(np.array(sums).T, 0)


def factor_groups(fit: Fit) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Columns of every factor (all its powers) and every combination of factors in the model.

    With each, the columns of the terms that involve these factors and others too.
    """
    factors_of = {term.name: frozenset(name for name, _ in term.powers) for term in fit.model.terms}
    of_column = [factors_of[term] for _, term in fit.model.columns]
    first = len(fit.names) - len(of_column)
    order = [coding.name for coding in fit.model.codings]
    groups = {}
    for factors in sorted(set(of_column), key=lambda g: (len(g), sorted(map(order.index, g)))):
        own = [first + i for i, each in enumerate(of_column) if each == factors]
        containing = [first + i for i, each in enumerate(of_column) if each > factors]
        name = ":".join(sorted(factors, key=order.index))
        groups[name] = (np.array(own), np.array(containing, dtype=int))
    return groups


def importance(fit: Fit, resampled: Bootstrap, study: Study, settings: Settings) -> pd.DataFrame:
    """Share of the explained variation of every factor and pair, by two methods.

    type2: type II sums of squares of all of a factor's (or pair's) terms over their sum.
    functional_anova: share of a regression forest's variance (`functional_anova`); what is left
    to 1 belongs to three factors or more. Percentile intervals are over the cluster bootstrap;
    the forest has one tree a resample, so there they are those of a single tree, a little wide.
    """
    groups = factor_groups(fit)
    gram, moments = fit.design.T @ fit.design, fit.design.T @ fit.response
    observed = type2_sums_of_squares(gram[None], moments[None], groups)
    drawn = type2_sums_of_squares(resampled.gram, resampled.moments, groups)
    low, high = percentile_interval(drawn / drawn.sum(axis=1, keepdims=True), settings.alpha)
    share = (observed / observed.sum())[0]
    by_type2 = pd.DataFrame(
        {
            "metric": fit.metric,
            "method": "type2",
            "term": list(groups),
            "share": share,
            # Resampling noise adds to every sum of squares, so a share near 0 can lie below it.
            "ci_low": np.minimum(low, share),
            "ci_high": np.maximum(high, share),
        }
    )

    shares = _forest(fit, study, settings)
    low, high = percentile_interval(shares, settings.alpha)
    names = [coding.name for coding in fit.model.codings]
    by_forest = pd.DataFrame(
        {
            "metric": fit.metric,
            "method": "functional_anova",
            "term": [*names, *(":".join(pair) for pair in combinations(names, 2))],
            "share": shares.mean(axis=0),
            "ci_low": low,
            "ci_high": high,
        }
    )
    return pd.concat([by_type2, by_forest], ignore_index=True)


def _forest(fit: Fit, study: Study, settings: Settings) -> Array:
    """Shares (trees, factors + pairs) of a forest on the runs less their replicate's effect."""
    blocks = slice(1, 1 + len(fit.model.blocks))
    response = fit.response - fit.design[:, blocks] @ fit.coefficients[blocks]
    runs = study.runs.loc[fit.rows]
    rng = Stream.FOREST.generator(settings)
    # Numbered in sorted order, so that the order of the rows does not change what is drawn.
    trajectory = pd.factorize(runs["trajectory"], sort=True)[0]
    rows = np.arange(len(runs))
    if len(rows) > FOREST_ROWS:
        order = rng.permutation(trajectory.max() + 1)[trajectory]
        rows = np.sort(np.argsort(order, kind="stable")[:FOREST_ROWS])
    columns = []
    for coding in fit.model.codings:
        values = runs[coding.name].iloc[rows]
        codes = pd.Index(coding.levels).get_indexer(values)
        columns.append(coding.code(values)[:, 0] if coding.factor.numeric else codes)
    replicate = runs["replicate"].iloc[rows].to_numpy()
    drawn = draw_clusters(trajectory[rows], replicate, TREES, rng)
    seed = int(rng.integers(2**31 - TREES))
    return forest_shares(np.column_stack(columns), response[rows], drawn.row_weights, seed)


# --- cells --------------------------------------------------------------------------------------


def cells(study: Study, settings: Settings) -> pd.DataFrame:
    """Mean of every metric in every cell, and of its difference to the baseline, with intervals.

    mean_low, mean_high and ci_low, ci_high (of delta) are t intervals for the mean over
    replicates like these. The variance is pooled over the cells from the two-way table cell ×
    replicate, var(replicate) + var(rest), with Satterthwaite's (1946) degrees of freedom; NaN with
    fewer than two replicates.
    """
    factors = list(settings.factor_names)
    parts = []
    for metric in settings.metric_names:
        mean = _cell_means(study.runs, factors, metric, settings.alpha)
        mean = mean.rename(columns={"low": "mean_low", "high": "mean_high"})
        delta = f"delta_{metric}"
        if delta in study.runs:
            other = _cell_means(study.runs, factors, delta, settings.alpha)
            mean[["delta", "ci_low", "ci_high"]] = other[["mean", "low", "high"]]
        else:
            mean[["delta", "ci_low", "ci_high"]] = np.nan
        parts.append(mean.reset_index().assign(metric=metric))
    names = ["metric", "runs", "mean", "mean_low", "mean_high", "delta", "ci_low", "ci_high"]
    return pd.concat(parts, ignore_index=True)[[*factors, *names]]


def _cell_means(runs: pd.DataFrame, factors: list[str], column: str, alpha: float) -> pd.DataFrame:
    known = runs[[*factors, "replicate", column]].dropna(subset=[column])
    grouped = known.groupby(factors)[column]
    table = grouped.agg(runs="size", mean="mean")
    centred = known[column] - grouped.transform("mean")
    by_replicate = centred.groupby(known["replicate"]).agg(["mean", "size"])
    replicates, cell_count, count = len(by_replicate), len(table), len(known)
    rest_df = count - cell_count - (replicates - 1)
    table["low"] = table["high"] = np.nan
    if replicates < 2 or rest_df < 1:
        return table
    between = float(by_replicate["size"] @ by_replicate["mean"] ** 2)
    rest = max(float(centred @ centred) - between, 0.0) / rest_df
    between /= replicates - 1
    # E[between] = rest + (runs a replicate) * var(replicate): take var(replicate) + rest
    each = count / replicates
    replicate_part, rest_part = between / each, rest * (each - 1) / each
    total = replicate_part + rest_part
    if total > 0:
        share = replicate_part / total
        df = 1 / (share**2 / (replicates - 1) + (1 - share) ** 2 / rest_df)
        margin = stats.t.ppf(1 - alpha / 2, df) * np.sqrt(total / table["runs"])
        table["low"], table["high"] = table["mean"] - margin, table["mean"] + margin
    return table


# --- power --------------------------------------------------------------------------------------


def power_of(effect: float, std_error: float, df: float, alpha: float) -> float:
    """Power of the two-sided t-test of an effect.

    The noncentral t as a normal mixed over its estimated standard error (SciPy's own fails, as
    NaN, far in the tail); exact to about 1e-4.
    """
    critical = stats.t.ppf(1 - alpha / 2, df)
    ratio = _error_ratios(df)
    shift = abs(effect) / std_error
    found = stats.norm.sf(critical * ratio - shift) + stats.norm.cdf(-critical * ratio - shift)
    return float(found.mean())


@cache
def _error_ratios(df: float) -> Array:
    """Evenly likely values of the estimated over the true standard error."""
    return np.sqrt(stats.chi2.ppf((np.arange(1000) + 0.5) / 1000, df) / df)


def smallest_effect(std_error: float, df: float, alpha: float, power: float = POWER) -> float:
    """The effect that the two-sided t-test finds with the given power."""
    high = 4.0 + 2 * stats.t.ppf(1 - alpha / 2, df)
    while power_of(high, 1.0, df, alpha) < power:
        high *= 2
    return std_error * optimize.brentq(lambda x: power_of(x, 1.0, df, alpha) - power, 0, high)


def replicates_needed(
    effect: float,
    std_error: float,
    df: float,
    replicates: int,
    alpha: float,
    power: float = POWER,
) -> float:
    """Replicates of the same design with which the effect is found with the given power.

    std_error and df are those with `replicates` of them. The standard error shrinks as
    1/√replicates; degrees of freedom grow in proportion, a little slower than they do. NaN if
    more than 100,000 would be needed.
    """

    def enough(count: int) -> bool:
        scale = count / replicates
        return power_of(effect, std_error / np.sqrt(scale), max(df * scale, 1.0), alpha) >= power

    most = 1
    while not enough(most):
        most *= 2
        if most > MOST_REPLICATES:
            return float("nan")
    least = most // 2  # not enough
    while most - least > 1:
        middle = (most + least) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return float(most)


def power(fit: Fit, settings: Settings) -> pd.DataFrame:
    """What the design could have seen, one row a term (coefficients: per coded unit).

    smallest_effect is found with 80 % power at alpha; replicates_needed is for target_effect,
    which is the config's or else one point (0.01) of a metric shown in points and a tenth of the
    range of the fitted means of any other.
    """
    points = settings.metric(fit.metric).unit == "points"
    usual = ONE_POINT if points else float(np.ptp(fit.fitted)) / 10
    target = settings.target_effect.get(fit.metric, usual)
    replicates = max(len(fit.model.replicates), 1)
    first = len(fit.names) - len(fit.model.columns)
    df = np.where(np.isfinite(fit.df) & (fit.df > 0), fit.df, fit.residual_df)
    rows = []
    for at in range(first, len(fit.names)):
        known = float(fit.std_errors[at]), float(df[at])
        rows.append(
            {
                "metric": fit.metric,
                "term": fit.names[at],
                "std_error": known[0],
                "df": known[1],
                "smallest_effect": smallest_effect(*known, settings.alpha),
                "observed": fit.coefficients[at],
                "target_effect": target,
                "replicates": replicates,
                "replicates_needed": replicates_needed(target, *known, replicates, settings.alpha),
            }
        )
    return pd.DataFrame(rows)


# --- what could not be told ---------------------------------------------------------------------


def notes(fit: Fit, study: Study, predictions: Mapping[str, Predictions]) -> list[tuple[str, str]]:
    """(topic, sentence) for what this metric's variability tables cannot tell.

    A sentence that holds for the whole study is the same for every metric.
    """
    metric, found = fit.metric, []
    if len(fit.model.replicates) < 2:
        found.append(
            (
                "variance",
                "There are no replicates to compare, so the variance between "
                "replicates and intervals of cell means are not estimated.",
            )
        )
    if fit.parameter_covariance is None:
        found.append(
            (
                "variance",
                "Every trajectory has one run, so there is no variation between epochs "
                "within a trajectory to estimate.",
            )
        )
    if metric not in SUMMED_METRICS:
        found.append(
            (
                "predictions",
                f"{metric}: evaluation sampling and paired comparisons with the baseline are "
                f"computed for {style.listed([style.name(m) for m in SUMMED_METRICS])} only.",
            )
        )
    elif not predictions:
        found.append(
            (
                "predictions",
                "Without stored predictions there is no evaluation-sampling variance, "
                "no paired comparison with the baseline and no reliability diagram.",
            )
        )
    if len(fit.rows) > FOREST_ROWS:
        found.append(
            (
                "importance",
                f"{metric}: the forest of the functional ANOVA is grown on {FOREST_ROWS:,} of "
                f"{len(fit.rows):,} runs, drawn by whole trajectories.",
            )
        )
    return found
