"""Settings chosen for their fitted means, in studies where no setting differs from another."""

from __future__ import annotations

import numpy as np

from analysis.questions.optimum import optimum
from analysis.questions.tradeoff import prices
from tests.simulation.studies import Planned, grid, settings_of

MEAN = {"accuracy": 0.8, "loss": 0.4}
SETTINGS = settings_of(*MEAN)


def simulate(replicates: int, studies: int, seed: int = 0) -> dict[str, float]:
    """How often the interval at the optimum covers the mean, and how often a price seems not 0."""
    rng = np.random.default_rng([seed, replicates])
    planned = Planned.of(grid(replicates), SETTINGS)
    covered, priced = [], []
    for _ in range(studies):
        fits = {
            name: planned.drawn(planned.coefficients({"intercept": mean}), rng, name)
            for name, mean in MEAN.items()
        }
        best = optimum(fits["accuracy"], planned.study, SETTINGS).iloc[0]
        covered.append(best["ci_low"] < MEAN["accuracy"] < best["ci_high"])
        found = prices(fits, planned.study, SETTINGS)
        priced += ((found["ci_low"] > 0) | (found["ci_high"] < 0)).tolist()
    return {"optimum covered": float(np.mean(covered)), "price significant": float(np.mean(priced))}
