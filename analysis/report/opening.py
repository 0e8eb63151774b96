"""The first page: what a reader with one minute needs, in at most LINES lines."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from analysis import words
from analysis.report import block
from analysis.report.content import Content

LINES = 15
CHARACTERS = 112  # a line holds more of them, but ends before a word that does not fit
WIDE = 1.5  # of them for a letter that comes from the second font


@dataclass(frozen=True)
class Part:
    """Findings under a label, by what `Content.found` selects, the most important first.

    least: how many are always told. others, where: how those that are not are called, and where
    they stand. only_counted: what is never told here. paragraphs: each is one, else all are.
    """

    label: str
    selections: tuple[dict[str, Any], ...]
    others: str
    where: str
    least: int = 1
    only_counted: tuple[dict[str, Any], ...] = ()
    paragraphs: bool = False


ON_ONE = ("rests_on_one", "one_decides", "nothing_changes")
PARTS = (
    Part("Setting", ({"section": "recommendation"},), "finding", "", least=2),
    Part(
        "What matters",
        ({"section": "summary"},),
        "more metric",
        ": in the sections on them",
        paragraphs=True,
    ),
    Part(
        "What rests on one",
        (
            {"section": "robustness", "kind": ON_ONE},
            {"section": "confounding", "kind": "together"},
        ),
        "more finding",
        " under Robustness",
        only_counted=({"section": "robustness", "kind": ("also_rests_on_one", "also_changes")},),
    ),
    Part(
        "How sure",
        (
            {"section": "runs", "kind": "count"},
            {"section": "confounding", "kind": "not_assigned"},
            {"section": "runs", "kind": "told"},
            {"section": "fit"},
            {"section": "baseline", "kind": "against_baseline"},
        ),
        "more finding",
        " under Baseline, Diagnostics and What this study cannot say",
        least=2,  # that nobody assigned the settings is never left out
    ),
)


def first_page(content: Content) -> list[block.Block]:
    found = [_found(content, part.selections) for part in PARTS]
    beyond = [len(_found(content, part.only_counted)) for part in PARTS]

    def told(kept: list[int]) -> list[list[str]]:
        """The paragraphs of each part if so many of its sentences are kept."""
        return [_told(*given) for given in zip(PARTS, found, beyond, kept, strict=True)]

    kept = [min(part.least, len(sentences)) for part, sentences in zip(PARTS, found, strict=True)]
    for place, sentences in enumerate(found):  # the first parts come first
        for count in range(kept[place] + 1, len(sentences) + 1):
            fuller = [*kept[:place], count, *kept[place + 1 :]]
            if _lines(told(fuller)) <= LINES:
                kept = fuller
    blocks = [
        block.labelled(part.label, paragraphs)
        for part, paragraphs in zip(PARTS, told(kept), strict=True)
        if paragraphs
    ]
    return blocks + (content.figure(content.key_figure) if content.key_figure else [])


def _found(content: Content, selections: tuple[dict[str, Any], ...]) -> list[str]:
    return [sentence for where in selections for sentence in content.found(**where)]


def _told(part: Part, sentences: list[str], beyond: int, kept: int) -> list[str]:
    """The paragraphs of a part: so many sentences, and how many there are besides."""
    left = len(sentences) - kept + beyond
    all_told = sentences[:kept]
    if left:
        all_told.append(f"{words.count(left, part.others)}{part.where}.")
    if part.paragraphs or not all_told:
        return all_told
    return [" ".join(all_told)]


def _lines(parts: list[list[str]]) -> int:
    """How many lines the paragraphs take, each part's first beside its label."""
    return sum(
        ceil(_width(text + (f"{part.label}. " if place == 0 else "")) / CHARACTERS)
        for part, paragraphs in zip(PARTS, parts, strict=True)
        for place, text in enumerate(paragraphs)
    )


def _width(text: str) -> float:
    """In characters of the first font."""
    return sum(1 if c.isascii() or not c.isalpha() else WIDE for c in text)
