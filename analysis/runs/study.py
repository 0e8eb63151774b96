"""What is analysed: a checked table of runs with what lies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.runs.formula import Term
from analysis.runs.settings import Settings
from analysis.runs.structure import factors_within


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
    it came. A run that diverged, failed or was pruned has empty metrics. Where replicates are no
    block, ``replicate`` is 0 everywhere and ``run_label`` what the table says of each run.

    ``settings`` are the config's as the table allows them: factors without a contrast are gone,
    ``observational`` is decided. ``terms`` are those of the model, by metric; none as long as the
    config leaves them to the runs and nothing has been chosen. ``determined`` are the metrics that
    are exact functions of the settings, which no regression is for. ``baseline`` holds the
    baseline's own hyperparameters, as far as known; ``notes`` says what the table cannot tell.
    ``augmentation`` says what was changed in copies of training texts, with examples; empty without
    any.
    """

    runs: pd.DataFrame
    settings: Settings = field(default_factory=lambda: Settings((), ()))
    terms: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    determined: frozenset[str] = frozenset()
    baseline: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    histories: pd.DataFrame = field(default_factory=pd.DataFrame)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    augmentation: pd.DataFrame = field(default_factory=pd.DataFrame)
    augmentation_examples: pd.DataFrame = field(default_factory=pd.DataFrame)
    folder: Path = Path()  # paths of predictions in the table start here

    def subplot_factors(self, settings: Settings) -> tuple[str, ...]:
        """The factors that vary within a trajectory."""
        return factors_within(self.runs, settings.factor_names)

    def response(self, metric: str, framing: str) -> pd.Series:
        """What is explained, for the runs that have it: the metric, or its difference to the
        baseline's on the same replicate; not yet on the metric's scale."""
        column = metric if framing == "absolute" else f"delta_{metric}"
        return self.runs[column].dropna()

    def framings(self, metric: str, settings: Settings) -> tuple[str, ...]:
        """The framings in which the metric can be studied.

        A difference to the baseline is in the metric's own unit, so not of one with a transform.
        """
        if settings.metric(metric).transform is not None:
            return ("absolute",)
        known = all(f.name in self.baseline for f in settings.factors if f.numeric)
        if known and f"delta_{metric}" in self.runs:
            return ("absolute", "relative")
        return ("absolute",)
