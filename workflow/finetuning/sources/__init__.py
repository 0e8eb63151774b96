"""Where the checkpoint and the texts come from, resolved once and pinned.

A source is a file here that implements `source.Source`, and its line in SOURCES.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import UserError
from common.hyperparameters import values_of
from finetuning import augmentation
from finetuning.dataset import tokenise
from finetuning.draws import Candidates, draw_split
from finetuning.sameness import unusable
from finetuning.sources import embedded, hub
from finetuning.sources.local import is_local
from finetuning.sources.source import Preview, Source, Unreachable

if TYPE_CHECKING:
    import pandas as pd

SOURCES: dict[str, Source] = {
    "hub": hub,
    "embedded": embedded,
}
AUTO = "auto"  # the Hub if it answers, else the embedded source


def resolve(config: Mapping[str, Any]) -> dict[str, Any]:
    """Decide on the source, fetch it, check it, and say what it is.

    Nothing is left to fail later: the checkpoint's files, the data set's columns and labels, every
    replicate's draw and the tokenizer are tried here.

    Args:
        config: the study's configuration.

    Returns:
        The content of source.json: kind (of SOURCES), what `Source.pin` gives, sentence, texts
        (part to number), left_out (reason to number of texts that no set may hold), drawn_from
        (`Candidates.label_counts`), what `augmentation.resolve` gives, and requested.

    Raises:
        UserError: the source cannot be had or does not fit.
    """
    source = choose(config) | {"requested": requested(config)}
    config = sized(config, source["kind"])
    texts = read_texts(source, config)
    with tempfile.TemporaryDirectory(prefix="checkpoint-") as directory:
        write_checkpoint(source, Path(directory))
        check_layers(config, json.loads(Path(directory, "config.json").read_text("utf-8")))
        longest = config[source["kind"]]["padded_lengths"][-1]
        tokenised = tokenise(texts["text"].tolist(), Path(directory), longest)
        left_out = unusable(texts, tokenised, Path(directory), config["data"]["contradictions"])
    pool = Candidates.of(texts, tokenised, left_out)
    for replicate in range(config["replicates"]):
        draw_split(pool, config, replicate)
    source |= augmentation.resolve(config, texts["text"].tolist())
    source["left_out"] = {reason: int(rows.sum()) for reason, rows in left_out.items()}
    source["sentence"] += _left_out_sentence(source["left_out"])
    source["drawn_from"] = pool.label_counts()
    source["texts"] = texts["part"].value_counts().sort_index().to_dict()
    return source


def _left_out_sentence(left_out: Mapping[str, int]) -> str:
    what = {
        "without_tokens": "in which the model sees nothing",
        "contradictory": "that are the same to the model but have different labels",
    }
    told = [f"{number} {what[reason]}" for reason, number in left_out.items() if number]
    return f" Texts left out: {', '.join(told)}." if told else ""


def choose(config: Mapping[str, Any]) -> dict[str, Any]:
    """The source that the configuration asks for, pinned, with its kind and a sentence.

    Raises UserError where it does not fit or answer, and nothing may take its place.
    """
    wanted = config["source"]
    kind = "hub" if wanted == AUTO else wanted
    try:
        source = {"kind": kind, **SOURCES[kind].pin(config)}
        return source | {"sentence": SOURCES[kind].describe(source)}
    except Unreachable as silent:
        named = {key: config["hub"][key] for key in hub.KINDS}
        missing = [f"hub.{key}" for key, name in named.items() if not is_local(key, name)]
        # What a user has made is never replaced.
        if wanted != AUTO or len(missing) < len(named):
            raise UserError(
                f"source: {wanted} needs {' and '.join(missing)} from the Hugging Face Hub, which "
                f"did not answer ({silent}). Check the connection and HF_ENDPOINT, give local "
                "files instead, set HF_HUB_OFFLINE=1 if all is in the cache, or write "
                "source: embedded."
            ) from silent
        sentence = (
            f"The Hugging Face Hub did not answer ({silent}): the EMBEDDED model and sentences "
            f"were used instead of {named['checkpoint']} and {named['dataset']}."
        )
        return {"kind": "embedded", **embedded.pin(config), "sentence": sentence}


def preview(
    config: Mapping[str, Any], source: Mapping[str, Any] | None = None
) -> tuple[str, Preview]:
    """The source that `choose` would choose now, and what is known of it. Raises UserError.

    source: one that was chosen before and stays pinned.
    """
    if source is not None:
        kind = source["kind"]
        pinned = {key: source[key] for key in SOURCES[kind].PINNED}
        config = {**config, kind: {**config[kind], **pinned}}
    else:
        kind = "hub" if config["source"] == AUTO else config["source"]
    try:
        return kind, SOURCES[kind].preview(config)
    except Unreachable as silent:
        if source is not None or config["source"] != AUTO:
            raise UserError(f"The Hugging Face Hub did not answer ({silent}).") from silent
        return "embedded", embedded.preview(config)


def candidates(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The sources that the configuration allows, and whose sections it therefore has."""
    return ("hub", "embedded") if config["source"] == AUTO else (config["source"],)


def sized(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The configuration with the sizes of sets that the section of a source gives."""
    return {**config, "data": {**config["data"], **config[kind].get("data", {})}}


def requested(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a source.json answers: made of other values it is not used."""
    pinned = {key: config[kind][key] for kind in candidates(config) for key in SOURCES[kind].PINNED}
    return {"source": config["source"]} | pinned | augmentation.requested(config)


def read_texts(source: Mapping[str, Any], config: Mapping[str, Any]) -> pd.DataFrame:
    """All texts of a resolved source, as `Source.read_texts` describes them."""
    return SOURCES[source["kind"]].read_texts(source, config)


def write_checkpoint(source: Mapping[str, Any], directory: Path) -> None:
    """Writes the checkpoint of a resolved source, as `Source.write_checkpoint` describes it."""
    SOURCES[source["kind"]].write_checkpoint(source, directory)


def makes_baseline(source: Mapping[str, Any]) -> bool:
    """Whether the checkpoint is an encoder that has to be fine-tuned before any cell."""
    return SOURCES[source["kind"]].MAKES_BASELINE


def check_layers(config: Mapping[str, Any], checkpoint: Mapping[str, Any]) -> None:
    """Refuses to freeze more layers than the checkpoint has. Raises UserError.

    checkpoint: its config.json.
    """
    layers = checkpoint["n_layers"]
    for key, values in values_of(config, "frozen_layers").items():
        if max(values) > layers:
            raise UserError(
                f"{key}: {max(values)} layers are to be frozen, but the checkpoint has {layers}. "
                f"Write {layers} or less."
            )
