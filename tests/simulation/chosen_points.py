"""Settings chosen for their fitted means, in studies where no setting differs from another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions.optimum import optimum
from analysis.questions.tradeoff import prices
from analysis.runs.settings import Settings

SETTINGS = Settings.from_config(
    {
        "factors": {
            "learning_rate": {"scale": "log10"},
            "batch_size": {"scale": "log2"},
            "epochs": {},
        },
        "analysis": {
            "degree": 2,
            "metrics": {"accuracy": {"better": "higher"}, "loss": {"better": "lower"}},
        },
    }
)
MEAN = {"accuracy": 0.8, "loss": 0.4}


def grid(replicates: int) -> pd.DataFrame:
    """The default study: 3 learning rates × 3 batch sizes × 3 epoch levels × replicates."""
    levels = ([1e-5, 3e-5, 1e-4], [8, 16, 32], [1, 2, 3], range(replicates))
    names = ["learning_rate", "batch_size", "epochs", "replicate"]
    cells = np.meshgrid(*levels, indexing="ij")
    return pd.DataFrame({name: cell.ravel() for name, cell in zip(names, cells, strict=True)})


def noise(table: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Of trajectories and of runs, each with a standard deviation of 0.02."""
    trajectory = table.groupby(["learning_rate", "batch_size", "replicate"]).ngroup().to_numpy()
    of_trajectories = rng.normal(size=trajectory.max() + 1)[trajectory]
    return 0.02 * (of_trajectories + rng.normal(size=len(table)))


def simulate(replicates: int, studies: int, seed: int = 0) -> dict[str, float]:
    """How often the interval at the optimum covers the mean, and how often a price seems not 0."""
    rng = np.random.default_rng([seed, replicates])
    table = grid(replicates)
    covered, priced = [], []
    for _ in range(studies):
        for metric, mean in MEAN.items():
            table[metric] = mean + noise(table, rng)
        study = study_of(table, SETTINGS)
        fits = {name: split_plot(study, SETTINGS, name, "absolute") for name in MEAN}
        best = optimum(fits["accuracy"], study, SETTINGS).iloc[0]
        covered.append(best["ci_low"] < MEAN["accuracy"] < best["ci_high"])
        found = prices(fits, study, SETTINGS)
        priced += ((found["ci_low"] > 0) | (found["ci_high"] < 0)).tolist()
    return {"optimum covered": float(np.mean(covered)), "price significant": float(np.mean(priced))}
