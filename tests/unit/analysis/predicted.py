"""Predictions made with known answers, and a study that stores such."""

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from common.metrics import BY_NAME

SETTINGS = Settings.from_config(
    {
        "seed": 3,
        "factors": {"rate": {}},
        "analysis": {
            "metrics": {
                "accuracy": {"better": "higher", "unit": "points"},
                "f1": {"better": "higher", "unit": "points"},
                "loss": {"better": "lower"},
                "ece": {"better": "lower"},
            },
            "bootstrap": 2000,
        },
    }
)


def model(n=400, classes=2, skill=1.0, seed=0, labels=None, first=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n) if labels is None else labels
    logits = rng.normal(size=(len(labels), classes)) + skill * np.eye(classes)[labels]
    return Predictions(
        logits.astype(np.float32),
        labels.astype(np.int32),
        np.arange(first, first + len(labels), dtype=np.int32),
    )


def value(predictions, metric):
    sums = BY_NAME[metric].columns(predictions).sum(axis=0)
    return BY_NAME[metric].of_sums(sums, len(predictions.labels))


def written(folder, models):
    """runs naming files of (rate, replicate): (run, baseline)."""
    rows = []
    for (rate, replicate), (run, baseline) in models.items():
        row = {"rate": rate, "replicate": replicate, "trajectory": f"{rate}/{replicate}"}
        for column, p in {"predictions": run, "baseline_predictions": baseline}.items():
            name = f"{column}-{replicate}" + (f"-{rate}" if column == "predictions" else "")
            row[column] = f"{name}.safetensors"
            save_file(
                {"logits": p.logits, "labels": p.labels, "examples": p.examples},
                folder / row[column],
            )
        rows.append(row)
    return pd.DataFrame(rows)
