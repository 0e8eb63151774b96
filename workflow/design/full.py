"""The full grid: every combination of the factors' levels."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from design.space import Axis, Setting, Space


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


def settings(space: Space, _: Options) -> Iterator[Setting]:
    """Every combination of the levels of the chosen factors, the last factor changing first."""
    values = [levels(axis) for axis in space.axes]
    for chosen in itertools.product(*values):
        yield dict(zip(space.names, chosen, strict=True))


def levels(axis: Axis) -> tuple[Any, ...]:
    """The factor's levels; the ends and the middle of a range, if there is one."""
    return axis.levels or tuple(dict.fromkeys(axis.value(each) for each in (-1.0, 0.0, 1.0)))
