"""Tables that nobody designed: few runs, correlated settings, metrics near their bounds."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from analysis import tables
from analysis.preparation import study_of
from analysis.questions.bounds import NOTHING
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.tables import TABLES
from common.errors import UserError

KINDS = ("linear", "log10", "whole", "categorical")


def random_table(seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A table of 10 to 60 runs with 2 to 6 factors, and its config."""
    rng = np.random.default_rng(seed)
    count, factors = int(rng.integers(10, 61)), int(rng.integers(2, 7))
    common = rng.normal(size=count)  # what makes the settings correlated
    table, config, effect = pd.DataFrame(index=range(count)), {}, np.zeros(count)
    for name in "abcdef"[:factors]:
        kind = KINDS[rng.integers(len(KINDS))]
        value = rng.uniform(0, 0.9) * common + rng.normal(size=count)
        effect += rng.normal() * value
        if kind == "categorical":
            table[name] = np.array(["p", "q", "r"])[np.digitize(value, [-0.4, 0.6])]
        elif kind == "whole":
            table[name] = np.digitize(value, [-1, 0, 1])
        else:
            table[name] = 10**value if kind == "log10" else value.round(1)
        scale = {"whole": "linear"}.get(kind, kind)
        config[name] = {"scale": scale}
    table["accuracy"] = 1 / (1 + np.exp(-2 - effect - rng.normal(size=count)))
    table["loss"] = np.exp(-1 - 0.5 * effect - rng.normal(size=count))
    degree = int(rng.integers(1, 3)) if count > 2.5 * (factors + 1) * (factors + 2) / 2 else 1
    metrics = {"accuracy": {}, "loss": {}}
    return table, {
        "factors": config,
        "analysis": {"metrics": metrics, "degree": degree, "bootstrap": 200},
    }


def computed(seed: int) -> tuple[Study, Settings, dict[str, pd.DataFrame]] | None:
    """The study and all its tables; None where the table is refused, as it may be."""
    table, config = random_table(seed)
    settings = Settings.from_config(config)
    try:
        study = study_of(table, settings)
        return study, settings, tables.compute(study, settings)
    except UserError:
        return None


def simulate(first: int, tables: int) -> dict[str, float]:
    """The share of tables, of seeds from ``first`` on, of which something impossible is stated."""
    wrong = 0
    for seed in range(first, first + tables):
        found = computed(seed)
        wrong += bool(found and impossible(*found))
    return {"something impossible": wrong / tables}


def impossible(study: Study, settings: Settings, found: dict[str, pd.DataFrame]) -> list[str]:
    """What is stated that cannot be."""
    wrong = []
    for entry in TABLES:
        table, columns = found[entry.name], entry.bounded
        for row in table.to_dict("records") if columns != NOTHING else []:
            low, high = settings.metric(row["metric"]).bounds
            ends = [name for pair in columns.intervals for name in pair]
            if row.get("framing") == "relative":
                low, high = low - high, high - low
            for name in (*columns.means, *ends):
                if row[name] < low - 1e-9 or row[name] > high + 1e-9:
                    wrong.append(f"{entry.name}.{name}: {row[name]}")
    for row in found["recommendation"].to_dict("records"):
        low, high = settings.metric(row["metric"]).bounds
        if not low <= row["estimate"] <= high or row["ci_low"] < low or row["ci_high"] > high:
            wrong.append(f"recommendation of {row['metric']}: {row['estimate']}")
    chosen = found["recommendation"][list(settings.factor_names)].head(1)
    if len(chosen) and chosen.merge(study.runs, on=list(settings.factor_names)).empty:
        wrong.append(f"recommended, never run: {chosen.to_dict('records')}")
    proportions = [metric.name for metric in settings.metrics if metric.unit == "points"]
    for row in found["findings"].to_dict("records"):
        if row["metric"] in ("", *proportions):
            wrong += beyond_percentages(row["sentence"])
    optimum = found["optimum"]
    for metric, rows in optimum.groupby("metric") if len(optimum) else ():
        setting = dict(zip(rows["factor"], rows["value"], strict=True))
        if not in_hull(setting, study, settings, metric):
            wrong.append(f"optimum of {metric}: {setting}")
    return wrong


def beyond_percentages(sentence: str) -> list[str]:
    """The percentages, and points of a proportion, in a sentence that cannot be."""
    found = re.findall(r"([-−+]?[\d.,]*\d)(?: %| points)", sentence)
    values = [float(number.replace("−", "-").replace(",", "")) for number in found]
    return [f"{value} in: {sentence}" for value in values if not -100 <= value <= 100]


def in_hull(setting: dict[str, Any], study: Study, settings: Settings, metric: str) -> bool:
    """Whether the setting has categories and whole numbers that were run together, and lies within
    the hull of those runs in the other factors."""
    measured = study.runs.dropna(subset=[metric])
    continuous = []
    for factor in settings.factors:
        levels = study.runs[factor.name]
        if factor.numeric and (levels != levels.round()).any():
            continuous.append(factor)
        else:
            measured = measured[measured[factor.name] == setting[factor.name]]
    if measured.empty or not continuous:
        return not measured.empty

    def scaled(factor, values):
        return np.log10(values) if factor.scale == "log10" else np.asarray(values, dtype=float)

    vertices = np.array([scaled(f, measured[f.name].to_numpy(float)) for f in continuous])
    point = np.array([float(scaled(f, setting[f.name])) for f in continuous])
    system = np.vstack([vertices, np.ones(len(measured))])
    return bool(nnls(system, np.append(point, 1.0))[1] < 1e-6)
