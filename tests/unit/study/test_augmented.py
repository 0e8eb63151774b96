"""What augmentation did, in numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from common.hyperparameters import Copies
from finetuning.augmentation.copied import Copied
from finetuning.dataset import Examples
from study.augmented import EXAMPLES, Augmented, examples, summary
from tests.documented import columns as documented_columns


def tokens(*texts):
    lengths = [len(text) for text in texts]
    return Examples(
        np.int32(np.concatenate(texts)),
        np.cumsum([0, *lengths]),
        np.int32([number % 2 for number in range(len(texts))]),
        np.arange(len(texts), dtype=np.int32),
        np.int32([8]),
    )


TABLE = pd.DataFrame(
    {
        "row": [0, 1] * 2,
        "copy": [0, 0, 1, 1],
        "text": ["a film", "dull plot", "a movie", "plot"],
        "translated": [False, False, False, True],
        "words": [2, 2, 2, 2],
        "replaced": [0, 0, 1, 0],
        "inserted": [0, 0, 0, 0],
        "deleted": [0, 0, 0, 1],
        "held_out": [False, False, True, False],
    }
)
AUGMENTED = Augmented(
    Copies(0.1, 0, 0.2, 0.5, 2),
    0,
    ["a film", "dull plot"],
    tokens([1, 5, 6, 2], [1, 7, 8, 2]),
    TABLE,
    Copied(
        tokens([1, 5, 6, 2], [1, 7, 8, 2], [1, 5, 9, 9, 2], [1, 8, 2]),
        np.array([True, True, False, True]),
        np.array([True, True, True, False]),
        np.array([True, False]),
        np.array([True, False, True, True]),
    ),
    3.5,
)


def test_the_shares_are_those_of_texts_words_and_tokens():
    row = summary([AUGMENTED]).iloc[0].to_dict()
    assert row == {
        "synonyms": 0.1,
        "insertion": 0.0,
        "deletion": 0.2,
        "back_translation": 0.5,
        "augmented_copies": 2,
        "replicate": 0,
        "texts": 2,
        "copies": 4,
        "copies_changed": 0.5,
        "words_replaced": 1 / 8,
        "words_inserted": 0,
        "words_deleted": 1 / 8,
        "texts_translated": 0.25,
        "tokens_removed": pytest.approx(2 / 16),  # 6 of the third copy, 7 of the last
        "tokens_added": pytest.approx(2 / 16),  # 9 twice
        "tokens_before": 4.0,
        "tokens_after": 4.0,
        "baseline_agrees": 0.75,
        "baseline_right_before": 0.5,
        "baseline_right_after": 0.75,
        "held_out": 1,
        "used": 0.75,
        "seconds": 3.5,
    }


def test_examples_are_first_copies_of_the_first_replicate():
    found = examples([AUGMENTED], 1, ["negative", "positive"])
    shown = found[["label", "text", "copy", "used"]].sort_values("label").to_numpy().tolist()
    assert shown == [
        ["negative", "a film", "a film", True],
        ["positive", "dull plot", "dull plot", True],
    ]
    assert len(found) <= EXAMPLES


def test_the_columns_are_the_documented_ones():
    documented = documented_columns([], [])
    assert documented["augmentation.csv"] == list(summary([AUGMENTED]))
    assert documented["augmentation_examples.csv"] == list(examples([AUGMENTED], 1, ["a", "b"]))
