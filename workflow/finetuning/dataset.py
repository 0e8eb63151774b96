"""Draws of training and evaluation sets, their tokens, and the file a training job reads.

Training jobs import this module and must start fast: scikit-learn, pandas and transformers are
imported inside the functions that need them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError
from finetuning.files import read_arrays, write_arrays

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerBase

# Named integers of the random draws made from the study's seed.
BASELINE_FILMS_DRAW = 101
BASELINE_SENTENCES_DRAW = 102
SPLIT_DRAW = 103

GROUP_DIVISIONS_TRIED = 100
PARTS = ("training", "validation", "evaluation")  # of a Split
STORED = ("tokens", "offsets", "labels", "rows", "padded_lengths")  # of Examples, in their order


@dataclass(frozen=True)
class TokenisedTexts:
    """Texts as token numbers, one after another.

    tokens: int32 (total tokens,); offsets: int64 (texts + 1,). Text i is
    tokens[offsets[i]:offsets[i + 1]], special tokens included, without padding.
    """

    tokens: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class Examples(TokenisedTexts):
    """Tokenised texts with labels int32 (texts,) and rows int32 (texts,): where they come from.

    padded_lengths: int32 (k,), increasing; in a batch, texts are padded to the next of these
    lengths. None is longer than the last.
    """

    labels: np.ndarray
    rows: np.ndarray
    padded_lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, int64 (texts,)."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Split:
    """What one replicate trains on, looks at after each epoch to stop, and is evaluated on."""

    training: Examples
    validation: Examples
    evaluation: Examples


def draw_split(
    texts: pd.DataFrame, config: Mapping, replicate: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a replicate's training, validation and evaluation rows.

    Args:
        texts: columns label (int), group (text, empty: no group) and part, where "study" rows
            serve both sets and "study_training" / "study_evaluation" rows only the one they name.
        config: the study's configuration; seed and data are read. The validation rows are kept
            aside from the training rows.
        replicate: number of the replicate; each draws anew.

    Returns:
        Row numbers of the three sets, each int32, ascending, with exactly the sizes asked for, in
        which the labels are stratified and no group is in two of them.

    Raises:
        UserError: there are too few rows, the groups cannot be divided so, or a set would hold
            one class only.
    """
    training_size = config["data"]["training_examples"]
    validation_size = config["data"]["validation_examples"]
    evaluation_size = config["data"]["evaluation_examples"]
    draw = np.random.default_rng([config["seed"], SPLIT_DRAW, replicate])

    part = texts["part"].to_numpy()
    labels = texts["label"].to_numpy()
    # A text without a group is a group of its own.
    names = texts["group"].where(texts["group"] != "", [f"\0{row}" for row in range(len(texts))])
    groups = np.unique(names.to_numpy(dtype=str), return_inverse=True)[1]

    training_pool = np.flatnonzero(np.isin(part, ("study", "study_training")))
    evaluation_pool = np.flatnonzero(np.isin(part, ("study", "study_evaluation")))
    shared = np.array_equal(training_pool, evaluation_pool)
    _require_enough(len(training_pool), training_size, "training")
    _require_enough(len(evaluation_pool), evaluation_size, "evaluation")
    if shared:
        _require_enough(len(training_pool), training_size + evaluation_size, "training+evaluation")
    if shared and (texts["group"].to_numpy()[training_pool] != "").any():
        sizes = {"training": training_size, "evaluation": evaluation_size}
        training_pool, evaluation_pool = _divide_groups(training_pool, groups, labels, sizes, draw)

    evaluation = _stratified(evaluation_pool, labels, evaluation_size, draw)
    free = ~np.isin(groups[training_pool], groups[evaluation])
    training_pool = training_pool[free]
    if len(training_pool) < training_size:
        raise UserError(
            f"data.training_examples: {training_size} are asked for, but only "
            f"{len(training_pool)} texts are in no group of the evaluation set. Ask for fewer."
        )
    validation = np.zeros(0, np.int32)
    if validation_size:
        training_size -= validation_size
        sizes = {"training": training_size, "validation": validation_size}
        training_pool, validation_pool = _divide_groups(training_pool, groups, labels, sizes, draw)
        validation = _stratified(validation_pool, labels, validation_size, draw)
    training = _stratified(training_pool, labels, training_size, draw)

    drawn = {"training": training, "validation": validation, "evaluation": evaluation}
    for name, rows in drawn.items():
        if len(rows) and len(np.unique(labels[rows])) < 2:
            raise UserError(
                f"data.{name}_examples: with {len(rows)} the {name} set of replicate {replicate} "
                "holds one class only, so that nothing can be learnt from it. Ask for more, or "
                "take texts in which each class is more than a rarity."
            )
    return training, validation, evaluation


def tokenise(texts: Sequence[str], checkpoint_directory: Path, max_tokens: int) -> TokenisedTexts:
    """Tokenise with the checkpoint's own tokenizer, cutting texts at `max_tokens`.

    Raises:
        UserError: max_tokens is more than the model has positions for, or the tokenizer's files
            cannot be read.
    """
    settings = json.loads((Path(checkpoint_directory) / "config.json").read_text("utf-8"))
    positions = settings.get("max_position_embeddings", 512)
    if max_tokens > positions:
        raise UserError(
            f"padded_lengths: {max_tokens} is more than the checkpoint can take; it has "
            f"{positions} positions. Write {positions} or less."
        )
    tokenizer = load_tokenizer(checkpoint_directory)
    options = {"truncation": True, "max_length": max_tokens, "return_attention_mask": False}
    # A tokenizer cannot take no texts, such as those of an empty validation set.
    token_lists = tokenizer(list(texts), **options)["input_ids"] if len(texts) else []
    lengths = [len(tokens) for tokens in token_lists]
    return TokenisedTexts(
        tokens=np.fromiter((t for tokens in token_lists for t in tokens), np.int32, sum(lengths)),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def tokenised_examples(
    texts: pd.DataFrame,
    rows: np.ndarray,
    checkpoint_directory: Path,
    padded_lengths: Sequence[int],
) -> Examples:
    """The given rows of the texts as tokens with their labels, cut at the last padded length.

    Raises as `tokenise` does.
    """
    tokenised = tokenise(
        texts["text"].iloc[rows].tolist(), checkpoint_directory, padded_lengths[-1]
    )
    return Examples(
        tokenised.tokens,
        tokenised.offsets,
        texts["label"].to_numpy(np.int32)[rows],
        rows.astype(np.int32),
        np.array(padded_lengths, np.int32),
    )


def load_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in a Hugging Face directory; code that comes with it is never run."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            Path(directory), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # whatever a damaged file makes the libraries raise
        raise UserError(
            f"The tokenizer of the checkpoint cannot be read ({_first_line(error)}). "
            "It needs tokenizer.json or vocab.txt as the DistilBERT tokenizer writes them."
        ) from error


def write_split(path: Path, split: Split, made_with: Mapping) -> None:
    """Write a split, with the part of the configuration that it was drawn by."""
    arrays = {
        f"{part}/{name}": getattr(getattr(split, part), name) for part in PARTS for name in STORED
    }
    write_arrays(path, arrays, made_with)


def read_split(path: Path) -> Split:
    """Read what `write_split` wrote.

    Raises:
        UserError: the file is damaged.
    """
    arrays = read_arrays(path)
    return Split(*(Examples(*(arrays[f"{part}/{name}"] for name in STORED)) for part in PARTS))


def stratified_draw(labels: np.ndarray, size: int, draw: np.random.Generator) -> np.ndarray:
    """Positions of `size` of the labels, each class in its share of them (largest remainder)."""
    classes, counts = np.unique(labels, return_counts=True)
    quota = counts * size / counts.sum()
    take = np.floor(quota).astype(int)
    # Where remainders tie, chance decides, lest one class win in every draw.
    order = np.lexsort((draw.random(len(classes)), take - quota))
    take[order[: size - take.sum()]] += 1
    chosen = [
        draw.permutation(np.flatnonzero(labels == label))[:number]
        for label, number in zip(classes, take, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _stratified(
    pool: np.ndarray, labels: np.ndarray, size: int, draw: np.random.Generator
) -> np.ndarray:
    return pool[stratified_draw(labels[pool], size, draw)].astype(np.int32)


def _divide_groups(
    pool: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray,
    sizes: dict[str, int],
    draw: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide whole groups into two pools, each large enough for the set of its name and size."""
    from sklearn.model_selection import GroupShuffleSplit

    (first_name, first_size), (second_name, second_size) = sizes.items()
    number_of_groups = len(np.unique(groups[pool]))
    if number_of_groups >= 2:
        share = second_size / (first_size + second_size)
        divisions = GroupShuffleSplit(
            n_splits=GROUP_DIVISIONS_TRIED,
            test_size=min(max(round(share * number_of_groups), 1), number_of_groups - 1),
            random_state=int(draw.integers(2**31)),
        ).split(pool, groups=groups[pool])
        classes = np.unique(labels[pool])
        for first, second in divisions:
            enough = len(first) >= first_size and len(second) >= second_size
            if enough and all(
                np.array_equal(np.unique(labels[pool[side]]), classes) for side in (first, second)
            ):
                return pool[first], pool[second]
    raise UserError(
        f"data: {first_size} {first_name} and {second_size} {second_name} examples are asked "
        f"for, but the {number_of_groups} groups cannot be divided so that each side has as "
        "many, of every class: texts of one group stay together. Ask for fewer."
    )


def _require_enough(available: int, size: int, name: str) -> None:
    if available < size:
        keys = " + ".join(f"data.{part}_examples" for part in name.split("+"))
        raise UserError(
            f"{keys}: {size} are asked for, but there are {available} texts "
            "(repeated ones removed). Ask for fewer."
        )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
