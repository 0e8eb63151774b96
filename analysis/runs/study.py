"""What is analysed: a checked table of runs with what lies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.runs.settings import Settings


@dataclass(frozen=True)
class Note:
    """What could not be told, or not as asked; ``metric`` is empty where it holds for them all."""

    topic: str
    sentence: str
    metric: str = ""

    def __str__(self) -> str:
        return f"{self.metric}: {self.sentence}" if self.metric else self.sentence


@dataclass(frozen=True)
class Study:
    """A checked table of runs with what lies beside it.

    ``runs`` has our column names: the factors, replicate, trajectory, status, every metric,
    baseline_<metric> and delta_<metric> where the baseline was measured, and any further column as
    it came. A diverged or failed run has empty metrics. ``baseline`` holds the baseline's own
    hyperparameters, as far as known; ``notes`` says what the table cannot tell.
    """

    runs: pd.DataFrame
    baseline: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    histories: pd.DataFrame = field(default_factory=pd.DataFrame)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()  # paths of predictions in the table start here

    def response(self, metric: str, framing: str) -> pd.Series:
        """What is regressed, for the runs that have it: the metric, or its difference to the
        baseline's on the same replicate."""
        column = metric if framing == "absolute" else f"delta_{metric}"
        return self.runs[column].dropna()

    def framings(self, metric: str, settings: Settings) -> tuple[str, ...]:
        """The framings in which the metric can be studied."""
        known = all(f.name in self.baseline for f in settings.factors if f.numeric)
        if known and f"delta_{metric}" in self.runs:
            return ("absolute", "relative")
        return ("absolute",)
