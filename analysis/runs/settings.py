"""What the user asks of the analysis: factors, metrics, model, as read from the study's config.

A config may come from anybody. Names of factors and metrics become columns, parts of file names
and of terms, so only plain words are accepted; every number has its bounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.variables import SCALES, TRANSFORMS, Factor, Metric
from common.errors import UserError
from common.messages import nearest, plain, shown
from common.metrics import BY_NAME, NOT_NEGATIVE, PROPORTION

RESERVED = ("replicate", "trajectory", "status")  # columns of the run table that are no factor
PERCENTAGE = (0.0, 100.0)
# Units, and words in a metric's name, of what is never negative.
_UNITS_FROM_ZERO = ("nats", "bits", "s", "seconds", "min", "h", "kB", "MB", "GB", "tokens")
_NAMES_FROM_ZERO = ("loss", "rmse", "mae", "mse", "perplexity", "ppl", "seconds", "runtime")
# Columns that tables have beside those named after factors and metrics, as docs/tables.md lists
# them; and the name of a term.
_TABLES = """
baseline_predictions bin ci_high ci_low comparison confidence cooks_distance could_be_best count
critical decided_by delta df difference distance diverged_at_step eigenvalue epoch estimate
expected_calibration_error factor fitted framing gained index influential inside intercept level
leverage lost lost_most lower mcnemar_p mean mean_high mean_low metric model on_front other_level
overall predicted predictions q_value recommended residual run runs standardised_residual std_error
step step_learning_rate training_loss upper
"""
TABLES_COLUMNS = frozenset(_TABLES.split())
# Those of them that are metrics: no factor may have their name.
METRICS_COLUMNS = ("accuracy", "seconds")
WORD = re.compile(r"[^\W\d_][\w.-]{0,63}")
LARGEST = 1e100  # of a number's size; the square of its square is still a number


@dataclass(frozen=True)
class Recommend:
    """How a setting is recommended: among those that could be best in ``metric``.

    Of these the best fitted one; or, with ``prefer``, the one where that metric or "seconds" is
    best on average, among those whose fitted mean is at most ``within`` worse than the best.
    """

    metric: str
    prefer: str | None = None
    within: float = math.inf


@dataclass(frozen=True)
class Settings:
    """Everything the analysis needs beside the table of runs.

    ``columns`` maps our column names to the table's own (``trajectory`` perhaps to several, which
    tell training runs apart together); ``baseline`` gives the baseline's
    hyperparameters where the table does not; ``target_effect`` is by metric, in its own units, the
    effect for which the power table tells the replicates needed; ``equivalence`` likewise the
    difference below which levels count as the same; ``pareto`` names the metrics of
    the Pareto front, all if it is empty; without ``recommend`` a setting is recommended for all
    metrics together. ``degree`` is None where it is left to the runs. ``blocks`` are columns whose
    levels shift the metrics and are no factor; None: the replicates, where they are a block.
    ``observational``: nobody assigned the settings of the runs; None: it depends on where the table
    comes from.
    """

    factors: tuple[Factor, ...]
    metrics: tuple[Metric, ...]
    seed: int = 0
    degree: int | None = None
    formula: str | None = None
    blocks: tuple[str, ...] | None = None
    observational: bool | None = None
    alpha: float = 0.05
    bootstrap: int = 2000
    pareto: tuple[str, ...] = ()
    desirability: Mapping[str, float] = field(default_factory=dict)
    recommend: Recommend | None = None
    target_effect: Mapping[str, float] = field(default_factory=dict)
    equivalence: Mapping[str, float] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

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

    def factor(self, name: str) -> Factor:
        return next(factor for factor in self.factors if factor.name == name)

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Reads ``seed``, ``factors`` and ``analysis``; other top-level keys are the workflow's.

        Raises UserError naming the key, the value and what would do.
        """
        config = _mapping(config, "the config")
        for key in ("factors", "analysis"):
            if key not in config:
                raise UserError(f"{key}: missing from the config.")
        analysis = _mapping(config["analysis"], "analysis")
        _known_keys(analysis, _ANALYSIS_KEYS, "analysis")

        factors = _factors(_mapping(config["factors"], "factors"))
        names = [factor.name for factor in factors]
        metrics = _metrics(analysis, names)
        degree, formula = _model(analysis)
        blocks = _blocks(analysis.get("blocks"), [*names, *(metric.name for metric in metrics)])
        observational = analysis.get("observational")
        if observational is not None and not isinstance(observational, bool):
            raise UserError(f"analysis.observational: {shown(observational)} is not true or false.")

        measured = [metric.name for metric in metrics]
        weights = _section(analysis, "desirability")
        _known_keys(weights, measured, "analysis.desirability", "not one of analysis.metrics")
        targets = _section(analysis, "target_effect")
        _known_keys(targets, measured, "analysis.target_effect", "not one of analysis.metrics")
        margins = _section(analysis, "equivalence")
        _known_keys(margins, measured, "analysis.equivalence", "not one of analysis.metrics")
        baseline = _baseline(_section(analysis, "baseline"), factors)
        columns = _section(analysis, "columns")
        _check_columns(columns, _columns(factors, metrics, blocks or ()))

        return cls(
            factors=factors,
            metrics=metrics,
            seed=_whole(config.get("seed", 0), "seed", 0, 4_294_967_295),
            degree=degree,
            formula=formula,
            blocks=blocks,
            observational=observational,
            alpha=_between(analysis.get("alpha", 0.05), "analysis.alpha", 0.0001, 0.5),
            bootstrap=_whole(analysis.get("bootstrap", 2000), "analysis.bootstrap", 100, 1_000_000),
            pareto=_pareto(analysis.get("pareto"), [metric.name for metric in metrics]),
            desirability={
                key: _between(value, f"analysis.desirability.{key}", 0, 1000)
                for key, value in weights.items()
            },
            recommend=_recommend(analysis.get("recommend"), measured),
            target_effect=_sizes(targets, metrics, "target_effect"),
            equivalence=_sizes(margins, metrics, "equivalence"),
            baseline=baseline,
            columns={
                key: tuple(column) if isinstance(column, list) else column
                for key, column in columns.items()
            },
        )


_ANALYSIS_KEYS = (
    "metrics",
    "degree",
    "formula",
    "blocks",
    "observational",
    "alpha",
    "bootstrap",
    "pareto",
    "desirability",
    "recommend",
    "target_effect",
    "equivalence",
    "baseline",
    "columns",
)


def _factors(section: Mapping[str, Any]) -> tuple[Factor, ...]:
    if not section:
        raise UserError("factors: empty; name at least one varied hyperparameter.")
    factors = []
    for name, options in section.items():
        key = f"factors.{name}"
        _require_word(name, "factors")
        options = _mapping({} if options is None else options, key)
        _known_keys(options, ("levels", "scale", "range"), key)
        scale = options.get("scale", "linear")
        if scale not in SCALES:
            raise UserError(f"{key}.scale: {shown(scale)} is unknown; {nearest(scale, SCALES)}")
        limits = options.get("range")
        if limits is not None:
            if scale == "categorical" or not isinstance(limits, list) or len(limits) != 2:
                raise UserError(
                    f"{key}.range: {shown(limits)} is not the two numbers that are coded -1 and 1."
                )
            low, high = (_on_scale(_number(v, f"{key}.range"), scale, key) for v in limits)
            if not low < high:
                raise UserError(f"{key}.range: {low} is not below {high}.")
            limits = (low, high)
        factors.append(Factor(name, scale, limits))
    return tuple(factors)


def _metrics(analysis: Mapping[str, Any], factors: list[str]) -> tuple[Metric, ...]:
    section = _section(analysis, "metrics")
    if not section:
        raise UserError(
            "analysis.metrics: missing; for example {accuracy: {better: higher, unit: points}}."
        )
    metrics: list[Metric] = []
    for name, options in section.items():
        key = f"analysis.metrics.{name}"
        _require_word(name, "analysis.metrics")
        if name in factors:
            raise UserError(f"{key}: this name is already a factor's.")
        alike = [metric.name for metric in metrics if metric.name.lower() == name.lower()]
        if alike:  # the figures of both would be one file where case does not count
            raise UserError(f"{key}: it differs from {alike[0]} in case alone; rename one of them.")
        metrics.append(_metric(name, _mapping({} if options is None else options, key), key))
    return tuple(metrics)


def _metric(name: str, options: Mapping[str, Any], key: str) -> Metric:
    """What the config does not say of a metric that is known is as `common.metrics` has it."""
    known = BY_NAME.get(name)
    _known_keys(options, ("better", "unit", "bounds", "transform"), key)
    better = options.get("better", known.better if known else None)
    if better not in ("higher", "lower"):
        raise UserError(f"{key}.better: {shown(better)} is not 'higher' or 'lower'.")
    unit = options.get("unit", known.unit if known else None)
    unit = "" if unit is None else unit
    if not (isinstance(unit, str) and unit.isprintable() and len(unit) <= 20):
        raise UserError(f"{key}.unit: {shown(unit)} is not a text of at most 20 characters.")
    bounds = implied_bounds(name, unit)
    if options.get("bounds") is not None:
        bounds = _bounds(options["bounds"], unit, f"{key}.bounds")
    transform = options.get("transform")
    if transform is not None and transform not in TRANSFORMS:
        raise UserError(f"{key}.transform: {shown(transform)} is not 'logit' or 'log'.")
    if transform == "log" and bounds[0] < 0:
        bounds = (0.0, bounds[1])
    if transform == "logit" and not math.isfinite(bounds[1] - bounds[0]):
        raise UserError(
            f"{key}.transform: logit is for a metric with two bounds; write unit: points for a "
            "proportion, or bounds: [0, 100], or transform: log."
        )
    return Metric(name, better, unit, bounds, transform)


def implied_bounds(name: str, unit: str) -> tuple[float, float]:
    """The bounds that a metric has by its name or its unit, unless the config gives them."""
    known = BY_NAME.get(name)
    if known is not None and (unit == known.unit or known.bounds == NOT_NEGATIVE):
        return known.bounds
    if unit == "points":
        return PROPORTION
    if unit == "%":
        return PERCENTAGE
    words = re.split(r"[\W_]+", name.lower())
    never_negative = unit in _UNITS_FROM_ZERO or any(word in _NAMES_FROM_ZERO for word in words)
    return NOT_NEGATIVE if never_negative else (-math.inf, math.inf)


def _bounds(value: Any, unit: str, key: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise UserError(
            f"{key}: {shown(value)} is not the two values between which the metric lies, such as "
            "[0, 1] or [0, .inf]."
        )
    low, high = (end if end in (-math.inf, math.inf) else _number(end, key) for end in value)
    if not low < high:
        raise UserError(f"{key}: {shown(low)} is not below {shown(high)}.")
    if unit == "points" and (low < 0 or high > 1):
        raise UserError(f"{key}: {shown(value)}; a proportion is between 0 and 1.")
    return low, high


def _model(analysis: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Degree and formula, of which one at most is given."""
    degree, formula = analysis.get("degree"), analysis.get("formula")
    if formula is not None and degree is not None:
        raise UserError("analysis: give either degree or formula, not both.")
    if formula is not None and not (isinstance(formula, str) and formula.strip()):
        raise UserError(
            f"analysis.formula: {shown(formula)} is no formula; "
            "for example 'learning_rate + epochs + learning_rate:epochs + epochs^2'."
        )
    if degree is not None and (type(degree) is not int or degree not in (1, 2, 3)):
        raise UserError(f"analysis.degree: {shown(degree)} is not 1, 2 or 3.")
    return degree, formula


def _baseline(section: Mapping[str, Any], factors: Iterable[Factor]) -> dict[str, Any]:
    _known_keys(section, [factor.name for factor in factors], "analysis.baseline")
    for factor in factors:
        key = f"analysis.baseline.{factor.name}"
        if factor.name in section and factor.numeric:
            _on_scale(_number(section[factor.name], key), factor.scale, key)
        elif not isinstance(section.get(factor.name, ""), str | int | float):
            raise UserError(f"{key}: {shown(section[factor.name])} is not a level.")
    return dict(section)


def _check_columns(section: Mapping[str, Any], mappable: Iterable[str]) -> None:
    _known_keys(section, mappable, "analysis.columns")
    for key, column in section.items():
        listed = column if key == "trajectory" and isinstance(column, list) else [column]
        if not listed or not all(isinstance(each, str) for each in listed):
            raise UserError(f"analysis.columns.{key}: {shown(column)} is not a column's name.")


def _blocks(names: Any, taken: list[str]) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or len(set(map(str, names))) < len(names):
        raise UserError(
            f"analysis.blocks: {shown(names)} is not a list of different columns; for example "
            "[dataset], or [] for none."
        )
    for name in names:
        if name in taken:
            raise UserError(f"analysis.blocks: {name} is a factor or a metric already.")
        if name != "replicate":
            _require_word(name, "analysis.blocks")
    return tuple(names)


def _pareto(names: Any, metrics: list[str]) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or len(names) < 2 or len(set(map(str, names))) < len(names):
        raise UserError(
            f"analysis.pareto: {shown(names)} is not a list of two different metrics or more."
        )
    _known_keys(names, metrics, "analysis.pareto")
    return tuple(names)


def _recommend(section: Any, metrics: list[str]) -> Recommend | None:
    key = "analysis.recommend"
    if section is None:
        return None
    section = _mapping(section, key)
    _known_keys(section, ("metric", "within", "prefer"), key)
    if "metric" not in section:
        raise UserError(f"{key}.metric: missing; for example {{metric: {metrics[0]}}}.")
    _known_keys([section["metric"]], metrics, f"{key}.metric", "not one of analysis.metrics")
    prefer, within = section.get("prefer"), section.get("within")
    if prefer is None:
        if within is not None:
            raise UserError(
                f"{key}.within: says how much may be lost for the sake of another metric or of "
                "seconds; name it with prefer."
            )
        return Recommend(section["metric"])
    others = [name for name in dict.fromkeys([*metrics, "seconds"]) if name != section["metric"]]
    _known_keys([prefer], others, f"{key}.prefer", "neither another metric nor seconds")
    if within is None:
        return Recommend(section["metric"], prefer)
    loss = _number(within, f"{key}.within")
    if loss <= 0:
        raise UserError(f"{key}.within: {shown(within)} is not above 0.")
    return Recommend(section["metric"], prefer, loss)


def _columns(
    factors: Iterable[Factor], metrics: Iterable[Metric], blocks: Iterable[str]
) -> list[str]:
    """Every column of the run table whose name the user may map."""
    names = [factor.name for factor in factors] + [metric.name for metric in metrics]
    return [
        *names,
        *blocks,
        *RESERVED,
        *(f"baseline_{name}" for name in names),
        "seconds",
        "predictions",
        "baseline_predictions",
    ]


def _section(analysis: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = analysis.get(key)
    return {} if value is None else _mapping(value, f"analysis.{key}")


def _require_word(name: Any, key: str) -> None:
    if not (isinstance(name, str) and WORD.fullmatch(name)):
        raise UserError(
            f"{key}: {shown(name)} cannot be a name; use a word of at most 64 letters, digits, _, "
            ". or - that begins with a letter (for a table's column, see analysis.columns)."
        )
    taken = name in RESERVED or name in TABLES_COLUMNS
    taken |= key == "factors" and name in METRICS_COLUMNS
    if taken or name.startswith(("baseline_", "delta_")) or name.endswith("_coded"):
        raise UserError(
            f"{key}.{name}: this name is a column of the tables already; use another "
            f"(a table's own column {name} is named in analysis.columns)."
        )


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UserError(f"{key}: {shown(value)} is not a mapping of keys to values.")
    return value


def _known_keys(
    section: Iterable[Any], known: Iterable[str], key: str, unknown: str = "unknown key"
) -> None:
    for name in section:
        if name not in known:
            raise UserError(f"{key}.{plain(name)}: {unknown}; {nearest(name, known)}")


def _number(value: Any, key: str) -> float:
    # YAML reads 1e-5 as text: it wants 1.0e-5
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value != value or value in (math.inf, -math.inf):
        raise UserError(f"{key}: {shown(value)} is not a finite number (in YAML write 1.0e-5).")
    if abs(value) > LARGEST or 0 < abs(value) < 1 / LARGEST:
        raise UserError(
            f"{key}: {shown(value)} cannot be calculated with; a size from {1 / LARGEST:g} to "
            f"{LARGEST:g}, or 0, is needed."
        )
    return float(value)


def _on_scale(value: float, scale: str, key: str) -> float:
    if scale in ("log10", "log2") and value <= 0:
        raise UserError(f"{key}: {value} has no logarithm, but its scale is {scale}.")
    return value


def _sizes(section: Mapping[str, Any], metrics: Iterable[Metric], key: str) -> dict[str, float]:
    """Sizes of differences by metric, in its own unit, of the section analysis.<key>."""
    return {
        metric.name: _size(section[metric.name], metric, f"analysis.{key}.{metric.name}")
        for metric in metrics
        if metric.name in section
    }


def _size(value: Any, metric: Metric, key: str) -> float:
    size = _number(value, key)
    if size <= 0:
        raise UserError(f"{key}: {value!r} is not above 0; give the size without its sign.")
    if metric.unit == "points" and size >= 1:
        raise UserError(
            f"{key}: {value!r} is not below 1; {metric.name} is a proportion, of which a point "
            "is 0.01."
        )
    return size


def _between(value: Any, key: str, low: float, high: float) -> float:
    number = _number(value, key)
    if not low < number < high:
        raise UserError(f"{key}: {value!r} is not between {low} and {high}.")
    return number


def _whole(value: Any, key: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{key}: {shown(value)} is not a whole number from {least} to {most}.")
    return value
