"""Refuses a configuration that cannot be run, in one message, before anything is started."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from common.defaults import resolve
from common.errors import UserError
from common.hyperparameters import (
    AUGMENTATION,
    HYPERPARAMETERS,
    METHODS,
    NAMES,
    of_baseline,
    values_of,
    with_neutral,
)
from common.messages import nearest, shown
from common.metrics import COSTS, METRICS
from common.sections import schema_of
from design import DEFAULT, DESIGNS, FILES, NOTED, kind_of
from design.grid import Grid, baseline_seeds, replicate_seeds
from finetuning import augmentation
from finetuning.augmentation import translation
from finetuning.augmentation.settings import Settings as Augmentation
from finetuning.files import check_made_with, read_json
from finetuning.sources import SOURCES, candidates, sized
from finetuning.sources.hub import KINDS
from finetuning.sources.local import is_local
from study.sections import CHANGES_NO_RESULT, complete, schema

MOST_CELLS = 1_000_000
LARGEST = 2**53  # a whole number beyond is no longer the same as a floating-point number

# JSON Schema takes 16.0 for a whole number; a batch size or a folder's name does not.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def resolved(own: Mapping[str, Any]) -> dict[str, Any]:
    """What a study's file says, with what it leaves out; not yet checked.

    The sections of sources that it neither has nor asks for stay away. Raises UserError if
    config.yaml cannot be read.
    """
    full = resolve(own)
    unused = [kind for kind in SOURCES if kind not in own and kind not in candidates(full)]
    return {key: value for key, value in full.items() if key not in unused}


def check(config: dict) -> None:
    """Checks structure, types, ranges and what has to fit together.

    The key ``analysis`` is left to the package of that name. Raises UserError, naming the key,
    its value, what is wrong and what would do.
    """
    _refuse_first(config, schema(config))
    _refuse_immense(config)
    _check_designs(config)
    full = complete(config)
    _check_factors(full)
    _check_baselines(full)
    _check_revisions(full)
    _check_sizes(full)
    _check_validation(full)
    _check_augmentation(full)
    _check_seeds(full)


def check_analysis(analysis: Mapping) -> None:
    """Refuses what only a table from elsewhere needs, and metrics that no run will have.

    analysis: the key of that name, as its own package accepts it. Raises UserError.
    """
    for key in ("baseline", "columns"):
        if analysis.get(key):
            raise UserError(
                f"analysis.{key}: it is for tables of runs from elsewhere; a study knows its "
                "own. Remove it."
            )
    for metric in analysis["metrics"]:
        if metric not in (*METRICS, *COSTS):
            near = nearest(metric, (*METRICS, *COSTS))
            raise UserError(f"analysis.metrics: {metric!r} is not measured; {near}")


def check_gathered_with(folder: Path, config: dict) -> None:
    """Refuses runs.csv of another configuration, where Snakemake has no record to compare.

    folder: results/<study>. Raises UserError, naming what differs and what to delete.
    """
    runs, provenance = folder / "runs.csv", folder / "provenance.json"
    if runs.exists() and provenance.exists():
        recorded = read_json(provenance)["settings"]
        check_made_with(runs, of_results(recorded), of_results(config))


def of_results(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration changes runs or tables, with the defaults of what it leaves out."""
    full = complete(config)
    kept = {k: v for k, v in full["training"].items() if k not in CHANGES_NO_RESULT}
    neutral = {k: v for k, v in with_neutral(kept).items() if k not in full["factors"]}
    design = full["design"]
    if design != DEFAULT:  # what it chose counts, not what it was chosen from
        design = {key: value for key, value in design.items() if key != FILES}
    asked = {key: value for key, value in full.items() if key != "planning"}
    return asked | {"training": neutral, "design": design}


def _refuse_first(instance: object, rules: dict, prefix: tuple = ()) -> None:
    error = next(iter(sorted(Validator(rules).iter_errors(instance), key=_rank)), None)
    if error is not None:
        raise UserError(_message(error, prefix))


def _rank(error: ValidationError) -> tuple:
    """Unknown keys first: a misspelt key is also a missing one."""
    return (error.validator != "additionalProperties", list(map(str, error.absolute_path)))


def _message(error: ValidationError, prefix: tuple) -> str:
    key = _path(*prefix, *error.absolute_path) or "the configuration"
    rules: Any = error.schema
    given: Any = error.instance
    if error.validator == "additionalProperties":
        known = list(rules.get("properties", ()))
        unknown = next(str(name) for name in given if name not in known)
        where = "" if key == "the configuration" else f" in {key}"
        return f"{shown(unknown)} is not a known key{where}; {nearest(unknown, known)}"
    if error.validator == "required":
        missing = next(name for name in rules["required"] if name not in given)
        where = "" if key == "the configuration" else f"{key}."
        return f"{where}{missing} is missing. See config.yaml for what it says."
    expected = rules.get("description", error.message)
    hint = ""
    wanted = error.validator_value if error.validator == "type" else ()
    if wanted in ("number", "integer") and _is_number(given):
        hint = " YAML reads it as text: write it without quotes and with a point, as in 3.0e-5."
    return f"{key}: {shown(given)} was given, but {expected} is needed.{hint}"


def _refuse_immense(value: object, *key: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{_path(*key)}: {value} was given, but a finite number is needed.")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise UserError(
            f"{_path(*key)}: {shown(value)} was given, but a number of at most {LARGEST} is needed."
        )
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            _refuse_immense(part, *key, name)


def _check_factors(config: dict) -> None:
    for name, factor in config["factors"].items():
        if name not in NAMES:
            raise UserError(
                f"{_path('factors', name)}: there is no such hyperparameter; {nearest(name, NAMES)}"
            )
        if name in config["training"]:
            raise UserError(
                f"{name} is both a factor and a fixed value of training. Remove one of the two."
            )
        if ("levels" in factor) == ("range" in factor):
            found = "both levels and" if "levels" in factor else "neither levels nor"
            raise UserError(
                f"factors.{name}: {found} a range were given. Give levels, or the range in which a "
                "design may choose values."
            )
        key = "levels" if "levels" in factor else "range"
        levels, scale = factor[key], factor["scale"]
        for number, level in enumerate(levels):
            _refuse_first(level, HYPERPARAMETERS[name].schema, ("factors", name, key, number))
        if key == "range":
            _check_range(name, levels, scale)
            continue
        repeated = [level for number, level in enumerate(levels) if level in levels[:number]]
        if repeated:
            raise UserError(
                f"factors.{name}.levels: {repeated[0]!r} is listed twice. List each level once."
            )
        if HYPERPARAMETERS[name].scale == "categorical" and scale != "categorical":
            raise UserError(f"factors.{name}.scale: {scale} needs numbers. Write categorical.")
        if scale.startswith("log") and min(levels) <= 0:
            raise UserError(
                f"factors.{name}.scale: {scale} needs positive levels, but {min(levels)!r} is one. "
                "Write linear, or change the level."
            )
    given = with_neutral(config["training"])
    for name in NAMES:
        if name not in config["factors"] and name not in given:
            raise UserError(
                f"training.{name} is missing: a hyperparameter is either a factor or fixed there."
            )
    if config["design"] == DEFAULT:
        numbers = [len(factor.get("levels", range(3))) for factor in config["factors"].values()]
        check_number_of_cells(config["replicates"] * math.prod(numbers))


def _check_range(name: str, ends: list, scale: str) -> None:
    low, high = ends
    if scale == "categorical":
        raise UserError(f"factors.{name}.range: a categorical factor has none. Give its levels.")
    if HYPERPARAMETERS[name].scale == "categorical":
        raise UserError(f"factors.{name}.range: {name} is no number. Give its levels.")
    if not low < high:
        raise UserError(
            f"factors.{name}.range: {ends} has no width. Write the lower end first, or fix "
            f"training.{name}."
        )
    if scale.startswith("log") and low <= 0:
        raise UserError(
            f"factors.{name}.range: {scale} needs positive values, but {low!r} is an end. Write "
            "linear, or change the end."
        )


def _check_designs(config: dict) -> None:
    own = config.get("design", DEFAULT)
    _check_design(own, "design")
    for number, other in enumerate(config.get("planning", {}).get("compare", ())):
        key = ("planning", "compare", number)
        if not isinstance(other, dict) and other not in list(DESIGNS):
            raise UserError(
                f"{_path(*key)}: {shown(other)} is no design; {nearest(other, DESIGNS)}"
            )
        if other != kind_of(own):  # else it stands for the study's own
            _check_design(other, *key)


def _check_design(design: str | dict, *key: object) -> None:
    if not isinstance(design, str):
        kind = design.get("kind")
        if kind not in list(DESIGNS):  # which may be a list, too
            raise UserError(
                f"{_path(*key)}.kind: {shown(kind)} is no design; {nearest(str(kind), DESIGNS)}"
            )
    options = {} if isinstance(design, str) else design
    # A configuration that was kept notes what its design chose; it is chosen again.
    given = {k: v for k, v in options.items() if k not in ("kind", NOTED, FILES)}
    _refuse_first(given, schema_of(DESIGNS[kind_of(design)].Options), key)


def check_number_of_cells(cells: int) -> None:
    """Refuses more cells than can be run. Raises UserError."""
    if cells > MOST_CELLS:
        raise UserError(
            f"factors and replicates make {cells} cells, but at most {MOST_CELLS} can be run. "
            "Remove levels or replicates."
        )


def _check_baselines(config: dict) -> None:
    for source in candidates(config):
        baseline = of_baseline(config[source]["baseline"])
        if SOURCES[source].MAKES_BASELINE and any(baseline[method] for method in METHODS):
            raise UserError(
                f"{source}.baseline: the baseline is made without augmentation. Remove "
                f"{next(method for method in METHODS if baseline[method])} from it."
            )
        for name, factor in config["factors"].items():
            if factor["scale"] != "categorical" and name not in baseline:
                raise UserError(
                    f"{source}.baseline.{name} is missing: {name} is a factor, and the relative "
                    "framing starts at the baseline's own value."
                )


def _check_revisions(config: dict) -> None:
    for kind in KINDS if "hub" in candidates(config) else ():
        name, key = config["hub"][kind], f"{kind}_revision"
        if config["hub"][key] is None and not is_local(kind, name):
            raise UserError(
                f"hub.{key} is missing: {shown(name)} is on the Hub. Write a commit, or main for "
                "today's."
            )


def _check_sizes(config: dict) -> None:
    for source in candidates(config):
        lengths = config[source]["padded_lengths"]
        if lengths != sorted(set(lengths)):
            raise UserError(
                f"{source}.padded_lengths: {lengths} does not increase. "
                f"Write {sorted(set(lengths))}."
            )
        data = sized(config, source)["data"]
        examples = data["training_examples"] - data["validation_examples"]
        for key, values in values_of(config, "batch_size").items():
            if max(values) > examples:
                raise UserError(
                    f"{key}: a batch of {max(values)} is larger than the training set of "
                    f"{examples} (data.training_examples without data.validation_examples). "
                    f"Write {max(examples, 1)} or less, or ask for more examples."
                )


def _check_validation(config: dict) -> None:
    stopping = {k: max(v) for k, v in values_of(config, "early_stopping").items() if max(v) > 0}
    schedules = values_of(config, "schedule").items()
    plateau = {k: "reduce_on_plateau" for k, v in schedules if "reduce_on_plateau" in v}
    aside = min(sized(config, s)["data"]["validation_examples"] for s in candidates(config))
    for key, value in (stopping | plateau).items():
        if aside < 2:
            raise UserError(
                f"data.validation_examples: {aside} was given, but {key}: {value} needs a "
                "validation loss after each epoch. Keep at least 2 of the training examples aside."
            )


def _check_augmentation(config: dict) -> None:
    methods = augmentation.used(config)
    of_copies = [name for name in AUGMENTATION if name not in METHODS]
    for name in of_copies:
        for key, values in values_of(config, name).items():
            if not methods and values != [with_neutral({})[name]]:
                raise UserError(
                    f"{key}: {shown(values[0])} was given, but copies change nothing without a "
                    f"method. Set {', '.join(METHODS[:-1])} or {METHODS[-1]} above 0, or remove it."
                )
    if "back_translation" in methods:
        translation.check_installed(Augmentation.of(config))


def check_runs_differ(config: dict) -> None:
    """Refuses settings of the design that would be the same runs.

    config: complete, its design noted. Raises UserError.
    """
    varied = [n for n in AUGMENTATION if n not in METHODS and n in config["factors"]]
    if not varied:
        return
    grid, plain = Grid.from_config(config), dict[tuple, tuple]()
    for setting in grid.settings:
        if grid.copies_of(setting) is None:
            own = tuple(setting[name] for name in varied)
            others = tuple(value for name, value in setting.items() if name not in varied)
            if plain.setdefault(others, own) != own:
                raise UserError(
                    f"factors.{varied[0]}: settings in which every rate of augmentation is 0 would "
                    f"be the same runs at all its levels. Leave 0 out of the levels of "
                    f"{' and '.join(augmentation.used(config))}, or fix {varied[0]} in training."
                )


def _check_seeds(config: dict) -> None:
    """The study's seed, a purpose and a replicate make every seed; 31 bits can still coincide."""
    made = [*baseline_seeds(config["seed"]).values()]
    for replicate in range(config["replicates"]):
        made += replicate_seeds(config["seed"], replicate).values()
    if len(set(made)) < len(made):
        raise UserError(
            f"seed: from {config['seed']} two replicates or purposes would get the same random "
            "numbers. Write another seed."
        )


def _path(*parts: object) -> str:
    """Where a value is, as in ``factors.epochs.levels.0``, in one line whatever the names."""
    names = [str(part) for part in parts]
    return ".".join(n if re.fullmatch(r"[\w-]{1,64}", n) else shown(n) for n in names)


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False
