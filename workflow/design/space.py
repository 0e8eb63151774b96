"""Where the settings of a design lie: the factors that it chooses, and values that can be run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.fit.coding import Coding
from analysis.fit.terms import INTERCEPT, Column, columns_of
from analysis.runs.formula import HIGHEST, model_terms
from analysis.runs.settings import Settings
from analysis.variables import Factor
from common.errors import UserError
from common.hyperparameters import HYPERPARAMETERS, LOOKS_AHEAD

Setting = dict[str, Any]  # factor to value
DIGITS = 3  # significant ones of a value between the ends of a range, so that it can be typed
FINEST = 9  # values between -1 and 1 that a search tries of a factor with a range


@dataclass(frozen=True)
class Axis:
    """A factor that the design chooses: coded -1 to 1 on its scale.

    ``levels`` are the only values it may have, None where any in the range may be run.
    """

    coding: Coding
    levels: tuple[Any, ...] | None

    @property
    def name(self) -> str:
        return self.coding.name

    @property
    def numeric(self) -> bool:
        return self.coding.factor.numeric

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any]) -> Axis:
        """``options``: the factor's section of the configuration."""
        scale = options["scale"]
        if scale == "categorical":
            levels = tuple(options["levels"])
            return cls(Coding(Factor(name, scale), levels), levels)
        given = options.get("levels")
        ends = options["range"] if given is None else (min(given), max(given))
        factor = Factor(name, scale, (float(ends[0]), float(ends[1])))
        unit = Coding(factor, tuple(ends))
        low, high = unit.code(ends)[:, 0]  # transformed, as nothing is centred yet
        coding = Coding(factor, tuple(ends), float(low + high) / 2, float(high - low) / 2)
        return cls(coding, None if given is None else tuple(given))

    def value(self, coded: float) -> Any:
        """The value that can be run next to a coded one of a number: a level, or one in the range,
        whole where it has to be, the ends exactly."""
        if self.levels is not None:
            distances = np.abs(self.coding.code(self.levels)[:, 0] - coded)
            return self.levels[int(distances.argmin())]
        low, high = self.coding.limits
        exact = float(self.coding.decode(coded))
        if HYPERPARAMETERS[self.name].kind is int:
            return min(max(round(exact), low), high)
        if abs(coded) == 1:
            return float(high if coded > 0 else low)
        return min(max(float(f"{exact:.{DIGITS}g}"), float(low)), float(high))

    def values(self, coded: Iterable[float], kind: str) -> list[Any]:
        """The values of so many coded ones, which have to be as many.

        Raises UserError where two of them would be the same, or the factor is no number.
        """
        coded = list(coded)
        if not self.numeric:
            raise UserError(
                f"factors.{self.name}: a design of kind {kind} needs numbers, and this factor is "
                "categorical. Fix it under training, or use design: full or optimal."
            )
        values = [self.value(each) for each in coded]
        if len(set(values)) < len(coded):
            given = f"range {list(self.coding.limits)}" if self.levels is None else "its levels"
            raise UserError(
                f"factors.{self.name}: a design of kind {kind} needs {len(coded)} different values "
                f"of it, and {given} {'gives' if self.levels is None else 'give'} "
                f"{len(set(values))}. Give {'a wider range' if self.levels is None else 'a range'}"
                ", or use design: optimal."
            )
        return values

    def share(self, position: float) -> Any:
        """The value at a share from 0 to 1 of the factor; levels have equal shares."""
        if self.levels is not None:
            return self.levels[min(int(position * len(self.levels)), len(self.levels) - 1)]
        return self.value(2 * position - 1)

    @property
    def tried(self) -> tuple[Any, ...]:
        """The values among which a search chooses."""
        if self.levels is not None:
            return self.levels
        return tuple(dict.fromkeys(self.value(each) for each in np.linspace(-1, 1, FINEST)))


@dataclass(frozen=True)
class Space:
    """What a design chooses from, of a checked configuration.

    axes: of the factors that it chooses; delivered: that of epochs where every run passes through
    all its levels, so that nothing is to be chosen.
    """

    axes: tuple[Axis, ...]
    delivered: Axis | None
    config: Mapping[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Space:
        """Of a checked configuration."""
        axes = {name: Axis.of(name, each) for name, each in config["factors"].items()}
        delivered = axes.pop("epochs", None) if delivers_epochs(config) else None
        return cls(tuple(axes.values()), delivered, config)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the model that the analysis is asked for, the intercept first."""
        settings = Settings.from_config(self.config)
        return (INTERCEPT, *columns_of(model_terms(settings), self.codings))

    @property
    def model(self) -> str:
        """What is asked of the analysis, in a few words."""
        analysis = self.config["analysis"]
        if analysis.get("formula") is not None:
            return "analysis.formula"
        degree = analysis.get("degree") or HIGHEST
        return f"the polynomial of degree {degree} in {', '.join(self.config['factors'])}"

    @property
    def codings(self) -> tuple[Coding, ...]:
        """In the configuration's order, also that of delivered epochs."""
        axes = (*self.axes, *((self.delivered,) if self.delivered else ()))
        found = {axis.name: axis.coding for axis in axes}
        return tuple(found[name] for name in self.config["factors"])

    def settings(self, coded: NDArray[np.floating[Any]], kind: str) -> list[Setting]:
        """The settings of coded points (n, number of axes), whose values of a factor stay apart.

        Of a category only -1 and 1, its two levels. Raises UserError as `Axis.values`.
        """
        columns = []
        for axis, column in zip(self.axes, coded.T, strict=True):
            different = np.unique(column)
            if not axis.numeric and set(different) <= {-1.0, 1.0} and len(axis.levels or ()) == 2:
                columns.append([axis.coding.levels[int(each > 0)] for each in column])
                continue
            values = dict(zip(different, axis.values(different, kind), strict=True))
            columns.append([values[each] for each in column])
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def spread(self, shares: NDArray[np.floating[Any]]) -> list[Setting]:
        """The settings at shares (n, number of axes) from 0 to 1 of each factor."""
        return [
            {axis.name: axis.share(float(s)) for axis, s in zip(self.axes, row, strict=True)}
            for row in shares
        ]

    def centre(self, count: int, kind: str) -> list[Setting]:
        """So many settings at the middle of every factor."""
        if count == 0:
            return []
        middle = {axis.name: axis.values([-1.0, 0.0, 1.0], kind)[1] for axis in self.axes}
        return [middle] * count


def delivers_epochs(config: Mapping[str, Any]) -> bool:
    """Whether a run passes through every level of epochs, so that a design does not choose them."""
    factors = config["factors"]
    schedules: Sequence[str] = (
        factors["schedule"]["levels"] if "schedule" in factors else [config["training"]["schedule"]]
    )
    return config["share_epochs"] and not set(schedules) <= set(LOOKS_AHEAD)
