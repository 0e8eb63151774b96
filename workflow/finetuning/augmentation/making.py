"""Makes the copies of a replicate's training texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from common.hyperparameters import Copies
from finetuning.augmentation.operators import Identity, changed
from finetuning.augmentation.settings import Settings
from finetuning.augmentation.thesaurus import Thesaurus
from finetuning.augmentation.translation import translated_back
from finetuning.dataset import TokenisedTexts


def make_copies(
    texts: Sequence[str],
    rows: np.ndarray,
    copies: Copies,
    seed: int,
    replicate: int,
    thesaurus: Thesaurus | None,
    settings: Settings,
) -> pd.DataFrame:
    """The copies of training texts: those drawn are translated back, then words are changed.

    Args:
        texts: the training texts.
        rows: their numbers in the study's table of texts, shape (texts,).
        copies: how they are copied.
        seed: of the study.
        replicate: its number.
        thesaurus: needed where synonyms or insertion is above 0.
        settings: the translator is read.

    Returns:
        One row a copy, the first copy of every text first. Columns row, copy (from 0), text,
        translated, and as in `Changed` words, replaced, inserted and deleted.

    Raises:
        UserError: the translator does not do what it has to.
    """
    identities = [
        Identity(seed, replicate, int(row), copy) for copy in range(copies.number) for row in rows
    ]
    given = list(texts) * copies.number
    rate = copies.back_translation
    translated = np.array(
        [rate > 0 and identity.draw("back_translation", 1)[0] < rate for identity in identities],
        bool,
    )
    chosen = np.flatnonzero(translated).tolist()
    for at, text in zip(
        chosen, translated_back([given[at] for at in chosen], settings), strict=True
    ):
        given[at] = text
    made = [
        changed(text, copies, identity, thesaurus)
        for text, identity in zip(given, identities, strict=True)
    ]
    return pd.DataFrame(
        {
            "row": [identity.row for identity in identities],
            "copy": [identity.copy for identity in identities],
            "text": [each.text for each in made],
            "translated": translated,
            "words": [each.words for each in made],
            "replaced": [each.replaced for each in made],
            "inserted": [each.inserted for each in made],
            "deleted": [each.deleted for each in made],
        }
    )


def among(texts: TokenisedTexts, others: Sequence[TokenisedTexts]) -> np.ndarray:
    """Whether each text is one of the others, as the model reads it; bool (texts,)."""
    known = {each.of(at).tobytes() for each in others for at in range(len(each.lengths))}
    return np.array([texts.of(at).tobytes() in known for at in range(len(texts.lengths))], bool)
