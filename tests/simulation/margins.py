"""Equivalence in studies whose true difference is as large as the margin, or none.

Of all factors the first changes the metric by the margin, so that it is never the same at all
levels; the others change nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.questions.differences import differences
from analysis.questions.equivalence import equivalence
from tests.simulation.studies import Planned, grid, settings_of

METRIC = "accuracy"
SETTINGS = settings_of(METRIC)


def simulate(replicates: int, studies: int, seed: int = 0) -> dict[str, float]:
    """How often a factor whose difference is the margin is called equivalent; and how often the
    others are where the margin is the one that a first study says another could show."""
    rng = np.random.default_rng([seed, replicates])
    planned = Planned.of(grid(replicates), SETTINGS)
    changes, *others = SETTINGS.factor_names
    nothing = planned.coefficients({"intercept": 0.8})

    def table(true: np.ndarray, margin: float) -> pd.DataFrame:
        told = differences(planned.drawn(true, rng), planned.study, SETTINGS)
        return equivalence(told, replace(SETTINGS, equivalence={METRIC: margin})).set_index(
            "factor"
        )

    shown, seen = [], []
    for _ in range(studies):
        margin = table(nothing, 1.0).loc[others, "provable_margin"].max()
        seen.append(table(nothing, margin).loc[others, "equivalent"].mean())
        true = planned.coefficients({"intercept": 0.8, changes: margin / 2})
        shown.append(bool(table(true, margin).loc[changes, "equivalent"]))
    return {
        "as large as the margin, called equivalent": float(np.mean(shown)),
        "no difference, called equivalent": float(np.mean(seen)),
    }
