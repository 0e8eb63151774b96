"""A checkpoint and a data set, each from the Hugging Face Hub or from files on this disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from common.errors import UserError
from common.hyperparameters import Hyperparameters
from common.sections import needs, schema_of
from finetuning.files import sha256
from finetuning.sources import local
from finetuning.sources.local import Files, is_local, local_path
from finetuning.sources.settings import NAME, NAME_OR_NULL, PADDED_LENGTHS, SIZES
from finetuning.sources.source import Preview
from finetuning.sources.texts import as_texts

# The Hub's client is imported where it is needed: Snakemake reads the settings at every start.

PINNED = ("checkpoint", "checkpoint_revision", "dataset", "dataset_revision")
MAKES_BASELINE = False
KINDS = ("checkpoint", "dataset")


@dataclass(frozen=True)
class Settings:
    """The section ``hub`` of the configuration."""

    checkpoint: str = field(metadata=NAME)
    dataset: str = field(metadata=NAME)
    dataset_configuration: str | None = field(metadata=NAME_OR_NULL)
    training_split: str = field(metadata=NAME)
    evaluation_split: str | None = field(metadata=NAME_OR_NULL)
    text_column: str = field(metadata=NAME)
    label_column: str = field(metadata=NAME)
    group_column: str | None = field(metadata=NAME_OR_NULL)
    padded_lengths: list[int] = field(metadata=PADDED_LENGTHS)
    # Some of them: a model card need not give all.
    baseline: dict[str, Any] = field(
        metadata=needs(
            "a mapping from hyperparameters to values", **schema_of(Hyperparameters, required=False)
        )
    )
    # Of a name on the Hub; local files have none.
    checkpoint_revision: str | None = field(default=None, metadata=NAME_OR_NULL)
    dataset_revision: str | None = field(default=None, metadata=NAME_OR_NULL)
    data: dict[str, Any] = field(default_factory=dict, metadata=SIZES)


def preview(config: Mapping[str, Any]) -> Preview:
    """See `Source`: of what is on the Hub, the sizes of the files that are not in its cache."""
    from finetuning.sources import hugging_face

    settings = Settings(**config["hub"])
    downloads: dict[str, int] = {}
    for kind in KINDS:
        name = getattr(settings, kind)
        if not is_local(kind, name):
            revision = getattr(settings, f"{kind}_revision")
            size = hugging_face.bytes_to_fetch(kind, name, revision)
            downloads |= {name: size} if size else {}
    if is_local("checkpoint", settings.checkpoint):
        folder = local_path(settings.checkpoint)
    else:
        folder = hugging_face.fetch_settings(settings.checkpoint, settings.checkpoint_revision)
    return Preview(local.read_config(folder, settings.checkpoint), downloads)


def pin(config: Mapping[str, Any]) -> dict[str, Any]:
    """See `Source`: the commits that the revisions stand for, and every file's digest."""
    settings = Settings(**config["hub"])
    files = {kind: _find(kind, settings) for kind in KINDS}
    labels = local.check_checkpoint(files["checkpoint"].path, settings.checkpoint)
    source: dict[str, Any] = {"licence": {}, "sha256": {}}
    for kind, found in files.items():
        source[kind] = getattr(settings, kind)
        source[f"{kind}_revision"] = found.commit
        source["licence"][kind] = found.licence
        source["sha256"] |= _hashes(kind, found.path)
    return source | {"labels": labels}


def read_texts(source: Mapping[str, Any], config: Mapping[str, Any]) -> pd.DataFrame:
    """See `Source`: the rows of the splits that the configuration names."""
    settings = Settings(**config["hub"])
    if settings.evaluation_split is None:
        parts = {"study": settings.training_split}
    else:
        parts = {
            "study_training": settings.training_split,
            "study_evaluation": settings.evaluation_split,
        }
    folder = _fetch(source, "dataset")
    tables = []
    for part, split in parts.items():
        where = f"{source['dataset']}, split {split}"
        rows = _read_rows(folder, source, settings, split)
        tables.append(as_texts(rows, settings, source["labels"], where).assign(part=part))
    return pd.concat(tables).drop_duplicates(["text", "label"], ignore_index=True)


def write_checkpoint(source: Mapping[str, Any], directory: Path) -> None:
    """See `Source`: the fine-tuned classifier."""
    folder = _fetch(source, "checkpoint")
    local.check_checkpoint(folder, source["checkpoint"])
    local.copy_checkpoint(folder, directory)


def describe(source: Mapping[str, Any]) -> str:
    """See `Source`: name, place and commit of both."""
    names = {"checkpoint": "checkpoint", "dataset": "data set"}
    parts = []
    for kind, name in names.items():
        commit = source[f"{kind}_revision"]
        place = f"the Hugging Face Hub at commit {commit}" if commit else "local files"
        parts.append(f"the {name} {source[kind]} from {place}")
    sentence = " and ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _find(kind: str, settings: Settings) -> Files:
    from finetuning.sources import hugging_face

    name = getattr(settings, kind)
    if is_local(kind, name):
        return Files(local_path(name))
    return hugging_face.pin(kind, name, getattr(settings, f"{kind}_revision"))


def _fetch(source: Mapping[str, Any], kind: str) -> Path:
    """Where the pinned checkpoint or data set is on this disk, unchanged."""
    from finetuning.sources import hugging_face

    if source[f"{kind}_revision"] is None:
        path = local_path(source[kind])
    else:
        path = hugging_face.fetch(kind, source[kind], source[f"{kind}_revision"])
    _check_unchanged(source, kind, path)
    return path


def _read_rows(
    folder: Path, source: Mapping[str, Any], settings: Settings, split: str
) -> pd.DataFrame:
    from finetuning.sources import hugging_face

    if source["dataset_revision"] is not None:
        return hugging_face.read_rows(
            folder, settings.dataset_configuration, split, source["dataset"]
        )
    if split != "train":
        raise UserError(hugging_face.missing_split(split, ["train"], source["dataset"]))
    return local.read_table(folder)


def _hashes(key: str, path: Path) -> dict[str, str]:
    if path.is_file():
        files = {path.name: path}
    elif key == "checkpoint":
        files = {name: path / name for name in local.CHECKPOINT_FILES}
    else:
        files = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*"))}
    return {f"{key}/{name}": sha256(file) for name, file in files.items() if file.is_file()}


def _check_unchanged(source: Mapping[str, Any], key: str, path: Path) -> None:
    expected = {name: value for name, value in source["sha256"].items() if name.startswith(key)}
    now = _hashes(key, path)
    changed = sorted(name for name in expected | now if expected.get(name) != now.get(name))
    if changed:
        raise UserError(
            f"{source[key]} is not what the study's source.json was made from: "
            f"{', '.join(changed)} changed. Restore the old content, or delete source.json to "
            "start the study afresh."
        )
