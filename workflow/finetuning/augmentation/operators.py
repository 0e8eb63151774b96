"""Copies of a text with words replaced, inserted and deleted.

The operators are those of EDA (Wei & Zou 2019, arXiv:1901.11196), made reproducible: every word of
a text has its own draw for each method, from a stream of the study's seed, the replicate, the
text's row, the method and the copy. A method acts on the words whose draw is below its rate. So a
copy does not depend on the other texts, a higher rate changes the words that a lower one changes
and some more, and the rate of one method leaves what the others draw as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.hyperparameters import Copies
from finetuning.augmentation.english import Words, plain, stays
from finetuning.augmentation.thesaurus import Thesaurus

# Named integers of the random draws made from the study's seed.
DRAWS = {"synonyms": 301, "insertion": 302, "deletion": 303, "back_translation": 304}


@dataclass(frozen=True)
class Identity:
    """Which copy of which text: with the method, what its draws depend on."""

    seed: int
    replicate: int
    row: int
    copy: int

    def draw(self, method: str, *shape: int) -> np.ndarray:
        """Numbers from 0 to below 1; more of them begin with the same ones."""
        entropy = [self.seed, DRAWS[method], self.replicate, self.row, self.copy]
        return np.random.default_rng(entropy).random(shape)


@dataclass(frozen=True)
class Changed:
    """A changed text, and how many words it had and of how many kinds they were changed."""

    text: str
    words: int
    replaced: int
    inserted: int
    deleted: int


def changed(text: str, copies: Copies, identity: Identity, thesaurus: Thesaurus | None) -> Changed:
    """A text after replacement, insertion and deletion.

    A word that is a stop word, a negation or a number stays. Of a word that is to be inserted a
    synonym comes behind a word drawn from the whole text, or the next that white space follows. A
    text is never left without words: where all would be deleted, the one with the largest draw
    stays.

    Args:
        text: any text; without words it stays as it is.
        copies: the rates.
        identity: of the copy.
        thesaurus: needed where synonyms or insertion is above 0.
    """
    parsed = Words.of(text)
    number = len(parsed.words)
    if number == 0:
        return Changed(text, 0, 0, 0, 0)
    replaced = _replacements(parsed, copies.synonyms, identity, thesaurus)
    inserted = _insertions(parsed, copies.insertion, identity, thesaurus)
    deleted = _deletions(parsed, copies.deletion, identity)
    kept = [
        [*([] if at in deleted else [replaced.get(at, word)]), *inserted.get(at, [])]
        for at, word in enumerate(parsed.words)
    ]
    return Changed(
        _assembled(parsed.gaps, kept),
        number,
        len(replaced.keys() - deleted),
        sum(map(len, inserted.values())),
        len(deleted),
    )


def _assembled(gaps: list[str], kept: list[list[str]]) -> str:
    """The words at each place between the gaps.

    What is gone takes the white space before it along, or else that behind it.
    """
    text = gaps[0]
    for words, gap in zip(kept, gaps[1:], strict=True):
        bare = text.rstrip()
        if words:
            text += " ".join(words) + gap
        elif bare != text:
            text = bare + gap
        else:
            text += gap.lstrip()
    return text


def _replacements(
    text: Words, rate: float, identity: Identity, thesaurus: Thesaurus | None
) -> dict[int, str]:
    if rate == 0 or thesaurus is None:
        return {}
    draws = identity.draw("synonyms", len(text.words), 2)
    found = {}
    for at in np.flatnonzero(draws[:, 0] < rate).tolist():
        synonyms = thesaurus.synonyms(text, at)
        if synonyms is not None:
            found[at] = synonyms.drawn(draws[at, 1])
    return found


def _insertions(
    text: Words, rate: float, identity: Identity, thesaurus: Thesaurus | None
) -> dict[int, list[str]]:
    """What comes behind which word."""
    if rate == 0 or thesaurus is None:
        return {}
    draws = identity.draw("insertion", len(text.words), 3)
    found: dict[int, list[str]] = {}
    for at in np.flatnonzero(draws[:, 0] < rate).tolist():
        synonyms = thesaurus.synonyms(text, at)
        if synonyms is not None:
            behind = int(draws[at, 2] * len(text.words))
            while behind + 1 < len(text.words) and not any(map(str.isspace, text.gaps[behind + 1])):
                behind += 1  # not within 10/10
            found.setdefault(behind, []).append(synonyms.drawn(draws[at, 1]).lower())
    return found


def _deletions(text: Words, rate: float, identity: Identity) -> set[int]:
    if rate == 0:
        return set()
    draws = identity.draw("deletion", len(text.words))
    found = {at for at in np.flatnonzero(draws < rate).tolist() if not stays(plain(text.words[at]))}
    if len(found) == len(text.words):
        found.remove(int(draws.argmax()))
    return found
