"""Which setting to use: those that could be the best, and among them the recommended one.

Only settings that were run are told of. Their means are those of the split-plot fit, averaged over
blocks with equal weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.best_of_many import all_at_once, compared_with_best
from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import estimates
from analysis.fit.resampling import Stream
from analysis.questions.tradeoff import desirability_of
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric
from common.errors import UserError

COMPARED = ["mean", "std_error", "df", "critical", "lower", "upper", "could_be_best"]


@dataclass(frozen=True)
class Outcome:
    """A metric at the recommended setting.

    ci_low, ci_high: of the fitted mean ``estimate``, for all settings that were run at once, within
    the metric's bounds. loss: how much worse the mean is than that of the metric's own best fitted
    setting, ``best``, never below 0; loss_most: with confidence 1 - alpha over all settings it is
    not worse than the best by more (nan where the setting was not compared for this metric).
    """

    metric: str
    estimate: float
    ci_low: float
    ci_high: float
    best: Mapping[str, Any]
    loss: float
    loss_most: float
    could_be_best: bool


@dataclass(frozen=True)
class Recommendation:
    """A setting that was run, by factor that exists there, and what to expect of it, by metric.

    decided_by: the metric in which it could be the best. seconds: the mean over its runs, nan where
    they were not measured.
    """

    setting: Mapping[str, Any]
    decided_by: str
    outcomes: tuple[Outcome, ...]
    seconds: float


def comparisons_with_best(
    main: Mapping[str, Fit], study: Study, settings: Settings
) -> pd.DataFrame:
    """best.csv without ``recommended``: by metric, its settings, the best fitted first.

    main: by metric, the split-plot fit of the metric itself; a metric that the settings determine
    is ranked by its values, without error and intervals. lower and upper are Hsu's constrained
    intervals of the setting's distance to the best of the others, positive is better. Neither means
    nor distances go beyond the metric's bounds. Of a metric that is analysed on another scale they
    are in its own unit as seen from the fitted mean of the best of the others.
    """
    tables = []
    for metric in settings.metrics:
        if metric.name in study.determined:
            tables.append(_ranked(metric, study, settings))
        fit = main.get(metric.name)
        if fit is None:
            continue
        run = _settings_run(fit, study, settings)
        if len(run) < 2:
            continue
        name = metric.name
        found = compared_with_best(
            fit,
            fit.contrasts(run),
            metric.sign,
            settings.alpha,
            Stream.BEST.generator(settings),
        )
        told = run.iloc[found.at].reset_index(drop=True)
        told.insert(0, "metric", name)
        mean, std_error = fit.predict(told)
        others = np.full(len(mean), mean[0])
        others[0] = mean[1]
        lower, upper = (_distance(fit, metric, others, ends) for ends in (found.lower, found.upper))
        widest = metric.bounds[1] - metric.bounds[0]
        columns = {
            "mean": np.clip(mean, *metric.bounds),
            "std_error": std_error,
            "df": found.df,
            "critical": found.critical,
            "lower": np.maximum(lower, -widest),
            "upper": np.minimum(upper, widest),
            "could_be_best": found.could_be_best,
        }
        tables.append(told.assign(**columns)[["metric", *settings.factor_names, *COMPARED]])
    if not tables:
        return pd.DataFrame(columns=["metric", *settings.factor_names, *COMPARED])
    return pd.concat(tables, ignore_index=True)


def _ranked(metric: Metric, study: Study, settings: Settings) -> pd.DataFrame:
    """Of a metric that the settings determine, its value at every one, the best first."""
    factors = list(settings.factor_names)
    values = study.runs.groupby(factors, dropna=False)[metric.name].mean().dropna()
    order = np.argsort(-metric.sign * values.to_numpy(), kind="stable")
    told = values.iloc[order].reset_index(name="mean").assign(metric=metric.name)
    told["could_be_best"] = np.isclose(told["mean"], told["mean"].iloc[0], rtol=1e-12, atol=0)
    return told.reindex(columns=["metric", *factors, *COMPARED])


def _distance(fit: Fit, metric: Metric, others: Array, ends: Array) -> Array:
    """Distances ``ends`` (k,) on the scale of the fit from means ``others``, in the own unit."""
    there = fit.scale.inverse(fit.scale.forward(others) + metric.sign * ends)
    return metric.sign * (there - others)


def best(compared: pd.DataFrame, chosen: Recommendation | None) -> pd.DataFrame:
    """`comparisons_with_best` with ``recommended``, True in the chosen setting's row by metric."""
    if chosen is None:
        return compared.assign(recommended=False)
    factors = [name for name in compared.columns if name not in ("metric", *COMPARED)]
    same = [
        compared[name] == chosen.setting[name] if name in chosen.setting else compared[name].isna()
        for name in factors
    ]
    return compared.assign(recommended=np.logical_and.reduce(same))


def expected(chosen: Recommendation | None, settings: Settings) -> pd.DataFrame:
    """recommendation.csv: a row a metric with its `Outcome` at the recommended setting."""
    columns = ["metric", "decided_by", "estimate", "ci_low", "ci_high", "lost", "lost_most"]
    columns += ["could_be_best", "seconds", *settings.factor_names]
    if chosen is None:
        return pd.DataFrame(columns=columns)
    rows = [
        {
            **chosen.setting,
            "metric": outcome.metric,
            "decided_by": chosen.decided_by,
            "estimate": outcome.estimate,
            "ci_low": outcome.ci_low,
            "ci_high": outcome.ci_high,
            "lost": outcome.loss,
            "lost_most": outcome.loss_most,
            "could_be_best": outcome.could_be_best,
            "seconds": chosen.seconds,
        }
        for outcome in chosen.outcomes
    ]
    return pd.DataFrame(rows, columns=columns)


def recommendation(
    compared: pd.DataFrame, main: Mapping[str, Fit], study: Study, settings: Settings
) -> Recommendation | None:
    """The setting to use, out of `comparisons_with_best`; None where nothing was compared.

    It could be the best in the metric of ``settings.recommend``, by default the first metric of
    the config. Of such settings the best fitted one is taken; with ``prefer`` the one where that
    column is best on average over its runs, among those whose fitted mean is at most ``within``
    worse than the best; without ``settings.recommend`` the most desirable in all metrics: by the
    weighted geometric mean (Derringer & Suich 1980) of their fitted means' desirabilities, 0 and 1
    being the worst and the best of the settings compared. The better fitted wins ties.

    Raises UserError where the table has no column of the name ``prefer``.
    """
    asked = settings.recommend
    decided_by = asked.metric if asked else next(iter(compared["metric"]), "")
    rows = compared[compared["metric"] == decided_by]
    if rows.empty:
        return None
    able = rows[rows["could_be_best"]]
    if asked is None:
        able = able.iloc[[_desirability(able, rows, main, study, settings).argmax()]]
    elif asked.prefer is not None:
        loss = settings.metric(decided_by).sign * (rows["mean"].iloc[0] - able["mean"])
        able = able[loss <= asked.within]
        able = able.iloc[[_preference(able, asked.prefer, study, settings).argmax()]]
    chosen = able[list(settings.factor_names)].head(1)
    return Recommendation(
        setting=_by_factor(chosen),
        decided_by=decided_by,
        outcomes=tuple(
            _outcome(metric, main.get(metric.name), rows, chosen, study, settings)
            for metric in settings.metrics
            if len(rows := compared[compared["metric"] == metric.name])
        ),
        seconds=_seconds(chosen, study, settings),
    )


def _settings_run(fit: Fit, study: Study, settings: Settings) -> pd.DataFrame:
    factors = list(settings.factor_names)
    runs = study.runs.loc[fit.rows, factors]
    return runs.drop_duplicates().sort_values(factors, ignore_index=True)


def _desirability(
    points: pd.DataFrame,
    rows: pd.DataFrame,
    main: Mapping[str, Fit],
    study: Study,
    settings: Settings,
) -> Array:
    """Overall desirability (k,) of points, by fitted means; 0 and 1 are the ends of ``rows``."""
    logarithm = np.zeros(len(points))
    for name in settings.metric_names:
        if name in main:
            ends, values = main[name].predict(rows)[0], main[name].predict(points)[0]
        elif name in study.determined:
            ends, values = (_means(of, name, study, settings) for of in (rows, points))
        else:
            continue
        sign = settings.metric(name).sign
        worst, best = float(np.nanmin(sign * ends)), float(np.nanmax(sign * ends))
        with np.errstate(divide="ignore"):
            each = np.nan_to_num(desirability_of(sign * values, worst, best))  # 0: not measured
            each = np.log(each)
        logarithm += settings.desirability.get(name, 1.0) * each
    return logarithm


def _preference(points: pd.DataFrame, column: str, study: Study, settings: Settings) -> Array:
    """How much the points (k,) are to be preferred for their runs' mean of a column."""
    if column not in study.runs:
        raise UserError(
            f"analysis.recommend.prefer: the table has no column {column}; leave prefer out, or "
            f"name the column in analysis.columns.{column}."
        )
    measured = _means(points, column, study, settings)
    more_is_better = column in settings.metric_names and settings.metric(column).better == "higher"
    return np.nan_to_num(measured if more_is_better else -measured, nan=-np.inf)


def _seconds(point: pd.DataFrame, study: Study, settings: Settings) -> float:
    if "seconds" not in study.runs:
        return np.nan
    return float(_means(point, "seconds", study, settings)[0])


def _means(points: pd.DataFrame, column: str, study: Study, settings: Settings) -> Array:
    """Mean of a column over the runs of each point (k,), nan where none has it."""
    factors = list(settings.factor_names)
    means = study.runs.groupby(factors, as_index=False, dropna=False)[[column]].mean()
    return points[factors].merge(means, on=factors, how="left")[column].to_numpy(float)


def _outcome(
    metric: Metric,
    fit: Fit | None,
    rows: pd.DataFrame,
    chosen: pd.DataFrame,
    study: Study,
    settings: Settings,
) -> Outcome:
    """``rows`` are the metric's of `comparisons_with_best`, ``chosen`` is the one setting."""
    factors = list(settings.factor_names)
    own_best = rows[factors].head(1)
    is_best = own_best.reset_index(drop=True).equals(chosen.reset_index(drop=True))
    compared = rows.merge(chosen, on=factors)
    if fit is None:
        estimate = float(_means(chosen, metric.name, study, settings)[0])
        low = high = np.nan
    else:
        low, estimate, high = _mean_and_interval(fit, metric, chosen, study, settings)
    loss = 0.0 if is_best else max(0.0, metric.sign * float(rows["mean"].iloc[0] - estimate))
    most = -float(compared["lower"].iloc[0]) if len(compared) else np.nan
    return Outcome(
        metric=metric.name,
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        best=_by_factor(own_best),
        loss=loss,
        loss_most=loss if fit is None else most,
        could_be_best=bool(compared["could_be_best"].any()),
    )


def _mean_and_interval(
    fit: Fit, metric: Metric, chosen: pd.DataFrame, study: Study, settings: Settings
) -> tuple[float, float, float]:
    """Lower end, estimate and upper end of the mean there, for all settings run at once."""
    run = fit.contrasts(_settings_run(fit, study, settings))
    critical = all_at_once(fit, run, settings.alpha, Stream.BEST.generator(settings))
    mean = estimates(fit, fit.contrasts(chosen), settings.alpha).iloc[0]
    ends = mean["estimate"] + critical * mean["std_error"] * np.arange(-1, 2)
    low, estimate, high = np.clip(fit.scale.inverse(ends), *metric.bounds).tolist()
    return low, estimate, high


def _by_factor(point: pd.DataFrame) -> dict[str, Any]:
    """The values of a table's one row, as Python's own numbers; of the factors that exist there."""
    return {name: column.tolist()[0] for name, column in point.dropna(axis="columns").items()}
