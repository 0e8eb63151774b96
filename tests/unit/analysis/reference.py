"""The studies of tests/reference and R's answers to them."""

import json
import os
from pathlib import Path

from analysis.preparation import read_study
from analysis.runs.settings import Settings

REFERENCE = Path(__file__).parents[2] / "reference"
DESIGNS = ("splitplot_balanced", "splitplot_unbalanced")
METRICS = ("accuracy", "f1", "loss")
FRAMINGS = ("absolute", "relative")

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
            "f1": {"better": "higher", "unit": "points"},
            "loss": {"better": "lower", "unit": "nats"},
        },
        "baseline": {"learning_rate": 1.0e-5, "batch_size": 32, "epochs": 3},
    },
}

CHEMREACT_CONFIG = {
    "factors": {"Time": {"range": [80, 90]}, "Temp": {"range": [170, 180]}},
    "analysis": {"metrics": {"Yield": {"better": "higher"}}, "columns": {"replicate": "Block"}},
}


def settings(config=CONFIG, **analysis):
    return Settings.from_config({**config, "analysis": {**config["analysis"], **analysis}})


def study(design="splitplot_balanced"):
    return read_study(REFERENCE / f"{design}.csv", settings())


OBSERVATIONAL_CONFIG = {
    "factors": CONFIG["factors"],
    "analysis": {"metrics": CONFIG["analysis"]["metrics"], "blocks": ["dataset"]},
}

CENTRAL_COMPOSITE_CONFIG = {
    "factors": {name: {"range": [-1, 1]} for name in ("x1", "x2", "x3")},
    "analysis": {"metrics": {"y": {"better": "higher"}}, "blocks": ["block"]},
}


def observational():
    """Study and settings of a table nobody designed, with its data set as the block."""
    return _read("observational", OBSERVATIONAL_CONFIG)


def central_composite():
    """Study and settings of a design in two blocks that repeats its centre point in each."""
    return _read("ccd", CENTRAL_COMPOSITE_CONFIG)


def _read(name, config):
    read = read_study(REFERENCE / f"{name}.csv", settings(config))
    return read, read.settings


def simulations(small):
    """How many tables a simulation draws: ``small``, or what SIMULATIONS=2000 in front of pytest
    asks for."""
    return int(os.environ.get("SIMULATIONS", small))


def at_most(nominal, draws):
    """The largest share of false findings that does not speak (p 0.005) against ``nominal``."""
    return nominal + 2.6 * (nominal * (1 - nominal) / draws) ** 0.5


def chemreact():
    return read_study(REFERENCE / "chemreact.csv", settings(CHEMREACT_CONFIG))


def answers(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


def our_term(name):
    """R's name of a term in our spelling."""
    replaced = name.replace("(Intercept)", "intercept")
    if replaced.startswith("block"):
        return f"replicate[{replaced[5:]}]"
    return {"BlockB2": "replicate[B2]", "x1": "Time", "x2": "Temp"}.get(
        replaced, replaced.replace("x1", "Time").replace("x2", "Temp")
    )
