"""Regular forms of English words: from a form to what it may be a form of, and back.

Detachment follows WordNet's morphy(7WN); how endings are joined follows Quirk et al. (1985), 3.5-10
and 5.80. A form is "" (the word itself), "s", "ed" or "ing". Comparatives and superlatives are not
taken apart: "more" and "most" would have to come and go with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Part of speech to (ending, what takes its place, form).
_DETACHMENTS = {
    "n": (
        ("s", "", "s"),
        ("ses", "s", "s"),
        ("xes", "x", "s"),
        ("zes", "z", "s"),
        ("ches", "ch", "s"),
        ("shes", "sh", "s"),
        ("men", "man", "s"),
        ("ies", "y", "s"),
    ),
    "v": (
        ("s", "", "s"),
        ("ies", "y", "s"),
        ("es", "e", "s"),
        ("es", "", "s"),
        ("ed", "e", "ed"),
        ("ed", "", "ed"),
        ("ing", "e", "ing"),
        ("ing", "", "ing"),
    ),
}
_AFTER_CONSONANT = re.compile(r"[^aeiou]y$")


def detached(word: str, pos: str) -> Iterator[tuple[str, str]]:
    """What a word may regularly be a form of, and which form; not all of it are words."""
    for ending, instead, form in _DETACHMENTS.get(pos, ()):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            yield word.removesuffix(ending) + instead, form


def irregular_form(form: str, pos: str) -> str:
    """Which form an exception of WordNet's is: children "s", went "ed", stopping "ing"."""
    if pos == "n":
        return "s"
    return "ing" if form.endswith("ing") else "s" if form.endswith("es") else "ed"


def joined(base: str, form: str, pos: str) -> str:
    """The regular form of a word that doubles no letter."""
    if form == "":
        return base
    if form == "s":
        if _AFTER_CONSONANT.search(base):
            return base[:-1] + "ies"
        hissing = base.endswith(("s", "x", "z", "ch", "sh"))
        return base + ("es" if hissing or (pos == "v" and base.endswith("o")) else "s")
    if form == "ed":
        if _AFTER_CONSONANT.search(base):
            return base[:-1] + "ied"
        return base + ("d" if base.endswith("e") else "ed")
    if base.endswith("ie"):
        return base[:-2] + "ying"
    silent = base.endswith("e") and not base.endswith(("ee", "oe", "ye"))
    return (base[:-1] if silent else base) + "ing"
