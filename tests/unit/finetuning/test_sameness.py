"""Texts that are the same to a model, contradict each other, or nearly repeat each other."""

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from finetuning.dataset import TokenisedTexts, tokenise
from finetuning.sameness import near_duplicates, twins, unusable

TEXTS = [
    "the dull plot",
    "The  DULL plot",  # case and white space
    "the dull plot\u200b",  # a character without width
    "the witty plot",
    "\u200b\u200d",  # nothing but
    "the witty plot of this film is a dull film in the end",
    "the witty plot of this film is a dull film in the script",  # differs beyond the cut
]


@pytest.fixture(scope="module")
def tokenised(tiny_checkpoint):
    return tokenise(TEXTS, tiny_checkpoint, 10)


def test_texts_with_the_same_tokens_are_twins(tokenised):
    assert twins(tokenised).tolist() == [0, 0, 0, 3, 4, 5, 5]


def test_every_token_counts():
    text = list(range(40))
    texts = of_tokens(text, [*text[:-1], 99], [99, *text[1:]], text[:-1], text)
    assert twins(texts).tolist() == [0, 1, 2, 3, 0]


def frame(labels):
    return pd.DataFrame({"text": TEXTS, "label": labels})


def test_contradictions_and_texts_without_tokens_are_left_out(tokenised, tiny_checkpoint):
    found = unusable(frame([0, 0, 1, 1, 1, 1, 1]), tokenised, tiny_checkpoint, "drop")
    assert np.flatnonzero(found["without_tokens"]).tolist() == [4]
    assert np.flatnonzero(found["contradictory"]).tolist() == [0, 1, 2]
    found = unusable(frame([0, 0, 0, 1, 1, 0, 1]), tokenised, tiny_checkpoint, "drop")
    assert np.flatnonzero(found["contradictory"]).tolist() == [5, 6]


def test_contradictions_are_refused_where_asked_for_and_the_first_is_named(
    tokenised, tiny_checkpoint
):
    with pytest.raises(
        UserError,
        match=r"data\.contradictions: 3 texts .* first 'the dull plot' \(0\) and "
        r"'the dull plot\\u200b' \(1\)",
    ):
        unusable(frame([0, 0, 1, 1, 1, 1, 1]), tokenised, tiny_checkpoint, "refuse")
    unusable(frame([0, 0, 0, 1, 1, 1, 1]), tokenised, tiny_checkpoint, "refuse")


def of_tokens(*texts):
    lengths = [len(text) for text in texts]
    tokens = np.concatenate([np.asarray(text, np.int32) for text in texts])
    return TokenisedTexts(tokens, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def test_near_duplicates_share_seven_in_ten_of_their_runs_of_eight_tokens():
    text = np.arange(17)  # ten runs
    others = of_tokens(np.arange(100, 130), [*range(50, 53), *text, 60])
    assert near_duplicates(of_tokens(text), others) == 1
    for changed, known in ((16, 1), (14, 1), (13, 0), (8, 0)):  # spoils 1, 3, 4 and 8 runs
        spoilt = text.copy()
        spoilt[changed] = 999
        assert near_duplicates(of_tokens(spoilt), others) == known
    assert near_duplicates(of_tokens(text, text[:7], [1, 2], text), others) == 2
    assert near_duplicates(of_tokens([1, 2]), others) == 0
    # runs do not go from one text into the next
    assert near_duplicates(of_tokens(text[:12]), of_tokens(text[:6], text[6:12])) == 0
