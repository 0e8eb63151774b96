"""Intervals of the first page: how often they hold what is true.

In every study, whatever was found in it: of the mean of the recommended setting, of its distance to
the best, of the distances of all settings to the best, and of the differences between a factor's
levels. The recommended setting is the best fitted one, which is the hardest: chosen by its noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.fit.best_of_many import all_at_once
from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import estimates
from analysis.fit.resampling import Stream
from analysis.questions.best import COMPARED, comparisons_with_best, recommendation
from analysis.questions.differences import differences
from analysis.runs.settings import Settings
from tests.simulation.studies import ERROR, Planned, grid, settings_of

SETTINGS = settings_of("accuracy", recommend={"metric": "accuracy"})
OF_PUBLISHED = settings_of(
    "accuracy", recommend={"metric": "accuracy"}, blocks=["dataset"], observational=True
)
OF_LOGARITHM = settings_of("loss", transform="log", recommend={"metric": "loss"})
KINDS = (
    "mean of the recommended",
    "at most below its own best",
    "distances to the best",
    "average differences of a factor",
    "largest difference of a factor",
    "all differences shown of a factor",
)
# in the absolute coding and in units of the error, of sizes that are found more often than not
EFFECTS = {
    "nothing matters": {},
    "factors matter": {
        "learning_rate": 1,
        "learning_rate^2": -1,
        "epochs": 0.5,
        "learning_rate:epochs": -0.5,
    },
}


def ragged() -> pd.DataFrame:
    """The default study with 3 replicates, of which runs, ends of trajectories and whole
    trajectories are missing."""
    table, rng = grid(3), np.random.default_rng(1)
    trajectory = table.groupby(["learning_rate", "batch_size", "replicate"]).ngroup().to_numpy()
    last = rng.choice([0, 1, 2, 3], p=[0.1, 0.1, 0.2, 0.6], size=trajectory.max() + 1)
    kept = (table["epochs"] <= last[trajectory]) & (rng.random(len(table)) > 0.05)
    return table[kept].reset_index(drop=True)


def observational() -> pd.DataFrame:
    """90 runs of six data sets, large and small, by people who choose their settings together."""
    rng = np.random.default_rng(2)
    datasets = np.repeat(["d1", "d2", "d3", "d4", "d5", "d6"], [38, 23, 14, 8, 4, 3])
    common = rng.normal(size=len(datasets))
    columns: dict[str, np.ndarray] = {"dataset": datasets}
    for name, levels, share in (
        ("learning_rate", [1e-5, 2e-5, 3e-5, 5e-5, 1e-4], 0.6),
        ("batch_size", [8, 16, 32, 64], 0.5),
        ("epochs", [1, 2, 3, 5], -0.4),
    ):
        value = pd.Series(share * common + rng.normal(size=len(datasets)))
        at = pd.qcut(value, len(levels), labels=False)
        columns[name] = np.array(levels)[at]
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class Table:
    """level: the true mean where nothing matters, on the scale of the analysis, as ``error`` is;
    see `Planned`."""

    make: Callable[[], pd.DataFrame]
    settings: Settings
    level: float = 0.8
    error: float = ERROR

    def planned(self) -> Planned:
        return Planned.of(self.make(), self.settings, self.error)

    def true(self, planned: Planned, effects: str) -> Array:
        """The true coefficients (p,) with those of EFFECTS."""
        sizes = {name: self.error * size for name, size in EFFECTS[effects].items()}
        return planned.coefficients({"intercept": self.level, **sizes})


TABLES = {
    "balanced": Table(lambda: grid(3), SETTINGS),
    "ragged": Table(ragged, SETTINGS),
    "observational": Table(observational, OF_PUBLISHED),
    # a loss that scatters by 10 % between trajectories, and again between runs
    "transformed": Table(lambda: grid(3), OF_LOGARITHM, level=np.log(0.4), error=0.1),
}


def simulate(table: str, effects: str, studies: int, seed: int = 0) -> dict[str, float]:
    """The share of studies in which each of KINDS holds the truth."""
    rng = np.random.default_rng([seed, list(TABLES).index(table), list(EFFECTS).index(effects)])
    planned = TABLES[table].planned()
    exact = replace(planned.fit, coefficients=TABLES[table].true(planned, effects))
    in_truth = differences(exact, planned.study, planned.settings)
    found = [
        _means_and_best(planned, fit, exact) + _differences(planned, fit, exact, in_truth)
        for fit in (planned.drawn(exact.coefficients, rng) for _ in range(studies))
    ]
    return pd.DataFrame(found, columns=KINDS).mean().to_dict()


def simulate_all_means(table: str, studies: int, seed: int = 0) -> dict[str, float]:
    """The share of studies in which the intervals of the means of all settings hold together.

    The interval of the recommended one is one of them. Which effects there are makes no difference.
    """
    settings = TABLES[table].settings
    rng = np.random.default_rng([seed, list(TABLES).index(table)])
    planned = TABLES[table].planned()
    run = planned.study.runs[list(settings.factor_names)].drop_duplicates()
    contrasts, nothing = planned.fit.contrasts(run), planned.coefficients({})
    held = []
    for _ in range(studies):
        fit = planned.drawn(nothing, rng)
        critical = all_at_once(fit, contrasts, settings.alpha, Stream.BEST.generator(settings))
        means = estimates(fit, contrasts, settings.alpha)
        held.append((means["estimate"].abs() <= critical * means["std_error"]).all())
    return {"means of all settings": float(np.mean(held))}


def _means_and_best(planned: Planned, fit: Fit, exact: Fit) -> tuple[float, ...]:
    """The first of KINDS."""
    study, settings = planned.study, planned.settings
    main, sign = {fit.metric: fit}, settings.metric(fit.metric).sign
    compared = comparisons_with_best(main, study, settings)
    mean = sign * exact.predict(compared.drop(columns=["metric", *COMPARED]))[0]
    best_other = np.array([np.delete(mean, at).max() for at in range(len(mean))])
    lead = mean - best_other
    chosen = recommendation(compared, main, study, settings)
    assert chosen is not None
    (outcome,) = chosen.outcomes
    at = pd.DataFrame([chosen.setting], columns=list(settings.factor_names))
    there = float(exact.predict(at)[0][0])
    near = 1e-12  # of rounding
    within = (compared["lower"] - near <= lead) & (lead <= compared["upper"] + near)
    return (
        outcome.ci_low <= there <= outcome.ci_high,
        mean.max() - sign * there <= outcome.loss_most + near,
        bool(within.all()),
    )


def _differences(
    planned: Planned, fit: Fit, exact: Fit, in_truth: pd.DataFrame
) -> tuple[float, ...]:
    """The last of KINDS. Averages over all levels of a factor hold together; the largest was
    chosen."""
    study, settings = planned.study, planned.settings
    table = differences(fit, study, settings)
    averages = table["comparison"] == "average"
    truth = in_truth.loc[in_truth["comparison"] == "average", "difference"].to_numpy()
    held = pd.Series(True, index=table.index)
    held[averages] = table.loc[averages, "ci_low"] <= truth
    held[averages] &= truth <= table.loc[averages, "ci_high"]
    for at, row in table[~averages].iterrows():
        place = pd.DataFrame([row[list(settings.factor_names)]] * 2).astype(float)
        place[row["factor"]] = [row["level"], row["other_level"]]
        low, high = exact.predict(place)[0]
        held[at] = row["ci_low"] <= high - low <= row["ci_high"]
    by_factor = held.groupby([table["comparison"], table["factor"]]).all()
    together = held.groupby(table["factor"]).all()
    return by_factor["average"].mean(), by_factor["largest"].mean(), together.mean()
