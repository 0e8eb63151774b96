"""English texts as words and what is between them, and the words that are never changed.

The closed classes (determiners, pronouns, prepositions, conjunctions, auxiliaries, particles) are
those of Quirk et al., A Comprehensive Grammar of the English Language (1985), chapters 2 and 9.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


DETERMINERS = _set(
    "a an the this that these those my your his her its our their some any each every no another"
)
SUBJECTS = _set("i he she we they who")  # pronouns that a verb follows
BE = _set("be am is are was were been being s re m")  # it's is also written it 's
AUXILIARIES = _set(
    "do does did have has had having will would shall should can could may might must ll ve d "
    "don't doesn't didn't won't wouldn't can't couldn't shouldn't cannot n't ain't"
)
DEGREE = _set("very so too more most less least quite rather really as extremely")
NEGATIONS = _set(
    "no not nor never none nothing nobody nowhere neither cannot without hardly barely scarcely "
    "n't dont doesnt didnt wont cant isnt wasnt arent couldnt wouldnt shouldnt"
)
NUMBER_WORDS = _set(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million billion"
)
_PRONOUNS = _set(
    "me you him it us them mine yours hers ours theirs myself yourself himself herself itself "
    "ourselves yourselves themselves what which whom whose whoever whatever anybody anyone "
    "anything everybody everyone everything somebody someone something both all either such other "
    "others same few many much several own"
)
_PREPOSITIONS = _set(
    "about above across after against along among around at before behind below beneath beside "
    "besides between beyond by despite down during except for from in inside into like near of "
    "off on onto out outside over past per since than through throughout till to toward towards "
    "under until unto up upon via with within"
)
_CONJUNCTIONS_AND_PARTICLES = _set(
    "and but or yet if because although though while whereas unless whether when whenever where "
    "wherever why how then there here thus hence just only even also again once ever still already "
    "doing done t"
)
STOP_WORDS = frozenset().union(
    *(DETERMINERS, SUBJECTS, BE, AUXILIARIES, DEGREE, NEGATIONS),
    *(_PRONOUNS, _PREPOSITIONS, _CONJUNCTIONS_AND_PARTICLES),
)

# Unicode's marks, which \\w leaves out, and the joiners within words of some scripts.
_MARKS = "".join(
    char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char)[0] == "M"
)
_LETTERS = rf"\w[\w{_MARKS}\u200c\u200d]*"
# Tags and addresses are no words.
_PIECE = re.compile(rf"<[^<>]*>|https?://\S+|www\.\S+|(?P<word>{_LETTERS}(?:['’-]{_LETTERS})*)")
_ENDS_SENTENCE = re.compile(r"[.!?:…\n>\"“‘(\[]")


@dataclass(frozen=True)
class Words:
    """A text as its words and the gaps between them: gaps[0] words[0] gaps[1] … gaps[n]."""

    words: list[str]
    gaps: list[str]

    @classmethod
    def of(cls, text: str) -> Words:
        words, gaps, end = [], [], 0
        for found in _PIECE.finditer(text):
            if found["word"] is not None:
                gaps.append(text[end : found.start()])
                words.append(found["word"])
                end = found.end()
        return cls(words, [*gaps, text[end:]])

    def begins_sentence(self, number: int) -> bool:
        """Whether a word is the first of the text or of a sentence, as far as marks tell."""
        return number == 0 or _ENDS_SENTENCE.search(self.gaps[number]) is not None

    def neighbour(self, number: int, step: int) -> str:
        """The word before (step -1) or after (1) a word, in lower case; empty if a mark parts them
        or there is none.
        """
        other = number + step
        if not 0 <= other < len(self.words) or self.gaps[max(number, other)].strip():
            return ""
        return plain(self.words[other])


def plain(word: str) -> str:
    """A word in lower case with the typewriter's apostrophe."""
    return word.lower().replace("’", "'")


def stays(word: str) -> bool:
    """Whether a word, in lower case, is a stop word, a negation or a number; so is it's."""
    return (
        word in STOP_WORDS
        or ("'" in word and word.partition("'")[0] in STOP_WORDS)
        or word in NUMBER_WORDS
        or word.endswith("n't")
        or any(char.isdigit() for char in word)
    )
