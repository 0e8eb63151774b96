"""What augmentation did to the training texts: augmentation.csv and augmentation_examples.csv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.hyperparameters import METHODS, Copies
from design.grid import Grid
from finetuning.augmentation.copied import Copied, paths, read_copied
from finetuning.dataset import Examples, read_split
from finetuning.files import read_json, read_table
from study import made_with

EXAMPLES = 10  # texts shown with their copy
EXAMPLES_DRAW = 401  # named integer of the draw of them


@dataclass(frozen=True)
class Augmented:
    """One way of copying the training texts in one replicate.

    texts: of the training set, in its order; table: the copies as `make_copies` has them.
    """

    copies: Copies
    replicate: int
    texts: Sequence[str]
    training: Examples
    table: pd.DataFrame
    copied: Copied
    seconds: float


def read_augmented(
    folder: Path, grid: Grid, config: Mapping[str, Any], source: Mapping[str, Any]
) -> list[Augmented]:
    """Every way of copying in every replicate of results/<study>.

    Raises UserError where a file is damaged or was made with something else.
    """
    if not grid.copies:
        return []
    texts = read_table(folder / "data" / "texts.parquet", made_with.texts(config, source))["text"]
    found = []
    for replicate in range(grid.replicates):
        training = read_split(folder / "data" / f"replicate={replicate}.safetensors").training
        for copies in grid.copies.values():
            files = paths(folder, copies, replicate)
            found.append(
                Augmented(
                    copies,
                    replicate,
                    texts.iloc[training.rows].tolist(),
                    training,
                    read_table(files["texts"], made_with.copies(config, source, copies)),
                    read_copied(files["copies"], made_with.copied(config, source, copies)),
                    read_json(files["timing"])["seconds"],
                )
            )
    return found


def summary(augmented: Sequence[Augmented]) -> pd.DataFrame:
    """What was changed, one row a way of copying and replicate; docs/tables.md has the columns."""
    return pd.DataFrame([_summary(each) for each in augmented])


def examples(augmented: Sequence[Augmented], seed: int, labels: Sequence[str]) -> pd.DataFrame:
    """EXAMPLES texts of the first replicate, the same for all ways of copying, with their copies.

    labels: names of the label numbers.
    """
    rows = []
    for each in augmented:
        if each.replicate == 0:
            draw = np.random.default_rng([seed, EXAMPLES_DRAW])
            shown = draw.permutation(len(each.texts))[:EXAMPLES]
            rows += [
                _setting(each.copies)
                | {
                    "label": labels[each.training.labels[at]],
                    "text": each.texts[at],
                    "copy": each.table["text"].iloc[at],
                    "used": bool(each.copied.usable[at]),
                }
                for at in shown
            ]
    return pd.DataFrame(rows)


def _setting(copies: Copies) -> dict[str, Any]:
    rates = {method: float(getattr(copies, method)) for method in METHODS}
    return rates | {"augmented_copies": copies.number}


def _summary(of: Augmented) -> dict[str, Any]:
    table, copied = of.table, of.copied
    words = table["words"].sum()
    before, after = of.training.lengths.mean(), copied.examples.lengths.mean()
    removed, added = _token_changes(of.training, copied.examples)
    return {
        **_setting(of.copies),
        "replicate": of.replicate,
        "texts": len(of.texts),
        "copies": len(table),
        "copies_changed": np.mean(table["text"].to_numpy() != np.tile(of.texts, of.copies.number)),
        "words_replaced": table["replaced"].sum() / words,
        "words_inserted": table["inserted"].sum() / words,
        "words_deleted": table["deleted"].sum() / words,
        "texts_translated": table["translated"].mean(),
        "tokens_removed": removed,
        "tokens_added": added,
        "tokens_before": before,
        "tokens_after": after,
        "baseline_agrees": copied.agrees.mean(),
        "baseline_right_before": copied.right.mean(),
        "baseline_right_after": copied.copy_right.mean(),
        "held_out": int(table["held_out"].sum()),
        "used": copied.usable.mean(),
        "seconds": of.seconds,
    }


def _token_changes(texts: Examples, copies: Examples) -> tuple[float, float]:
    """Tokens of the texts that their copies lack, and tokens that these have besides, as shares of
    the texts' tokens; a token counts as often as it is there.
    """
    removed = added = total = 0
    for at in range(len(copies)):
        text, copy = (Counter(each.tolist()) for each in (texts.of(at % len(texts)), copies.of(at)))
        removed += (text - copy).total()
        added += (copy - text).total()
        total += text.total()
    return removed / total, added / total
