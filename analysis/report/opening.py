"""The first page: what a reader with one minute needs."""

from __future__ import annotations

from analysis.report import block
from analysis.report.content import Content

ON_ONE = ("rests_on_one", "one_decides", "nothing_changes")
# label, and which findings stand beside it, by what `Content.found` selects
PARTS: tuple[tuple[str, tuple[dict[str, object], ...]], ...] = (
    ("Which setting", ({"section": "recommendation"},)),
    ("What matters", ({"section": "summary"}, {"section": "confounding"})),
    ("What rests on one", ({"section": "robustness", "kind": ON_ONE},)),
    (
        "How sure",
        (
            {"section": "runs", "kind": ("count", "no_result", "told")},
            {"section": "fit"},
            {"section": "baseline", "kind": "against_baseline"},
        ),
    ),
)


def first_page(content: Content) -> list[block.Block]:
    blocks = []
    for label, selections in PARTS:
        told = [sentence for where in selections for sentence in content.found(**where)]
        if told:
            blocks.append(block.labelled(label, told))
    return blocks + (content.figure(content.key_figure) if content.key_figure else [])
