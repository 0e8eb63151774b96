"""What every source offers. One file a source implements this, as a module; __init__ lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Unreachable(Exception):
    """A source does not answer; the message says what happened instead."""


@dataclass(frozen=True)
class Preview:
    """What is known of a source before anything large is fetched.

    settings: the checkpoint's config.json; downloads: what has to be fetched, to bytes; tokens: an
    estimate of the texts' lengths, as many numbers of tokens as it takes (none: not known).
    """

    settings: Mapping[str, Any]
    downloads: Mapping[str, int]
    tokens: Sequence[int] = ()


class Source(Protocol):
    """Where a checkpoint and texts come from.

    Settings: a dataclass of the source's section of the configuration, with at least
    padded_lengths, baseline and data. PINNED: the keys of it that say what is pinned, each also a
    key of what `pin` gives; a study in which one changed does not continue. MAKES_BASELINE: whether
    the checkpoint is an encoder that is fine-tuned on the texts of part "baseline" first.
    """

    @property
    def Settings(self) -> type: ...

    @property
    def PINNED(self) -> tuple[str, ...]: ...

    @property
    def MAKES_BASELINE(self) -> bool: ...

    def preview(self, config: Mapping[str, Any]) -> Preview:
        """What a plan of the study needs to know of it.

        Raises Unreachable where the source does not answer, UserError where it does not fit.
        """

    def pin(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What source.json says of it: checkpoint, checkpoint_revision, dataset, dataset_revision
        (None for what has no revisions), sha256 (file to hexadecimal), licence and labels.

        Raises Unreachable where the source does not answer, UserError where it does not fit.
        """

    def read_texts(self, source: Mapping[str, Any], config: Mapping[str, Any]) -> pd.DataFrame:
        """All texts of the pinned source, in an order that is always the same.

        Columns text, label (int, the checkpoint's label number), group (text; empty: none) and
        part ("baseline", "study", or "study_training" and "study_evaluation" where the data set
        comes divided). Repeated texts of one label are there once, the first time.

        Raises UserError where something does not fit or changed since the source was pinned.
        """

    def write_checkpoint(self, source: Mapping[str, Any], directory: Path) -> None:
        """Writes the pinned checkpoint as a Hugging Face directory.

        Raises UserError where it cannot be had or changed since the source was pinned.
        """

    def describe(self, source: Mapping[str, Any]) -> str:
        """The pinned source in a sentence."""
