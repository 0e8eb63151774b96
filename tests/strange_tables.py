"""Tables of runs that strain a layout, with the configuration a user would write for each.

Every function returns the table and the configuration; the same call gives the same table.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

Strange = tuple[pd.DataFrame, dict]


def _config(factors: dict, metrics: dict, **analysis: object) -> dict:
    return {"factors": factors, "analysis": {"metrics": metrics, "bootstrap": 100, **analysis}}


def _grid(levels: dict[str, tuple], replicates: int) -> pd.DataFrame:
    table = pd.DataFrame(itertools.product(*levels.values()), columns=list(levels))
    table = table.loc[table.index.repeat(replicates)].reset_index(drop=True)
    return table.assign(replicate=np.tile(range(replicates), len(table) // replicates))


def _noise(table: pd.DataFrame, size: float) -> np.ndarray:
    return np.random.default_rng(len(table)).normal(0, size, len(table))


POINTS = {"accuracy": {"better": "higher", "unit": "points"}}


def ten_runs_of_one_factor() -> Strange:
    table = pd.DataFrame({"learning_rate": np.geomspace(1e-5, 1e-3, 10)})
    table["accuracy"] = 0.8 + _noise(table, 0.01)
    return table, _config({"learning_rate": {"scale": "log10"}}, POINTS, degree=2)


def sixty_levels() -> Strange:
    table = _grid({"configuration": tuple(f"cfg-{i}" for i in range(60))}, 2)
    table["accuracy"] = 0.8 + 0.0005 * (table.index % 7) + _noise(table, 0.005)
    return table, _config({"configuration": {"scale": "categorical"}}, POINTS)


def twenty_factors() -> Strange:
    names = [f"hyperparameter_{letter}" for letter in "abcdefghijklmnopqrst"]
    values = np.random.default_rng(0).uniform(0, 1, (120, 20))
    table = pd.DataFrame(values, columns=names)
    table["accuracy"] = 0.7 + 0.1 * table[names[0]] + _noise(table, 0.01)
    return table, _config({name: {"scale": "linear"} for name in names}, POINTS, degree=1)


def other_scripts() -> Strange:
    levels = {"학습률": (1e-5, 3e-5, 9e-5), "größe": (16, 32), "优化器": ("адам", "随机梯度", "🚀")}
    table = _grid(levels, 2)
    table["точность"] = 0.8 + _noise(table, 0.01)
    factors = {"학습률": {"scale": "log10"}, "größe": {"scale": "log2"}}
    factors["优化器"] = {"scale": "categorical"}
    return table, _config(factors, {"точность": {"better": "higher", "unit": "points"}}, degree=1)


def numbers_as_categories() -> Strange:
    table = _grid({"heads": ("128", "8", "16", "2", "64"), "act": ("relu", "gelu", "silu")}, 2)
    table["score"] = table["heads"].astype(float) / 100 + _noise(table, 0.1)
    factors = {"heads": {"scale": "categorical"}, "act": {"scale": "categorical"}}
    return table, _config(factors, {"score": {"better": "lower"}})


def long_names() -> Strange:
    layers = tuple(" ".join(["512"] * count) for count in (1, 2, 4, 8, 12))
    optimizers = ("AdamW with decoupled weight decay 0.01", "SGD with Nesterov momentum 0.9")
    table = _grid({"hidden_layer_sizes_of_the_classification_head": layers}, 1)
    table = table.merge(pd.DataFrame({"optimizer": optimizers}), how="cross")
    table = table.merge(pd.DataFrame({"warmup_steps": (0, 100, 1000)}), how="cross")
    table["validation_matthews_correlation_coefficient"] = 0.5 + _noise(table, 0.05)
    factors = {name: {"scale": "categorical"} for name in table.columns[[0, 2]]}
    factors["warmup_steps"] = {"scale": "linear"}
    metric = "validation_matthews_correlation_coefficient"
    return table, _config(factors, {metric: {"better": "higher"}}, degree=1)


def tiny_values() -> Strange:
    table = _grid({"learning_rate": (1e-5, 3e-5, 1e-4), "batch_size": (16, 32, 64)}, 3)
    table["loss"] = 0.001 + 0.0001 * (table["batch_size"] == 32) + _noise(table, 1e-5)
    factors = {"learning_rate": {"scale": "log10"}, "batch_size": {"scale": "log2"}}
    return table, _config(factors, {"loss": {"better": "lower"}})


def six_metrics() -> Strange:
    table = _grid({"learning_rate": (1e-5, 3e-5, 9e-5), "epochs": (1, 2, 3)}, 2)
    metrics = {**POINTS, "f1": {"better": "higher", "unit": "points"}}
    metrics["loss"] = {"better": "lower", "unit": "nats"}
    metrics["training_seconds"] = {"better": "lower", "unit": "s"}
    metrics["memory"] = {"better": "lower", "unit": "MB"}
    metrics["brier_score_of_held_out_texts"] = {"better": "lower", "unit": "points"}
    for place, name in enumerate(metrics):
        scale = {"training_seconds": 9000, "memory": 24000}.get(name, 0.5)
        table[name] = scale * (1 + 0.05 * table["epochs"]) + _noise(table, 0.01 * scale) * (
            1 + place
        )
    factors = {"learning_rate": {"scale": "log10"}, "epochs": {"scale": "linear"}}
    return table, _config(factors, metrics)


def wide_categories() -> Strange:
    levels = {
        "tokenizer": tuple(f"tokenizer-{i}" for i in range(12)),
        "schedule": ("constant", "cosine", "linear with warm-up", "polynomial decay", "one cycle"),
        "learning_rate": (1e-5, 1e-4),
    }
    table = _grid(levels, 2)
    table["accuracy"] = 0.8 + _noise(table, 0.01)
    factors = {"tokenizer": {"scale": "categorical"}, "schedule": {"scale": "categorical"}}
    factors["learning_rate"] = {"scale": "log10"}
    return table, _config(factors, POINTS, degree=1)


def baseline_and_many_levels() -> Strange:
    table = _grid({"learning_rate": tuple(np.geomspace(1e-6, 1e-3, 12)), "epochs": (1, 2, 3)}, 2)
    table["accuracy"] = 0.8 + 0.01 * table["epochs"] + _noise(table, 0.01)
    table["baseline_accuracy"] = 0.8 + 0.001 * table["replicate"]
    factors = {"learning_rate": {"scale": "log10"}, "epochs": {"scale": "linear"}}
    return table, _config(factors, POINTS)


def random_search() -> Strange:
    draw = np.random.default_rng(1)
    table = pd.DataFrame({"learning_rate": 10 ** draw.uniform(-6, -2, 24)})
    table["weight_decay"] = 10 ** draw.uniform(-5, -1, 24)
    table["dropout"] = draw.uniform(0, 0.5, 24)
    table["perplexity"] = 1e4 + 1e3 * table["dropout"] + _noise(table, 50)
    factors = {"learning_rate": {"scale": "log10"}, "weight_decay": {"scale": "log10"}}
    factors["dropout"] = {"scale": "linear"}
    return table, _config(factors, {"perplexity": {"better": "lower"}}, degree=2)


def hundred_thousand_runs(count: int = 100_000) -> Strange:
    draw = np.random.default_rng(2)
    table = pd.DataFrame({f"factor_{i}": draw.integers(0, 5, count) for i in range(6)})
    table["replicate"] = draw.integers(0, 10, count)
    for name in ("accuracy", "loss", "seconds"):
        table[name] = 0.5 + 0.02 * table["factor_0"] + draw.normal(0, 0.05, count)
    metrics = {**POINTS, "loss": {"better": "lower"}, "seconds": {"better": "lower", "unit": "s"}}
    return table, _config({f"factor_{i}": {"scale": "linear"} for i in range(6)}, metrics)


SMALL: tuple[Callable[[], Strange], ...] = (
    ten_runs_of_one_factor,
    sixty_levels,
    twenty_factors,
    other_scripts,
    numbers_as_categories,
    long_names,
    tiny_values,
    six_metrics,
    wide_categories,
    baseline_and_many_levels,
    random_search,
)
