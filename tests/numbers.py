"""The numbers of every table of a study, so that none changes unnoticed.

    python -m tests.numbers     # after a change that is meant to change them

``tests/reference`` holds what other programs say of parts of the analysis. This is what the
analysis itself said of the whole; each number of a table counts, by its place in it.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.preparation import read_study
from analysis.runs.settings import Settings
from analysis.tables import compute

REFERENCE = Path(__file__).parent / "reference"
NUMBERS = REFERENCE / "numbers.json"

CONFIG = {
    "seed": 20241,
    "factors": {
        "learning_rate": {"scale": "log10"},
        "batch_size": {"scale": "log2"},
        "epochs": {"scale": "linear"},
    },
    "analysis": {
        "metrics": {
            "accuracy": {"better": "higher", "unit": "points"},
            "loss": {"better": "lower", "unit": "nats", "transform": "log"},
        },
        "baseline": {"learning_rate": 1.0e-5, "batch_size": 32, "epochs": 3},
        "equivalence": {"accuracy": 0.02},
        "bootstrap": 100,
    },
}


def numbers() -> dict[str, list[float]]:
    """By "table.column": how many numbers there are, the sum of their sizes, and that of the
    numbers themselves, each times the share of the rows up to its own. Findings are sentences."""
    settings = Settings.from_config(CONFIG)
    study = read_study(REFERENCE / "splitplot_unbalanced.csv", settings)
    return {
        f"{table}.{name}": _summed(column.to_numpy(float))
        for table, rows in compute(study, study.settings).items()
        for name, column in rows.items()
        if table != "findings" and len(rows) and pd.api.types.is_numeric_dtype(column)
    }


def _summed(values: np.ndarray) -> list[float]:
    there = np.isfinite(values)
    values = np.where(there, values, 0)
    share = np.arange(1, len(values) + 1) / len(values)
    return [float(f"{number:.9g}") for number in (there.sum(), abs(values).sum(), values @ share)]


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(sums)}" for name, sums in numbers().items()]
    NUMBERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
