"""The training runs that tell most of the model's coefficients, or of its predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.messages import nearest, shown
from common.sections import needs, one_of
from design.exchange import Points, Search, best_design
from design.information import factor_table, moments, whitening
from design.space import Setting, Space
from design.table import read_finished, read_settings

DRAW = 205  # the named integer of these random draws beside the study's seed
MOST_TRAJECTORIES = 200
STARTS = range(3, 41)  # searches from different points: many where one takes little
# Trajectories × axes × coefficients that all searches may have together, by criterion.
WORK = {"D": 200_000, "I": 40_000}


@dataclass(frozen=True)
class Options:
    """trajectories: settings in all. criterion: D, the smallest confidence region of the
    coefficients; I, the smallest mean variance of predictions. variance_ratio: η, between training
    runs as a multiple of that within them; a number by the time that settings are chosen. forbid:
    combinations that cannot be run, each from factors to a value, a list of values, or {at_least:
    x, at_most: y}. augment: a CSV of settings, or the folder of a finished study, whose settings
    are in the design."""

    trajectories: int = field(
        metadata=needs(
            f"a whole number of trajectories from 2 to {MOST_TRAJECTORIES}",
            minimum=2,
            maximum=MOST_TRAJECTORIES,
        )
    )
    criterion: str = field(default="D", metadata=one_of(["D", "I"]))
    variance_ratio: Any = field(
        default=1.0,
        metadata=needs(
            "a number from 0 to 1000, or the path of results/STUDY or of a CSV of runs,",
            anyOf=[{"type": "number", "minimum": 0, "maximum": 1000}, {"type": "string"}],
        ),
    )
    forbid: list = field(
        default_factory=list,
        metadata=needs(
            "a list of mappings from factors to what they may not be together",
            items={"type": "object", "minProperties": 1, "description": "a mapping of factors"},
        ),
    )
    augment: str | None = field(
        default=None, metadata=needs("the path of a CSV file or of results/STUDY")
    )


def settings(space: Space, options: Options) -> list[Setting]:
    """The best design found for the model that the analysis is asked for, the same each time.

    Raises UserError for fewer trajectories than it has coefficients of the designed factors, for
    what `forbid` and `augment` name that is not there, and where nothing is left to be run.
    """
    tried = [axis.tried for axis in space.axes]
    kept = _kept(space, options)
    tried = [
        tuple(dict.fromkeys([*values, *(each[axis.name] for each in kept)]))
        for axis, values in zip(space.axes, tried, strict=True)
    ]
    _refuse_few(space, options, kept)
    search = Search(
        tables=tuple(
            factor_table(space.columns, axis.coding, axis.coding.code(values))
            for axis, values in zip(space.axes, tried, strict=True)
        ),
        cells=_cells(space),
        whitening=whitening(len(_cells(space)), options.variance_ratio),
        moments=moments(space.columns, space.codings) if options.criterion == "I" else None,
        allowed=_allowed(space, options.forbid, tried),
        kept=np.array(
            [[values.index(each[n]) for n, values in zip(space.names, tried, strict=True)]
             for each in kept],
            dtype=np.intp,
        ).reshape(len(kept), len(space.axes)),
    )  # fmt: skip
    work = options.trajectories * len(space.axes) * len(space.columns)
    starts = min(max(WORK[options.criterion] // work, STARTS[0]), STARTS[-1])
    draws = np.random.default_rng([space.config["seed"], DRAW])
    points = best_design(search, options.trajectories, starts, draws)
    return [
        dict(zip(space.names, (v[i] for v, i in zip(tried, point, strict=True)), strict=True))
        for point in points[np.lexsort(points.T[::-1])]
    ]


def _cells(space: Space) -> NDArray[np.floating[Any]]:
    """The table of delivered epochs (cells, p); of one cell where nothing is delivered."""
    if space.delivered is None:
        return np.ones((1, len(space.columns)))
    coding = space.delivered.coding
    return factor_table(space.columns, coding, coding.code(space.delivered.levels or ()))


def _refuse_few(space: Space, options: Options, kept: Sequence[Setting]) -> None:
    of_runs = between_runs(space)
    if options.trajectories < of_runs:
        raise UserError(
            f"design.trajectories: {options.trajectories} were asked for, and the model has "
            f"{of_runs} coefficients that training runs have to tell apart ({space.model}). Ask "
            f"for at least {of_runs}, better {of_runs + max(2, of_runs // 4)}, or set "
            "analysis.degree or analysis.formula to a smaller model."
        )
    if options.trajectories < len(kept):
        raise UserError(
            f"design.trajectories: {options.trajectories} were asked for, and design.augment has "
            f"{len(kept)} settings already. Ask for more than these."
        )


def between_runs(space: Space) -> int:
    """How many columns of the model are without what is delivered within a run."""
    delivered = space.delivered.name if space.delivered else None
    return sum(all(name != delivered for name, _, _ in c.parts) for c in space.columns)


def _kept(space: Space, options: Options) -> list[Setting]:
    if options.augment is None:
        return []
    path = Path(options.augment)
    if path.suffix == ".csv":
        return read_settings(path, space, "design.augment")
    return read_finished(path, space, "design.augment")


def _allowed(
    space: Space, forbid: Sequence[Mapping[str, Any]], tried: Sequence[Sequence[Any]]
) -> Any:
    """Which points are not forbidden. Raises UserError where none is left, or a name is unknown."""
    rules = []
    for number, rule in enumerate(forbid):
        for name in rule:
            if name not in space.names:
                raise UserError(
                    f"design.forbid.{number}: {shown(name)} is no factor that the design chooses; "
                    f"{nearest(name, space.names)}"
                )
        rules.append(
            [
                np.array([name not in rule or _matches(v, rule[name], number) for v in values])
                for name, values in zip(space.names, tried, strict=True)
            ]
        )

    def allowed(points: Points) -> NDArray[np.bool_]:
        result = np.ones(len(points), dtype=bool)
        for rule in rules:
            hit = [of_axis[column] for of_axis, column in zip(rule, points.T, strict=True)]
            result &= ~np.logical_and.reduce(hit)
        return result

    if rules:
        draws = np.random.default_rng(DRAW)
        sample = draws.integers(0, [len(values) for values in tried], size=(20_000, len(tried)))
        if not allowed(sample).any():
            raise UserError(
                "design.forbid: it leaves no combination of the factors that can be run. Take "
                "some of it out."
            )
    return allowed


def _matches(value: Any, condition: Any, number: int) -> bool:
    if isinstance(condition, Mapping):
        bounds: dict[str, Any] = {"at_least": -math.inf, "at_most": math.inf, **condition}
        are_numbers = all(type(each) in (int, float) for each in (value, *bounds.values()))
        if len(bounds) > 2 or not condition or not are_numbers:
            raise UserError(
                f"design.forbid.{number}: {shown(dict(condition))} is not understood; write a "
                "value, a list of values, or for a number {at_least: x}, {at_most: y} or both."
            )
        return bool(bounds["at_least"] <= value <= bounds["at_most"])
    return value in (condition if isinstance(condition, list) else [condition])
