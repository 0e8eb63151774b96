"""What each file depends on in the configuration and the source.

It is recorded in the file and compared before the file is used: a changed configuration never
mixes with older files, even where Snakemake's own records and the files' times are lost.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from common.hyperparameters import Copies, with_neutral
from design.grid import Cell, Grid, replicate_seeds
from finetuning import augmentation, sources
from finetuning.augmentation.settings import Settings
from finetuning.draws import EVERY_TEXT, Data
from finetuning.runtime import ENGINE

# Keys of a source's section that say how its baseline is made; those that do not say what its
# texts are.
BASELINE = ("baseline", "padded_lengths", "threads")
NOT_TEXTS = (*BASELINE, "data")


def source(config: Mapping) -> dict:
    """Of source.json, which notes it under "requested"."""
    return sources.requested(config)


def pretrained(source: Mapping) -> dict:
    """Of the checkpoint as fetched."""
    return {"sha256": source["sha256"]}


def texts(config: Mapping, source: Mapping) -> dict:
    """Of the table of texts."""
    kind = source["kind"]
    settings = {key: value for key, value in config[kind].items() if key not in NOT_TEXTS}
    return pretrained(source) | {"seed": config["seed"], kind: settings}


def checkpoint(config: Mapping, source: Mapping) -> dict:
    """Of the baseline's checkpoint."""
    if not sources.makes_baseline(source):
        return pretrained(source)
    return texts(config, source) | {key: config[source["kind"]][key] for key in BASELINE}


def split(config: Mapping, source: Mapping) -> dict:
    """Of a replicate's training and evaluation sets."""
    lengths = config[source["kind"]]["padded_lengths"]
    sized = sources.sized(config, source["kind"])
    return texts(config, source) | {"data": drawn_by(sized), "padded_lengths": lengths}


def drawn_by(config: Mapping) -> dict:
    """Of the section data, what differs from how sets were drawn before there were more keys."""
    added = {key: getattr(Data, key) for key in ("least_of_a_class", "contradictions")}
    return {key: value for key, value in config["data"].items() if added.get(key) != value}


def copies(config: Mapping, source: Mapping, wanted: Copies) -> dict:
    """Of the copies of a replicate's training texts."""
    depends = split(config, source) | {"copies": asdict(wanted)}
    if any(getattr(wanted, method) for method in augmentation.FROM_WORDNET):
        depends["wordnet"] = source["wordnet"]
    if wanted.back_translation:
        depends["translator"] = source["translator"]
    return depends


def copied(config: Mapping, source: Mapping, wanted: Copies) -> dict:
    """Of the copies as a training job reads them, with what the baseline says of them."""
    return {
        **copies(config, source, wanted),
        "baseline": checkpoint(config, source),
        **runtime(config),
        "keep_if_baseline_agrees": Settings.of(config).keep_if_baseline_agrees,
        "engine": ENGINE,
    }


def runtime(config: Mapping) -> dict:
    """Of every job that computes with TensorFlow, beside its inputs."""
    return {key: config["training"][key] for key in ("threads", "precision", "gpus")}


def evaluation(config: Mapping, computed_from: Mapping) -> dict:
    """Of the evaluation of a baseline, as its metrics.json notes it."""
    depends = {
        **runtime(config),
        "engine": ENGINE,
        "computed_from": computed_from,
    }
    number = config["data"]["evaluation_examples"]
    # How many all are, the digest of the split says.
    return depends | ({} if number == EVERY_TEXT else {"evaluation_examples": number})


def completed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A cell's metrics.json with the defaults of hyperparameters that were added after it."""
    return {**record, "hyperparameters": with_neutral(record["hyperparameters"])}


def cell(config: Mapping, grid: Grid, values: Cell, computed_from: Mapping) -> dict[str, Any]:
    """Of a cell (its levels and replicate), as its metrics.json notes it."""
    validation = config["data"]["validation_examples"]
    return {
        "hyperparameters": vars(grid.hyperparameters(values)),
        "training_examples": config["data"]["training_examples"] - validation,
        "validation_examples": validation,
        "seeds": replicate_seeds(config["seed"], values["replicate"], values.get("repeat", 0)),
        **evaluation(config, computed_from),
    }
