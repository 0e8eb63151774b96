"""Findings in tables of noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.fit.cluster_robust import cluster_robust
from analysis.fit.estimators import coefficients
from analysis.questions.joint import joint, joint_tests
from analysis.runs.settings import Settings
from tests.simulation.studies import Planned, grid, refitted, settings_of

SETTINGS = settings_of("accuracy")
SINGLETON = Settings.from_config(
    {
        "factors": {
            "learning_rate": {"scale": "log10"},
            "batch_size": {"scale": "log2"},
            "epochs": {},
        },
        "analysis": {"degree": 1, "metrics": {"accuracy": {}}, "columns": {"replicate": "k"}},
    }
)


def families(replicates: int, studies: int, seed: int = 0) -> dict[str, float]:
    """How often anything is found in a study: by the global test, by a factor's q, by a term's q.

    The replicates differ much, which is no finding.
    """
    rng = np.random.default_rng([seed, replicates])
    planned = Planned.of(grid(replicates), SETTINGS)
    blocks = planned.fit.model.blocks
    found = []
    for _ in range(studies):
        levels = dict(zip(blocks, rng.normal(0, 0.1, len(blocks)), strict=True))
        true = planned.coefficients({"intercept": 0.8, **levels})
        fits = {("accuracy", "absolute", "split_plot"): planned.drawn(true, rng)}
        tests = joint(joint_tests(fits)).set_index("kind")
        terms = coefficients(fits, SETTINGS)
        found.append(
            {
                "global": tests.loc["global", "p_value"] < SETTINGS.alpha,
                "any factor": (tests.loc["factor", "q_value"] < SETTINGS.alpha).any(),
                "any term": (terms["q_value"] < SETTINGS.alpha).any(),
            }
        )
    return pd.DataFrame(found).mean().to_dict()


def singleton_table() -> pd.DataFrame:
    """24 runs of 5 epochs, and one trajectory that was also measured after 2."""
    settings = [(rate, size, k, 5) for rate in (1e-5, 3e-5) for size in (16, 32) for k in range(6)]
    names = ["learning_rate", "batch_size", "k", "epochs"]
    return pd.DataFrame([*settings, (1e-5, 16, 0, 2)], columns=names)


def singleton(studies: int, seed: int = 0) -> dict[str, float]:
    """How often a term has p < 0.05 by cluster-robust errors, and how often the term that one
    trajectory determines alone has a p-value at all."""
    rng = np.random.default_rng(seed)
    planned = Planned.of(singleton_table(), SINGLETON)
    p_values = []
    for _ in range(studies):
        noise = rng.normal(0.8, 0.02, len(planned.study.runs))
        fit = cluster_robust(refitted(planned.fit, noise))
        table = coefficients({("accuracy", "absolute", "ols_cluster"): fit}, SINGLETON)
        p_values.append(table.set_index("term")["p_value"].drop("intercept"))
    found = pd.DataFrame(p_values)
    told = found.drop(columns="epochs")
    return {
        "p < 0.05": float((told < 0.05).to_numpy().mean()),
        "one trajectory has a p": float(found["epochs"].notna().mean()),
    }
