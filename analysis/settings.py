"""What the user asks of the analysis: factors, metrics, model, as read from the study's config."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SCALES = ("log10", "log2", "linear", "categorical")
RESERVED = ("replicate", "trajectory", "status")  # columns of the run table that are no factor


class InputError(ValueError):
    """A mistake in the config or the run table, told in one message fit for the user."""


@dataclass(frozen=True)
class Factor:
    """One varied hyperparameter."""

    name: str
    scale: str = "linear"
    # the natural values coded -1 and 1; None: the lowest and the highest in the table
    range: tuple[float, float] | None = None

    @property
    def numeric(self) -> bool:
        return self.scale != "categorical"


@dataclass(frozen=True)
class Metric:
    """One measured outcome."""

    name: str
    better: str  # "higher" or "lower"
    unit: str = ""  # "points": a proportion, shown times 100

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.better == "higher" else -1


@dataclass(frozen=True)
class Settings:
    """Everything the analysis needs beside the table of runs.

    ``columns`` maps our column names to the table's own; ``baseline`` gives the baseline's
    hyperparameters where the table does not; ``target_effect`` is by metric, in its own units, the
    effect for which the power table tells the replicates needed; ``pareto`` names the metrics of
    the Pareto front, all if it is empty.
    """

    factors: tuple[Factor, ...]
    metrics: tuple[Metric, ...]
    seed: int = 0
    degree: int = 2
    formula: str | None = None
    alpha: float = 0.05
    bootstrap: int = 2000
    pareto: tuple[str, ...] = ()
    desirability: Mapping[str, float] = field(default_factory=dict)
    target_effect: Mapping[str, float] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def factor_names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    @property
    def front_metrics(self) -> tuple[Metric, ...]:
        """The metrics of the Pareto front, in the config's order."""
        return tuple(m for m in self.metrics if not self.pareto or m.name in self.pareto)

    @property
    def subplot_factor(self) -> str | None:
        """The factor that varies within a training run: epochs, if the study has it."""
        return "epochs" if "epochs" in self.factor_names else None

    def factor(self, name: str) -> Factor:
        return next(factor for factor in self.factors if factor.name == name)

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Reads ``seed``, ``factors`` and ``analysis``; other top-level keys are the workflow's.

        Raises InputError naming the key, the value and what would do.
        """
        config = _mapping(config, "the config")
        for key in ("factors", "analysis"):
            if key not in config:
                raise InputError(f"{key}: missing from the config.")
        analysis = _mapping(config["analysis"], "analysis")
        _known_keys(analysis, _ANALYSIS_KEYS, "analysis")

        factors = _factors(_mapping(config["factors"], "factors"))
        names = [factor.name for factor in factors]
        metrics = _metrics(analysis, names)
        formula = analysis.get("formula")
        if formula is not None and "degree" in analysis:
            raise InputError("analysis: give either degree or formula, not both.")
        if formula is not None and not (isinstance(formula, str) and formula.strip()):
            raise InputError(
                f"analysis.formula: {formula!r} is no formula; "
                "for example 'learning_rate + epochs + learning_rate:epochs + epochs^2'."
            )
        degree = analysis.get("degree", 2)
        if degree not in (1, 2, 3) or isinstance(degree, bool):
            raise InputError(f"analysis.degree: {degree!r} is not 1, 2 or 3.")

        weights = _mapping(analysis.get("desirability") or {}, "analysis.desirability")
        _known_keys(weights, [metric.name for metric in metrics], "analysis.desirability")
        targets = _mapping(analysis.get("target_effect") or {}, "analysis.target_effect")
        _known_keys(targets, [metric.name for metric in metrics], "analysis.target_effect")
        baseline = _mapping(analysis.get("baseline") or {}, "analysis.baseline")
        _known_keys(baseline, names, "analysis.baseline")
        for factor in factors:
            if factor.numeric and factor.name in baseline:
                key = f"analysis.baseline.{factor.name}"
                _on_scale(_number(baseline[factor.name], key), factor.scale, key)
        columns = _mapping(analysis.get("columns") or {}, "analysis.columns")
        _known_keys(columns, _columns(factors, metrics), "analysis.columns")
        for key, column in columns.items():
            if not isinstance(column, str):
                raise InputError(f"analysis.columns.{key}: {column!r} is not a column's name.")

        return cls(
            factors=factors,
            metrics=metrics,
            seed=_whole(config.get("seed", 0), "seed", least=0),
            degree=degree,
            formula=formula,
            alpha=_between(analysis.get("alpha", 0.05), "analysis.alpha", 0, 1),
            bootstrap=_whole(analysis.get("bootstrap", 2000), "analysis.bootstrap", least=100),
            pareto=_pareto(analysis.get("pareto"), [metric.name for metric in metrics]),
            desirability={
                key: _between(value, f"analysis.desirability.{key}", 0, math.inf)
                for key, value in weights.items()
            },
            target_effect={
                metric.name: _target_effect(targets[metric.name], metric)
                for metric in metrics
                if metric.name in targets
            },
            baseline=dict(baseline),
            columns=dict(columns),
        )


_ANALYSIS_KEYS = (
    "metrics",
    "degree",
    "formula",
    "alpha",
    "bootstrap",
    "pareto",
    "desirability",
    "target_effect",
    "baseline",
    "columns",
)


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint that ends a message about an unknown name."""
    known = [str(each) for each in known]
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."


def _factors(section: Mapping[str, Any]) -> tuple[Factor, ...]:
    if not section:
        raise InputError("factors: empty; name at least one varied hyperparameter.")
    factors = []
    for name, options in section.items():
        key = f"factors.{name}"
        if any(character in str(name) for character in ":^+[] ") or name in RESERVED:
            raise InputError(f"{key}: this name cannot be a factor's; use a plain word.")
        options = _mapping(options or {}, key)
        _known_keys(options, ("levels", "scale", "range"), key)
        scale = options.get("scale", "linear")
        if scale not in SCALES:
            raise InputError(f"{key}.scale: {scale!r} is unknown; {nearest(scale, SCALES)}")
        limits = options.get("range")
        if limits is not None:
            if scale == "categorical" or not isinstance(limits, list) or len(limits) != 2:
                raise InputError(
                    f"{key}.range: {limits!r} is not the two numbers that are coded -1 and 1."
                )
            low, high = (_on_scale(_number(v, f"{key}.range"), scale, key) for v in limits)
            if not low < high:
                raise InputError(f"{key}.range: {low} is not below {high}.")
            limits = (low, high)
        factors.append(Factor(str(name), scale, limits))
    return tuple(factors)


def _metrics(analysis: Mapping[str, Any], factors: list[str]) -> tuple[Metric, ...]:
    section = _mapping(analysis.get("metrics") or {}, "analysis.metrics")
    if not section:
        raise InputError(
            "analysis.metrics: missing; for example {accuracy: {better: higher, unit: points}}."
        )
    metrics = []
    for name, options in section.items():
        key = f"analysis.metrics.{name}"
        if name in factors or name in RESERVED:
            raise InputError(f"{key}: this name is already a factor's or the table's own.")
        options = _mapping(options or {}, key)
        _known_keys(options, ("better", "unit"), key)
        better = options.get("better")
        if better not in ("higher", "lower"):
            raise InputError(f"{key}.better: {better!r} is not 'higher' or 'lower'.")
        metrics.append(Metric(str(name), better, str(options.get("unit") or "")))
    return tuple(metrics)


def _pareto(names: Any, metrics: list[str]) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or len(names) < 2 or len(set(map(str, names))) < len(names):
        raise InputError(
            f"analysis.pareto: {names!r} is not a list of two different metrics or more."
        )
    _known_keys(dict.fromkeys(names), metrics, "analysis.pareto")
    return tuple(names)


def _columns(factors: Iterable[Factor], metrics: Iterable[Metric]) -> list[str]:
    """Every column of the run table whose name the user may map."""
    names = [factor.name for factor in factors] + [metric.name for metric in metrics]
    return [
        *names,
        *RESERVED,
        *(f"baseline_{name}" for name in names),
        "seconds",
        "predictions",
        "baseline_predictions",
    ]


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{key}: {value!r} is not a mapping of keys to values.")
    return value


def _known_keys(section: Mapping[str, Any], known: Iterable[str], key: str) -> None:
    for name in section:
        if name not in known:
            raise InputError(f"{key}.{name}: unknown key; {nearest(name, known)}")


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        # YAML reads 1e-5 as text: it wants 1.0e-5
        raise InputError(f"{key}: {value!r} is not a finite number (in YAML write 1.0e-5).")
    return float(value)


def _on_scale(value: float, scale: str, key: str) -> float:
    if scale in ("log10", "log2") and value <= 0:
        raise InputError(f"{key}: {value} has no logarithm, but its scale is {scale}.")
    return value


def _target_effect(value: Any, metric: Metric) -> float:
    key = f"analysis.target_effect.{metric.name}"
    size = _number(value, key)
    if size <= 0:
        raise InputError(f"{key}: {value!r} is not above 0; give the size without its sign.")
    if metric.unit == "points" and size >= 1:
        raise InputError(
            f"{key}: {value!r} is not below 1; {metric.name} is a proportion, of which a point "
            "is 0.01."
        )
    return size


def _between(value: Any, key: str, low: float, high: float) -> float:
    number = _number(value, key)
    if not low < number < high:
        raise InputError(f"{key}: {value!r} is not between {low} and {high}.")
    return number


def _whole(value: Any, key: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{key}: {value!r} is not a whole number of at least {least}.")
    return value
