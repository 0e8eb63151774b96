"""What augmentation did to the training texts, with examples to read."""

from __future__ import annotations

from typing import Any

from analysis import words
from analysis.report import block
from analysis.report.content import Content
from analysis.runs.reading import COPYING
from common.hyperparameters import METHODS

WAY = list(COPYING)
MOST_CHARACTERS = 300  # of an example


def augmentation(content: Content) -> list[block.Block]:
    """Nothing where no run had copies of its training texts."""
    if content.study.augmentation.empty:
        return []
    return [
        block.paragraph(
            "Runs with augmentation were trained on copies of their training texts, changed by "
            "replacing words with synonyms, inserting synonyms, deleting words, or translating "
            "back. Evaluation and validation texts are never changed."
        ),
        *content.sentences(section="augmentation"),
        _changes(content),
        *_examples(content),
    ]


def _changes(content: Content) -> block.Block:
    """What each way of copying changed, on average over the replicates."""
    ways = content.study.augmentation.groupby(WAY, sort=False).mean(numeric_only=True)
    rows = []
    for row in ways.reset_index().to_dict("records"):
        changed = row["words_replaced"] + row["words_inserted"] + row["words_deleted"]
        rows.append(
            [
                _way(row),
                *(_percent(row[name]) for name in ("copies_changed", "texts_translated")),
                _percent(changed),
                *(_percent(row[name]) for name in ("tokens_removed", "tokens_added")),
                *(words.fixed(row[name], 1) for name in ("tokens_before", "tokens_after")),
                *(_percent(row[name]) for name in ("baseline_agrees", "baseline_right_after")),
                words.fixed(row["seconds"], 0),
            ]
        )
    return block.table(
        "What was changed, in percent, on average over the replicates: copies that differ from "
        "their text, texts translated back, words replaced, inserted or deleted, tokens removed "
        "and added; mean tokens of a text and of a copy; copies on which the baseline gives the "
        "label it gives the text, and on which it is right; seconds that copying took.",
        [
            block.column("way of copying", "left"),
            block.column("copies"),
            block.column("translated"),
            block.column("words"),
            block.column("removed"),
            block.column("added"),
            block.column("tokens"),
            block.column("after"),
            block.column("agrees"),
            block.column("right"),
            block.column("s"),
        ],
        rows,
        size=8,
    )


def _examples(content: Content) -> list[block.Block]:
    """The examples of the way of copying that comes last, which has the highest rates."""
    examples = content.study.augmentation_examples
    if examples.empty:
        return []
    last = examples[WAY].iloc[-1]
    shown = examples[(examples[WAY] == last).all(axis=1)]
    rows = [
        [words.shortened(str(row[name]), MOST_CHARACTERS) for name in ("label", "text", "copy")]
        for row in shown.to_dict("records")
    ]
    return [
        block.heading("Examples"),
        block.table(
            f"Texts, drawn by the study's seed, and their copies with {_way(dict(last))}; the "
            "other ways of copying are in augmentation_examples.csv.",
            [
                block.column("label", "left"),
                block.column("text", "left"),
                block.column("copy", "left"),
            ],
            rows,
            size=8,
        ),
    ]


def _way(row: dict[str, Any]) -> str:
    """``synonyms 0.1, deletion 0.3``."""
    parts = [
        f"{words.name(method)} {words.level(row[method])}" for method in METHODS if row[method]
    ]
    if row["augmented_copies"] > 1:
        parts.append(f"{row['augmented_copies']:.0f} copies")
    return ", ".join(parts)


def _percent(share: float) -> str:
    return words.fixed(100 * share, 1)
