"""Configurations of designs to be tested."""

from design import settings_of
from tests import tiny

RANGES = {
    "learning_rate": ([1e-5, 1e-3], "log10"),
    "weight_decay": ([0.0, 0.2], "linear"),
    "dropout": ([0.0, 0.4], "linear"),
    "warmup": ([0.0, 2.0], "linear"),
    "plateau_factor": ([0.2, 0.8], "linear"),
    "batch_size": ([4, 64], "log2"),
    "frozen_layers": ([0, 6], "linear"),
    "plateau_patience": ([1, 9], "linear"),
    "early_stopping": ([0, 8], "linear"),
    "synonyms": ([0.0, 0.4], "linear"),
    "insertion": ([0.0, 0.2], "linear"),
    "deletion": ([0.0, 0.2], "linear"),
}
EPOCHS = {"levels": [1, 2, 3], "scale": "linear"}


def configuration(design, factors=3, *, epochs=True, degree=2, **more):
    """A configuration with so many numeric factors that have ranges, or those of a mapping."""
    if isinstance(factors, int):
        factors = {name: RANGES[name] for name in list(RANGES)[:factors]}
        factors = {name: {"range": r, "scale": s} for name, (r, s) in factors.items()}
    factors = dict(factors)
    if epochs:
        factors["epochs"] = EPOCHS
    fixed = tiny.FIXED | {"batch_size": 8, "learning_rate": 1e-4, "epochs": 2}
    return {
        "seed": 7,
        "design": design,
        "factors": factors,
        "training": {name: value for name, value in fixed.items() if name not in factors},
        "replicates": 1,
        "share_epochs": True,
        "analysis": {"metrics": {"accuracy": {}}, "degree": degree},
    } | more


def chosen(design, factors=3, **more):
    """The settings of a design."""
    return list(settings_of(configuration(design, factors, **more)))
