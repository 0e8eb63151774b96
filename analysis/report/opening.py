"""The first page: what a reader with one minute needs, in at most LINES lines."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from analysis import words
from analysis.report import block
from analysis.report.content import Content

LINES = 15
CHARACTERS = 112  # of a line, on average


@dataclass(frozen=True)
class Part:
    """Findings under a label, by what `Content.found` selects.

    together: they are one paragraph; else each is its own, and those beyond LINES are only counted.
    """

    label: str
    selections: tuple[dict[str, Any], ...]
    together: bool = True


ON_ONE = ("rests_on_one", "one_decides", "nothing_changes")
PARTS = (
    Part("Setting", ({"section": "recommendation"},)),
    Part("What matters", ({"section": "summary"},), together=False),
    Part(
        "What rests on one",
        (
            {"section": "robustness", "kind": ON_ONE},
            {"section": "confounding", "kind": "together"},
        ),
    ),
    Part(
        "How sure",
        (
            {"section": "runs", "kind": ("count", "told")},
            {"section": "confounding", "kind": "not_assigned"},
            {"section": "fit"},
            {"section": "baseline", "kind": "against_baseline"},
        ),
    ),
)


def first_page(content: Content) -> list[block.Block]:
    found = {
        part.label: [sentence for where in part.selections for sentence in content.found(**where)]
        for part in PARTS
    }
    left = LINES - sum(_lines(" ".join(found[part.label])) for part in PARTS if part.together)
    blocks = []
    for part in PARTS:
        sentences = found[part.label]
        if part.together:
            sentences = [" ".join(sentences)] if sentences else []
        else:
            sentences = _fitting(sentences, left)
        if sentences:
            blocks.append(block.labelled(part.label, sentences))
    return blocks + (content.figure(content.key_figure) if content.key_figure else [])


def _fitting(sentences: list[str], lines: int) -> list[str]:
    """As many of the first sentences as the lines hold, at least one, and how many are missing."""
    kept: list[str] = []
    for sentence in sentences:
        lines -= _lines(sentence)
        if kept and lines < (len(kept) + 1 < len(sentences)):
            rest = words.count(len(sentences) - len(kept), "more metric")
            return [*kept, f"{rest}: in the sections on them."]
        kept.append(sentence)
    return kept


def _lines(text: str) -> int:
    return ceil(len(text) / CHARACTERS)
