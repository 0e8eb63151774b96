"""Where the factors are held that a curve or a surface does not show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.fit.coding import Coding, levels_beside

SHOWN_LEVELS = 5  # a factor with more levels is shown at its lowest, middle and highest


@dataclass(frozen=True)
class Held:
    """Each factor with its natural value, or None where it is averaged over its levels."""

    places: tuple[tuple[str, Any], ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.places if value is not None}

    @property
    def averaged(self) -> list[str]:
        return [name for name, value in self.places if value is None]

    @property
    def label(self) -> str:
        """As in the column ``held`` of the tables: "batch_size=16, schedule averaged"."""
        return ", ".join(_label(name, value) for name, value in self.places)


def _label(name: str, value: Any) -> str:
    if value is None:
        return f"{name} averaged"
    return f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"


def held_at(codings: Sequence[Coding], shown: Collection[str]) -> Held:
    """The factors that are not shown at coded 0, categorical ones averaged over the levels under
    which those that are shown exist."""
    beside = [coding for coding in codings if coding.name in shown]

    def place(coding: Coding) -> Any:
        if coding.factor.numeric:
            return float(coding.decode(0.0))
        levels = levels_beside(coding, beside)
        return levels[0] if len(levels) == 1 else None

    return Held(tuple((each.name, place(each)) for each in codings if each.name not in shown))


def surface_slices(codings: Sequence[Coding], across: str, up: str) -> list[Held]:
    """Where a surface over two factors is drawn: with one factor besides them at each level shown
    of it, with more only where `held_at` has them."""
    others = [coding for coding in codings if coding.name not in (across, up)]
    if len(others) != 1:
        return [held_at(codings, (across, up))]
    (third,) = others
    as_value = float if third.factor.numeric else lambda level: level
    return [Held(((third.name, as_value(level)),)) for level in shown_levels(third)]


def shown_levels(coding: Coding) -> list[Any]:
    levels = list(coding.levels)
    if not coding.factor.numeric or len(levels) <= SHOWN_LEVELS:
        return levels
    return [levels[0], levels[len(levels) // 2], levels[-1]]
