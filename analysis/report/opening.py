"""The first page: what was found."""

from __future__ import annotations

from typing import Any

from analysis.report import block
from analysis.report.content import Content


def first_page(content: Content) -> list[block.Block]:
    first = content.settings.metrics[0].name
    chosen: list[dict[str, Any]] = [
        {"section": "runs"},
        {"section": "summary"},
        {"section": "robustness", "kind": ("effects_lost", "effects_kept")},
        {"section": "baseline", "metric": first, "kind": ("best_cell", "cells_beat_baseline")},
        {"section": "surface", "metric": first, "kind": "best_region"},
        {"section": "tradeoff", "kind": ("conflict", "no_conflict")},
    ]
    items: list[dict[str, Any]] = []
    for where in chosen:
        for group in content.sentences(**where):
            items += group["items"][:3]
    blocks: list[block.Block] = [block.heading("Findings", 2)]
    if not content.findings["significant"].any():
        blocks.append(
            block.paragraph("Nothing in this study is statistically significant by the rule below.")
        )
    blocks.append({"type": "sentences", "items": items})
    blocks.append(
        block.paragraph(
            "● significant: the q-value (Benjamini–Hochberg) is below "
            f"{content.settings.alpha:g} and the {content.percent} interval excludes zero; ○ not, "
            "or a plain description. Effects rest on the split-plot estimator where it could be "
            "fitted."
        )
    )
    return blocks + (content.figure(content.key_figure) if content.key_figure else [])
