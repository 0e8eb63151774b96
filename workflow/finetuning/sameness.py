"""What counts as the same text: what the model is given, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError
from finetuning.dataset import TokenisedTexts, load_tokenizer

if TYPE_CHECKING:
    import pandas as pd

# A text is a near-duplicate if at least this share of its runs of so many tokens occurs in the
# other texts: how Chowdhery et al. (2022, PaLM, section 8) look for contamination.
RUN_OF_TOKENS = 8
NEARLY_SAME = 0.7


def twins(texts: TokenisedTexts) -> np.ndarray:
    """The number of the first text with the same tokens, for each text; int64 (texts,).

    Texts that differ in case, white space, Unicode form or beyond the cut are the same to a model.
    """
    first: dict[bytes, int] = {}
    found = (first.setdefault(texts.of(text).tobytes(), text) for text in range(len(texts.lengths)))
    return np.fromiter(found, np.int64, len(texts.lengths))


def unusable(
    texts: pd.DataFrame, tokenised: TokenisedTexts, checkpoint: Path, contradictions: str
) -> dict[str, np.ndarray]:
    """Which texts no set may hold, by reason: "without_tokens", "contradictory".

    Args:
        texts: columns text and label, a row for each of the tokenised texts.
        tokenised: the same texts.
        checkpoint: directory of the tokenizer.
        contradictions: "drop" leaves out texts that are the same but have different labels, all of
            them, as none is known to be right; "refuse" takes them for a mistake.

    Returns:
        For each reason, bool (texts,); no text has two.

    Raises:
        UserError: there are contradictions and they are to be refused; names the first.
    """
    special_tokens = load_tokenizer(checkpoint).num_special_tokens_to_add()
    without_tokens = tokenised.lengths == special_tokens
    same = twins(tokenised)
    labels = texts["label"].to_numpy()
    differs = labels != labels[same]
    contradictory = np.isin(same, same[differs]) & ~without_tokens
    if contradictory.any() and contradictions == "refuse":
        one = int(np.flatnonzero(contradictory)[0])
        other = int(np.flatnonzero((same == same[one]) & (labels != labels[one]))[0])
        shown = [f"{texts['text'].iloc[row][:60]!r} ({labels[row]})" for row in (one, other)]
        raise UserError(
            f"data.contradictions: {contradictory.sum()} texts are the same as another, as the "
            f"model reads them, and have a different label; first {' and '.join(shown)}. Correct "
            "the labels, or write contradictions: drop to leave all of them out."
        )
    return {"without_tokens": without_tokens, "contradictory": contradictory}


def near_duplicates(texts: TokenisedTexts, others: TokenisedTexts) -> int:
    """How many of the texts are nearly among the others: NEARLY_SAME of their runs of tokens.

    Texts shorter than a run of RUN_OF_TOKENS tokens do not count.
    """
    runs, owner = _runs(texts)
    known = np.isin(runs, _runs(others)[0])
    number = np.bincount(owner, minlength=len(texts.lengths))
    found = np.bincount(owner, weights=known, minlength=len(texts.lengths))
    return int(np.sum((number > 0) & (found >= NEARLY_SAME * number)))


def _runs(texts: TokenisedTexts) -> tuple[np.ndarray, np.ndarray]:
    """A 64-bit hash of every run of tokens within a text, and the text it is of."""
    if len(texts.tokens) < RUN_OF_TOKENS:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    # Multilinear hashing (Carter & Wegman 1979); sums of uint64 wrap around.
    factors = np.random.default_rng(0).integers(2**64, size=RUN_OF_TOKENS, dtype=np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(texts.tokens, RUN_OF_TOKENS)
    hashes = sum(windows[:, i].astype(np.uint64) * factor for i, factor in enumerate(factors))
    owner = np.repeat(np.arange(len(texts.lengths)), texts.lengths)
    within = owner[: len(hashes)] == owner[RUN_OF_TOKENS - 1 :]
    return hashes[within], owner[: len(hashes)][within]
