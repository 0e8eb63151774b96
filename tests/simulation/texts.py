"""A cell that is as good as the baseline, evaluated on texts that replicates share or not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.questions.comparisons import comparisons
from analysis.questions.evaluation import evaluation_variance
from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings

TEXTS = 400  # evaluated in a replicate
OVERLAPS = ("none", "part", "all")
SETTINGS = Settings.from_config(
    {
        "factors": {"rate": {}},
        "analysis": {
            "metrics": {"accuracy": {"better": "higher", "unit": "points"}},
            "bootstrap": 1000,
        },
    }
)


def evaluation_sets(overlap: str, replicates: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The texts of every replicate, by number: (replicates) of (TEXTS,)."""
    if overlap == "none":
        return [np.arange(TEXTS) + TEXTS * each for each in range(replicates)]
    pool = TEXTS if overlap == "all" else 2 * TEXTS
    return [np.sort(rng.permutation(pool)[:TEXTS]) for _ in range(replicates)]


def compared(overlap: str, replicates: int, rng: np.random.Generator) -> pd.Series:
    """The row of a cell with no true difference: texts differ in which model finds them hard."""
    sets = evaluation_sets(overlap, replicates, rng)
    texts = max(each.max() for each in sets) + 1
    difficulty = rng.normal(size=texts)
    hard_for = rng.normal(size=(2, texts))  # for the fine-tuned, for the baseline
    predictions, rows = {}, []
    baseline_right = difficulty + hard_for[1] < 1
    for replicate, examples in enumerate(sets):
        noise = 0.3 * rng.normal(size=texts)
        right = difficulty + np.sqrt(1 - 0.3**2) * hard_for[0] + noise < 1
        for name, correct in (("run", right), ("baseline", baseline_right)):
            predictions[f"{name}{replicate}"] = _predictions(correct[examples], examples)
        rows.append((1.0, replicate, f"run{replicate}", f"baseline{replicate}"))
    columns = ["rate", "replicate", "predictions", "baseline_predictions"]
    return comparisons(pd.DataFrame(rows, columns=columns), predictions, SETTINGS).iloc[0]


def simulate(overlap: str, replicates: int, studies: int, seed: int = 0) -> dict[str, float]:
    """How often p < 0.05, and how often the interval covers the true difference, 0."""
    rng = np.random.default_rng([seed, OVERLAPS.index(overlap), replicates])
    rows = pd.DataFrame([compared(overlap, replicates, rng) for _ in range(studies)])
    return {
        "p < 0.05": float((rows["mcnemar_p"] < 0.05).mean()),
        "coverage": float(((rows["ci_low"] <= 0) & (rows["ci_high"] >= 0)).mean()),
    }


def replicate_component(overlap: str, replicates: int, studies: int, seed: int = 0) -> float:
    """Mean of what the evaluation set adds to the variance between replicates, estimated, over what
    it adds in truth: the variance over studies between the replicates' means.

    Every replicate has four runs that differ from text to text by chance alone.
    """
    rng = np.random.default_rng([seed, OVERLAPS.index(overlap), replicates])
    estimated, between = [], []
    for _ in range(studies):
        sets = evaluation_sets(overlap, replicates, rng)
        difficulty = rng.normal(size=max(each.max() for each in sets) + 1)
        predictions, rows, means = {}, [], []
        for replicate, examples in enumerate(sets):
            right = difficulty[examples] + 0.3 * rng.normal(size=(4, TEXTS)) < 1
            means.append(right.mean())
            for run, correct in enumerate(right):
                name = f"{replicate}/{run}"
                predictions[name] = _predictions(correct, examples)
                rows.append((replicate, name, name))
        runs = pd.DataFrame(rows, columns=["replicate", "trajectory", "predictions"])
        found = evaluation_variance(runs, predictions, "accuracy")
        estimated.append(found.replicate)
        between.append(np.var(means, ddof=1) - (found.trajectory + found.run) / 4)
    return float(np.mean(estimated) - np.mean(between)) / found.total


def _predictions(correct: np.ndarray, examples: np.ndarray) -> Predictions:
    logits = np.c_[~correct, correct].astype(np.float32)
    return Predictions(logits, np.ones(len(examples), dtype=np.int32), examples)
