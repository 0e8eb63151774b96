"""A factor whose largest difference is the smallest that power.csv promises to find."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fit.split_plot import split_plot
from analysis.questions.power import columns_of, power
from analysis.runs import table as runs
from tests.simulation.chosen_points import SETTINGS, grid, noise

FACTORS = SETTINGS.factor_names


def found(study: runs.Study) -> dict[str, bool]:
    """By factor, whether its joint test has q < 0.05 over the factors."""
    fit = split_plot(study, SETTINGS, "accuracy", "absolute")
    table = power(fit, SETTINGS).set_index("factor")
    p_values = []
    for factor in FACTORS:
        at = columns_of(fit, factor)
        estimate = fit.coefficients[at]
        quadratic = estimate @ np.linalg.solve(fit.covariance[np.ix_(at, at)], estimate)
        df = table.loc[factor, "denominator_df"]
        p_values.append(float(stats.f.sf(quadratic / len(at), len(at), df)))
    q_values = stats.false_discovery_control(p_values)
    return dict(zip(FACTORS, q_values < 0.05, strict=True))


def promised(factor: str, replicates: int, studies: int = 20, seed: int = 0) -> float:
    """The smallest difference that is promised to be found, in the mean over studies of noise."""
    rng = np.random.default_rng([seed, replicates])
    table = grid(replicates)
    sizes = []
    for _ in range(studies):
        table["accuracy"], table["loss"] = 0.8 + noise(table, rng), 0.4
        study = runs.from_table(table, SETTINGS)
        fit = split_plot(study, SETTINGS, "accuracy", "absolute")
        sizes.append(power(fit, SETTINGS).set_index("factor").loc[factor, "smallest_difference"])
    return float(np.sqrt(np.mean(np.square(sizes))))


def simulate(factor: str, replicates: int, studies: int, seed: int = 0) -> float:
    """How often a straight line with the promised difference is found."""
    difference = promised(factor, replicates)
    rng = np.random.default_rng([seed, replicates, FACTORS.index(factor)])
    table = grid(replicates)
    level = table[factor].rank(method="dense")
    share = pd.Series((level - 1) / (level.max() - 1))
    hits = []
    for _ in range(studies):
        table["accuracy"] = 0.8 + difference * share + noise(table, rng)
        table["loss"] = 0.4
        hits.append(found(runs.from_table(table, SETTINGS))[factor])
    return float(np.mean(hits))
