"""A factor whose largest difference is the smallest that power.csv promises to find."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Fit
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions.joint import joint, joint_tests
from analysis.questions.power import power
from analysis.runs.study import Study
from tests.simulation.chosen_points import SETTINGS, grid, noise

FACTORS = SETTINGS.factor_names


def tested(study: Study) -> tuple[Fit, pd.DataFrame]:
    """The split-plot fit of accuracy and its joint tests."""
    fit = split_plot(study, SETTINGS, "accuracy", "absolute")
    return fit, joint(joint_tests({("accuracy", "absolute", "split_plot"): fit}))


def promised(factor: str, replicates: int, studies: int = 20, seed: int = 0) -> float:
    """The smallest difference that is promised to be found, in the mean over studies of noise."""
    rng = np.random.default_rng([seed, replicates])
    table = grid(replicates)
    sizes = []
    for _ in range(studies):
        table["accuracy"], table["loss"] = 0.8 + noise(table, rng), 0.4
        study = study_of(table, SETTINGS)
        sizes.append(
            power(*tested(study), SETTINGS).set_index("factor").loc[factor, "smallest_difference"]
        )
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
        tests = tested(study_of(table, SETTINGS))[1].set_index("tested")
        hits.append(tests.loc[factor, "q_value"] < SETTINGS.alpha)
    return float(np.mean(hits))
