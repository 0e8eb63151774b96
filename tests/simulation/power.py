"""Effects as large as power.csv promises that they are found, in later studies of the same design.

The promise is each study's own, from its own estimate of the error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Fit
from analysis.questions.joint import joint, joint_tests
from analysis.questions.power import power
from tests.simulation.studies import Planned, grid, settings_of

SETTINGS = settings_of("accuracy")


def tested(fit: Fit) -> pd.DataFrame:
    return joint(joint_tests({(fit.metric, "absolute", "split_plot"): fit}))


def simulate(replicates: int, studies: int, seed: int = 0) -> dict[str, float]:
    """By factor, how often a straight line with the difference that one study promises to be found
    is found in another."""
    rng = np.random.default_rng([seed, replicates])
    planned = Planned.of(grid(replicates), SETTINGS)
    nothing = planned.coefficients({"intercept": 0.8})
    found = []
    for _ in range(studies):
        fit = planned.drawn(nothing, rng)
        promised = power(fit, tested(fit), SETTINGS).set_index("factor")["smallest_difference"]
        hits = {}
        for factor, difference in promised.items():
            true = planned.coefficients({"intercept": 0.8, factor: difference / 2})
            tests = tested(planned.drawn(true, rng)).set_index(["kind", "tested"])
            hits[factor] = tests.loc[("factor", factor), "q_value"] < SETTINGS.alpha
        found.append(hits)
    return pd.DataFrame(found).mean().to_dict()
