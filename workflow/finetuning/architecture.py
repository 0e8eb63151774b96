"""The sizes of a DistilBERT classifier, and what follows from them before anything is built."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import UserError
from finetuning.sources.local import distilbert_shapes


@dataclass(frozen=True)
class Architecture:
    """dim: hidden size; hidden: feed-forward size; parameters: numbers in all weights."""

    layers: int
    dim: int
    hidden: int
    heads: int
    vocabulary: int
    classes: int
    parameters: int

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Architecture:
        """From the content of a checkpoint's config.json. Raises UserError where it is no such."""
        try:
            classes = len(settings["id2label"])
            return cls(
                settings["n_layers"],
                settings["dim"],
                settings["hidden_dim"],
                settings["n_heads"],
                settings["vocab_size"],
                classes,
                sum(map(math.prod, distilbert_shapes(settings, classes).values())),
            )
        except (KeyError, TypeError) as error:
            raise UserError(
                f"The checkpoint's config.json does not give DistilBERT's sizes ({error})."
            ) from error

    @classmethod
    def read(cls, checkpoint: Path) -> Architecture:
        """Of a checkpoint's folder. Raises FileNotFoundError where there is none yet."""
        return cls.of(json.loads((checkpoint / "config.json").read_text("utf-8")))

    def operations(self, length: float) -> float:
        """Floating-point operations of the matrix products of one text's forward pass.

        length: its tokens, with padding. A training step takes three times as many.
        """
        layer = 2 * (4 * self.dim**2 + 2 * self.dim * self.hidden) + 4 * length * self.dim
        return length * self.layers * layer + 2 * (self.dim**2 + self.dim * self.classes)
