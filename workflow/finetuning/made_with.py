"""What each file depends on in the configuration and the source.

It is recorded in the file and compared before the file is used: a changed configuration never
mixes with older files, even where Snakemake's own records and the files' times are lost.
"""

from collections.abc import Mapping

from design.grid import Grid, replicate_seeds
from finetuning.runtime import ENGINE


def source(config: Mapping) -> dict:
    """Of source.json, which notes it under "requested"."""
    keys = ("checkpoint", "checkpoint_revision", "dataset", "dataset_revision")
    return {"source": config["source"]} | {key: config["hub"][key] for key in keys}


def pretrained(source: Mapping) -> dict:
    """Of the checkpoint as fetched."""
    return {"sha256": source["sha256"]}


def texts(config: Mapping, source: Mapping) -> dict:
    """Of the table of texts."""
    kind = source["kind"]
    other = ("baseline", "padded_lengths", "threads")
    settings = {key: value for key, value in config[kind].items() if key not in other}
    return pretrained(source) | {"seed": config["seed"], kind: settings}


def checkpoint(config: Mapping, source: Mapping) -> dict:
    """Of the baseline's checkpoint."""
    if source["kind"] == "hub":
        return pretrained(source)
    keys = ("baseline", "padded_lengths", "threads")
    return texts(config, source) | {key: config["embedded"][key] for key in keys}


def split(config: Mapping, source: Mapping) -> dict:
    """Of a replicate's training and evaluation sets."""
    lengths = config[source["kind"]]["padded_lengths"]
    return texts(config, source) | {"data": config["data"], "padded_lengths": lengths}


def runtime(config: Mapping) -> dict:
    """Of every job that computes with TensorFlow, beside its inputs."""
    return {key: config["training"][key] for key in ("threads", "precision", "gpus")}


def evaluation(config: Mapping, computed_from: Mapping) -> dict:
    """Of the evaluation of a baseline, as its metrics.json notes it."""
    return {
        **runtime(config),
        "engine": ENGINE,
        "evaluation_examples": config["data"]["evaluation_examples"],
        "computed_from": computed_from,
    }


def cell(config: Mapping, grid: Grid, values: Mapping, computed_from: Mapping) -> dict:
    """Of a cell (its levels and replicate), as its metrics.json notes it."""
    validation = config["data"]["validation_examples"]
    return {
        "hyperparameters": vars(grid.hyperparameters(values)),
        "training_examples": config["data"]["training_examples"] - validation,
        "validation_examples": validation,
        "seeds": replicate_seeds(config["seed"], values["replicate"]),
        **evaluation(config, computed_from),
    }
