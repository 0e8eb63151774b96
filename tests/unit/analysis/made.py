"""Studies made with known answers."""

import numpy as np
import pandas as pd

from analysis.fit.least_squares import ordinary_least_squares
from analysis.preparation import study_of
from analysis.runs.settings import Settings

CONFIG = {
    "seed": 11,
    "factors": {"a": {}, "b": {}, "epochs": {}},
    "analysis": {"metrics": {"y": {"better": "higher"}}, "bootstrap": 300},
}


SETTINGS = Settings.from_config(CONFIG)


SHAPES = {
    "maximum": (lambda a, b: 5 - (a - 0.3) ** 2 - 2 * (b + 0.2) ** 2, (0.3, -0.2)),
    "minimum": (lambda a, b: (a - 0.3) ** 2 + 2 * (b + 0.2) ** 2, (0.3, -0.2)),
    "saddle": (lambda a, b: (a - 0.1) ** 2 - (b - 0.4) ** 2, (0.1, 0.4)),
}


def made_study(
    response, factors=("a", "b"), levels=(1, 2, 3, 4, 5), replicates=3, noise=0.0, **more
):
    """A full factorial of linear factors, coded -1..1, with y = response(coded factors).

    A table needs a metric that is measured: ``other``."""
    grid = np.stack(np.meshgrid(*[levels] * len(factors), indexing="ij"), -1)
    table = pd.DataFrame(np.tile(grid.reshape(-1, len(factors)), (replicates, 1)), columns=factors)
    table["replicate"] = np.repeat(range(replicates), len(table) // replicates)
    half = (levels[-1] - levels[0]) / 2
    coded = [(table[name] - levels[0]) / half - 1 for name in factors]
    table["y"] = response(*coded) + noise * np.random.default_rng(5).normal(size=len(table))
    table["other"] = np.random.default_rng(6).normal(size=len(table))
    config = {
        "seed": 7,
        "factors": {name: {"scale": "linear"} for name in factors},
        "analysis": {
            "metrics": {"y": {"better": "higher"}, "other": {"better": "higher"}},
            **more,
        },
    }
    chosen = Settings.from_config(config)
    return study_of(table, chosen), chosen


def made_fit(response, **more):
    study, chosen = made_study(response, **more)
    return ordinary_least_squares(study, chosen, "y", "absolute"), study, chosen


def made_mixed(response, noise=0.0, replicates=3, **analysis):
    """A continuous factor a, coded -1..1, and a kind x, y or z; y = response(coded a, kind).

    Returns the ordinary fit, the study and its settings.
    """
    rows = [(a, kind, r) for r in range(replicates) for a in (1.5, 2.5, 3.5) for kind in "xyz"]
    table = pd.DataFrame(rows, columns=["a", "kind", "replicate"])
    table["y"] = response(table["a"] - 2.5, table["kind"])
    table["y"] += noise * np.random.default_rng(5).normal(size=len(table))
    chosen = Settings.from_config(
        {
            "seed": 7,
            "factors": {"a": {}, "kind": {"scale": "categorical"}},
            "analysis": {"metrics": {"y": {"better": "higher"}}, **analysis},
        }
    )
    study = study_of(table, chosen)
    return ordinary_least_squares(study, chosen, "y", "absolute"), study, chosen


def simulated(mean, seed=0, replicates=3, replicate_sd=0.0, trajectory_sd=0.0, epoch_sd=0.0):
    """3 × 3 × 3 × replicates; y = mean(coded a, b, epochs) + the three kinds of noise."""
    rng = np.random.default_rng(seed)
    names = ["a", "b", "replicate", "epochs"]
    levels = np.meshgrid([1, 2, 3], [1, 2, 3], range(replicates), [1, 2, 3], indexing="ij")
    table = pd.DataFrame({name: grid.ravel() for name, grid in zip(names, levels, strict=True)})
    trajectory = table.groupby(["a", "b", "replicate"]).ngroup()
    table["y"] = (
        mean(table["a"] - 2, table["b"] - 2, table["epochs"] - 2)
        + rng.normal(0, 1, replicates)[table["replicate"]] * replicate_sd
        + rng.normal(0, 1, trajectory.max() + 1)[trajectory] * trajectory_sd
        + rng.normal(0, 1, len(table)) * epoch_sd
    )
    return study_of(table, SETTINGS)
