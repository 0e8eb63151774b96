"""Files on this disk: a checkpoint directory in Hugging Face's layout, a table of texts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from safetensors import SafetensorError, safe_open

from common.errors import UserError
from common.files import replacing
from finetuning.dataset import load_tokenizer

WEIGHTS = "model.safetensors"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "special_tokens_map.json",
)
CHECKPOINT_FILES = ("config.json", WEIGHTS, *TOKENIZER_FILES)
TABLE_SUFFIXES = (".csv", ".jsonl", ".parquet")
# An embedding may be a little taller than the vocabulary: some tools pad it to a round number.
EMBEDDING_PADDING = 128


@dataclass(frozen=True)
class Files:
    """A checkpoint or data set on this disk: a folder or, of local data, a file.

    commit, licence: of what was fetched from the Hub; None for local files.
    """

    path: Path
    commit: str | None = None
    licence: str | None = None


def is_local(kind: str, name: str) -> bool:
    """A path is what looks like one (./, ../, /, ~, or a table's file name) or exists.

    kind: "checkpoint" or "dataset".
    """
    if kind == "dataset" and Path(name).suffix in TABLE_SUFFIXES:
        return True
    return name.startswith((".", "/", "~")) or Path(name).exists()


def local_path(name: str) -> Path:
    """The file or folder that a local name stands for; ~ is the user's home."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise UserError(f"{name}: there is no such user's home. Write the whole path.") from error


def check_checkpoint(directory: Path, name: str) -> list[str]:
    """Refuse a directory that is not a DistilBERT sequence classifier in safetensors.

    Args:
        directory: where the files are.
        name: what the user calls it, for messages.

    Returns:
        The names of the labels; the index is the label's number.

    Raises:
        UserError: naming what does not fit.
    """
    directory = Path(directory)
    where = f"hub.checkpoint: {name}"
    if not (directory / "config.json").is_file():
        raise UserError(
            f"{where} has no config.json. It must be a directory as transformers' save_pretrained "
            "writes it (config.json, model.safetensors, tokenizer files)."
        )
    settings = read_config(directory, where)
    architecture = settings.get("model_type")
    if architecture != "distilbert":
        raise UserError(
            f"{where} is a model of type {architecture!r}; only DistilBERT ('distilbert') can be "
            "studied. Choose a DistilBERT checkpoint fine-tuned for classification."
        )
    if settings.get("activation", "gelu") != "gelu":
        raise UserError(
            f"{where} uses the activation {settings['activation']!r}; only 'gelu' is supported."
        )
    labels = _labels(settings, where)
    _check_weights(directory, settings, len(labels), where)
    _check_tokenizer(directory, settings, where)
    return labels


def copy_checkpoint(directory: Path, target: Path) -> None:
    """Copy a checkpoint's files, each complete or not at all."""
    for name in CHECKPOINT_FILES:
        if (directory / name).is_file():
            with replacing(target / name) as unfinished:
                shutil.copyfile(directory / name, unfinished)


def read_config(directory: Path, where: str) -> dict:
    """The checkpoint's config.json."""
    try:
        settings = json.loads((directory / "config.json").read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{where}: config.json is not readable JSON ({error}).") from error
    if not isinstance(settings, dict):
        raise UserError(f"{where}: config.json must hold a mapping.")
    return settings


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV, JSON Lines or Parquet file as it is: no text becomes a number or missing."""
    if path.suffix not in TABLE_SUFFIXES:
        raise UserError(
            f"hub.dataset: {path} is a local path, and must then be a file ending in "
            f"{', '.join(TABLE_SUFFIXES)}."
        )
    try:
        if path.suffix == ".csv":
            return _read_csv(path)
        if path.suffix == ".jsonl":
            return pd.read_json(path, lines=True, dtype=False)
        return pd.read_parquet(path)
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"hub.dataset: there is no file {path}.") from error
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own errors are both
        raise UserError(
            f"hub.dataset: {path} cannot be read as {path.suffix[1:]} "
            f"({str(error).splitlines()[0]}). It must be a UTF-8 table with one text per row."
        ) from error


def _read_csv(path: Path) -> pd.DataFrame:
    """Every field as text. A row with a field too many is a ParserError, which names its line."""
    # With a header pandas would take the first column of such rows for their names.
    rows = pd.read_csv(path, header=None, dtype=str, keep_default_na=False, encoding="utf-8")
    header = rows.iloc[0].tolist()
    repeated = [name for number, name in enumerate(header) if name in header[:number]]
    if repeated:
        raise UserError(
            f"hub.dataset: {path} has two columns {repeated[0]!r}. Give each a name of its own."
        )
    return rows[1:].set_axis(header, axis=1).reset_index(drop=True)


def distilbert_shapes(settings: Mapping, labels: int | None) -> dict[str, tuple[int, ...]]:
    """The tensors of transformers' DistilBERT: name -> shape (output, input).

    Args:
        settings: config.json's content.
        labels: number of classes of the classification head; None: an encoder without head.
    """
    dim, hidden = settings["dim"], settings["hidden_dim"]
    shapes: dict[str, tuple[int, ...]] = {
        "distilbert.embeddings.word_embeddings.weight": (settings["vocab_size"], dim),
        "distilbert.embeddings.position_embeddings.weight": (
            settings["max_position_embeddings"],
            dim,
        ),
    }

    def linear(name: str, output: int, size: int) -> None:
        shapes[f"{name}.weight"] = (output, size)
        shapes[f"{name}.bias"] = (output,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (dim,)

    norm("distilbert.embeddings.LayerNorm")
    for layer in range(settings["n_layers"]):
        block = f"distilbert.transformer.layer.{layer}"
        for projection in ("q_lin", "k_lin", "v_lin", "out_lin"):
            linear(f"{block}.attention.{projection}", dim, dim)
        norm(f"{block}.sa_layer_norm")
        linear(f"{block}.ffn.lin1", hidden, dim)
        linear(f"{block}.ffn.lin2", dim, hidden)
        norm(f"{block}.output_layer_norm")
    if labels is not None:
        linear("pre_classifier", dim, dim)
        linear("classifier", labels, dim)
    return shapes


def _labels(settings: Mapping, where: str) -> list[str]:
    # Without names, transformers calls the labels so.
    names = settings.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    try:
        labels = [str(names[str(number)]) for number in range(len(names))]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{where}: id2label in config.json must number the labels from 0; it is {names}."
        ) from error
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise UserError(
            f"{where}: id2label in config.json must name at least two different labels; it is "
            f"{names}."
        )
    return labels


def _check_weights(directory: Path, settings: Mapping, labels: int, where: str) -> None:
    if not (directory / WEIGHTS).is_file():
        raise UserError(no_safetensors(where, [path.name for path in directory.iterdir()]))
    try:
        with safe_open(directory / WEIGHTS, framework="numpy") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{where}: {WEIGHTS} is damaged ({error}). Download the checkpoint again."
        ) from error
    try:
        expected = distilbert_shapes(settings, labels)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{where}: config.json does not give DistilBERT's sizes ({error}). It needs dim, "
            "hidden_dim, n_layers, max_position_embeddings and vocab_size."
        ) from error
    missing = [name for name in expected if name not in found]
    if "classifier.weight" in missing or "pre_classifier.weight" in missing:
        raise UserError(
            f"{where} has no classification head (pre_classifier and classifier are not in "
            f"{WEIGHTS}): it was not fine-tuned for classification. Choose one that was."
        )
    if missing:
        raise UserError(
            f"{where}: {WEIGHTS} lacks {len(missing)} tensors that config.json promises, first "
            f"{missing[0]}. The two files do not belong together."
        )
    for name, shape in expected.items():
        if found[name] != shape:
            what = {
                "distilbert.embeddings.word_embeddings.weight": "the vocabulary does not match: ",
                "classifier.weight": "the labels do not match: ",
            }.get(name, "")
            raise UserError(
                f"{where}: {what}{name} has shape {found[name]}, config.json says {shape}. "
                "The two files do not belong together."
            )


def no_safetensors(where: str, others: list[str]) -> str:
    """The message for a checkpoint that has these other files, but no safetensors weights."""
    if "model.safetensors.index.json" in others:
        return f"{where} holds its weights in several files; only a single {WEIGHTS} is supported."
    pickled = sorted(name for name in others if name.endswith(".bin"))
    if pickled:
        return (
            f"{where} has only pickled weights ({', '.join(pickled)}), which could run code when "
            f"loaded, and no {WEIGHTS}. Choose a revision with {WEIGHTS}, or convert it "
            "with transformers' save_pretrained."
        )
    return f"{where} has no {WEIGHTS}. Choose a checkpoint or revision that has it."


def _check_tokenizer(directory: Path, settings: Mapping, where: str) -> None:
    if not any((directory / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        raise UserError(
            f"{where} has no tokenizer (tokenizer.json or vocab.txt). Save it beside the model "
            "with the tokenizer's save_pretrained."
        )
    words = len(load_tokenizer(directory))
    rows = settings["vocab_size"]
    if not 0 <= rows - words < EMBEDDING_PADDING:
        raise UserError(
            f"{where}: the vocabulary does not match: the tokenizer has {words} words, the "
            f"embedding {rows} rows. The tokenizer files belong to another model."
        )
