"""What is varied, and what is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.transforms import LOGARITHM, OWN, Scale, log_odds

SCALES = ("log10", "log2", "linear", "categorical")
TRANSFORMS = ("logit", "log")


@dataclass(frozen=True)
class Factor:
    """One varied hyperparameter."""

    name: str
    scale: str = "linear"
    # the natural values coded -1 and 1; None: the lowest and the highest in the table
    range: tuple[float, float] | None = None
    # the factor and its levels under which this one exists, where its values are empty elsewhere
    within: tuple[str, tuple[str, ...]] | None = None

    @property
    def numeric(self) -> bool:
        return self.scale != "categorical"


@dataclass(frozen=True)
class Metric:
    """One measured outcome. ``bounds`` are the lowest and the highest value that can exist.

    ``transform`` is the scale of the main analysis: "logit" of a proportion, "log", or None for the
    metric's own.
    """

    name: str
    better: str  # "higher" or "lower"
    unit: str = ""  # "points": a proportion, shown times 100
    bounds: tuple[float, float] = (-math.inf, math.inf)
    transform: str | None = None

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.better == "higher" else -1

    @property
    def scale(self) -> Scale:
        """The scale of its main analysis."""
        if self.transform == "logit":
            return log_odds(*self.bounds)
        return LOGARITHM if self.transform == "log" else OWN

    @property
    def on_scale(self) -> Metric:
        """What is analysed in its place: itself, or its transform, in the unit of that scale."""
        if self.scale.unit is None:
            return self
        return Metric(self.name, self.better, self.scale.unit)
