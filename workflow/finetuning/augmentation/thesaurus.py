"""Synonyms of a word where it stands, from WordNet: same part of speech, same form.

**Part of speech.** A word may be whatever WordNet knows it, or what it is a form of, as. If that is
several, the word before it tells, as far as no mark is between:

1. after a determiner (the, my, some) or what can only be an adjective, a noun or an adjective: an
   adjective if a word follows that may be a noun or an adjective, else a noun;
2. after to, an auxiliary (will, can, didn't) or a subject pronoun (I, they, who) a verb;
3. after a word of degree (very, so, too) an adjective or an adverb;
4. after a form of be a verb if it ends in -ing, else an adjective, else a verb;
5. otherwise, or where WordNet does not know it as that, what it is most often in WordNet's tagged
   corpora.

**Sense.** Nobody tells senses apart: a synonym is drawn with a weight of how often the word was
tagged in the sense they share, times one more than how often the synonym was. Without any tagged
sense, the first that has synonyms counts. Names (with capitals) and numbers are no synonyms, nor is
what cannot be put into the word's form: forms of irregular verbs and nouns are taken from WordNet's
list of exceptions where it is clear which one is meant.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import pandas as pd

from finetuning.augmentation.english import (
    AUXILIARIES,
    BE,
    DEGREE,
    DETERMINERS,
    SUBJECTS,
    Words,
    plain,
    stays,
)
from finetuning.augmentation.inflection import detached, irregular_form, joined

PARTS = "nvar"  # of speech: noun, verb, adjective, adverb


@dataclass(frozen=True)
class Reading:
    """What a word may be: the form ("", s, ed, ing) of a base, and how often that was tagged."""

    pos: str
    base: str
    form: str
    count: int


@dataclass(frozen=True)
class Synonyms:
    """In the word's form; to each the sum of the weights up to it."""

    words: tuple[str, ...]
    weights: tuple[int, ...]

    def drawn(self, uniform: float) -> str:
        """One of them by its weight; uniform: a draw from 0 to below 1."""
        return self.words[bisect_right(self.weights, uniform * self.weights[-1])]


class Thesaurus:
    """Looks up words; what it found once it keeps."""

    def __init__(self, senses: pd.DataFrame, exceptions: pd.DataFrame) -> None:
        """senses, exceptions: see `wordnet`."""
        self._senses: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._words: dict[tuple[str, int], list[tuple[str, int]]] = {}
        columns = ["pos", "base", "synset", "lemma", "count"]
        for pos, base, synset, lemma, count in senses[columns].itertuples(index=False):
            self._senses.setdefault((pos, base), []).append((synset, count))
            self._words.setdefault((pos, synset), []).append((lemma, count))
        self._bases: dict[tuple[str, str], list[str]] = {}
        self._irregular: dict[tuple[str, str], list[str]] = {}
        for pos, form, base in exceptions[["pos", "form", "base"]].itertuples(index=False):
            self._bases.setdefault((pos, form), []).append(base)
            self._irregular.setdefault((pos, base), []).append(form)
        self.readings = cache(self._readings)
        self.synonyms_of = cache(self._synonyms_of)

    def knows(self, word: str) -> bool:
        """Whether a word, in lower case, is English: one that is never changed, or in WordNet."""
        return stays(word) or bool(self.readings(word))

    def synonyms(self, text: Words, number: int) -> Synonyms | None:
        """The synonyms of a word of a text, in its capitals; None if it has none, or stays.

        A capitalised word within a sentence is taken for a name, and stays.
        """
        word = text.words[number]
        lower = plain(word)
        capitals = len(word) > 1 and word.isupper()
        begins = word == word.capitalize() and text.begins_sentence(number)
        if stays(lower) or not (word.islower() or capitals or begins):
            return None
        reading = self.reading(text, number)
        found = None if reading is None else self.synonyms_of(reading, lower)
        if found is None or word.islower():
            return found
        shaped = [each.upper() if capitals else each[0].upper() + each[1:] for each in found.words]
        return Synonyms(tuple(shaped), found.weights)

    def reading(self, text: Words, number: int) -> Reading | None:
        """What a word of a text is, by the rules above; None if WordNet does not know it."""
        readings = self.readings(plain(text.words[number]))
        if not readings:
            return None
        known = {each.pos for each in readings}
        if len(known) == 1:
            return readings[0]
        after = text.neighbour(number, 1)
        before = text.neighbour(number, -1)
        if before in DETERMINERS or self._is_adjective(before):
            modifies = after and not stays(after) and self._may_be(after, "na")
            order = "an" if modifies else "na"
        elif before == "to" or before in AUXILIARIES or before in SUBJECTS:
            order = "v"
        elif before in DEGREE:
            order = "ar"
        elif before in BE:
            continuous = any(each.pos == "v" and each.form == "ing" for each in readings)
            order = "va" if continuous else "av"
        else:
            order = ""
        pos = next((each for each in order if each in known), readings[0].pos)
        return next(each for each in readings if each.pos == pos)

    def _may_be(self, word: str, parts: str) -> bool:
        return any(each.pos in parts for each in self.readings(word))

    def _is_adjective(self, word: str) -> bool:
        return not stays(word) and {each.pos for each in self.readings(word)} == {"a"}

    def _readings(self, word: str) -> tuple[Reading, ...]:
        """What a word, in lower case, may be, the most frequent first."""
        found = []
        for pos in PARTS:
            irregular = self._bases.get((pos, word), [])
            bases = [(word, ""), *((base, irregular_form(word, pos)) for base in irregular)]
            bases += [] if irregular else detached(word, pos)
            for base, form in bases:
                if (pos, base) in self._senses:
                    count = sum(count for _, count in self._senses[pos, base])
                    found.append(Reading(pos, base, form, count))
        return tuple(sorted(found, key=lambda each: -each.count))

    def _synonyms_of(self, reading: Reading, word: str) -> Synonyms | None:
        """Those in the form of the reading, other than the word itself."""
        weights: dict[str, int] = {}
        senses = self._senses[reading.pos, reading.base]
        tagged = any(count for _, count in senses)
        for synset, count in senses:
            for lemma, own in self._words[reading.pos, synset]:
                weight = count * (own + 1) if tagged else own + 1
                inflected = self._inflected(lemma, reading) if weight and usable(lemma) else None
                if inflected is not None and inflected != word and lemma != reading.base:
                    weights[inflected] = weights.get(inflected, 0) + weight
            if weights and not tagged:
                break
        if not weights:
            return None
        return Synonyms(tuple(weights), tuple(accumulate(weights.values())))

    def _inflected(self, lemma: str, reading: Reading) -> str | None:
        """A lemma in the form of a reading; None where that form is not known.

        Of several words a verb's first is inflected (take part), a noun's last (motion picture).
        """
        if reading.form == "":
            return lemma
        before, space, head = lemma.rpartition(" ")
        after = ""
        if reading.pos == "v":
            before, (head, space, after) = "", lemma.partition(" ")
        irregular = self._irregular.get((reading.pos, head), [])
        meant = [f for f in irregular if irregular_form(f, reading.pos) == reading.form]
        if len(meant) > 1 or (irregular and not meant and reading.form == "ed"):
            return None
        form = meant[0] if meant else joined(head, reading.form, reading.pos)
        return f"{form}{space}{after}" if reading.pos == "v" else f"{before}{space}{form}"


def usable(lemma: str) -> bool:
    """Whether a lemma may be a synonym: no name and no number."""
    return lemma.islower() and not stays(lemma) and not any(char in lemma for char in ".'/")
