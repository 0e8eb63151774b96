"""Texts as tokens, and the file of a replicate's sets that a training job reads.

Training jobs import this module and must start fast: pandas and transformers are imported inside
the functions that need them.
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

TOKENISED_AT_ONCE = 1000  # a fast tokenizer keeps some 100 bytes a token, cut off or not
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

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, int64 (texts,)."""
        return np.diff(self.offsets)

    def of(self, text: int) -> np.ndarray:
        """The tokens of one text."""
        return self.tokens[self.offsets[text] : self.offsets[text + 1]]


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

    def take(self, positions: np.ndarray) -> Examples:
        """The texts at the given positions, in their order, repeated where a position is."""
        return Examples(
            np.concatenate([np.zeros(0, np.int32), *map(self.of, positions)]),
            np.concatenate([[0], np.cumsum(self.lengths[positions])]).astype(np.int64),
            self.labels[positions],
            self.rows[positions],
            self.padded_lengths,
        )

    def followed_by(self, others: Examples) -> Examples:
        """These texts and then the others, which have the same padded lengths."""
        return Examples(
            np.concatenate([self.tokens, others.tokens]),
            np.concatenate([self.offsets, self.offsets[-1] + others.offsets[1:]]),
            np.concatenate([self.labels, others.labels]),
            np.concatenate([self.rows, others.rows]),
            self.padded_lengths,
        )


@dataclass(frozen=True)
class Split:
    """What one replicate trains on, looks at after each epoch to stop, and is evaluated on."""

    training: Examples
    validation: Examples
    evaluation: Examples


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
            f"padded_lengths: {max_tokens} is more than the checkpoint can handle; it has "
            f"{positions} positions. Write {positions} or less."
        )
    tokenizer = load_tokenizer(checkpoint_directory)
    options = {"truncation": True, "max_length": max_tokens, "return_attention_mask": False}
    texts = list(texts)
    found = [
        np.array(tokens, np.int32)
        for start in range(0, len(texts), TOKENISED_AT_ONCE)
        for tokens in tokenizer(texts[start : start + TOKENISED_AT_ONCE], **options)["input_ids"]
    ]
    return TokenisedTexts(
        tokens=np.concatenate([np.zeros(0, np.int32), *found]),
        offsets=np.cumsum([0, *map(len, found)], dtype=np.int64),
    )


def examples_of(
    texts: pd.DataFrame, tokenised: TokenisedTexts, rows: np.ndarray, padded_lengths: Sequence[int]
) -> Examples:
    """The given rows of the texts, which are tokenised and cut at the last padded length."""
    return Examples(
        np.concatenate([np.zeros(0, np.int32), *map(tokenised.of, rows)]),
        np.concatenate([[0], np.cumsum(tokenised.lengths[rows])]).astype(np.int64),
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


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
