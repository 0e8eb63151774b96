"""Settings of the user's own, from a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from common.errors import UserError
from common.hyperparameters import HYPERPARAMETERS
from common.messages import nearest, plain, shown
from common.sections import needs
from design.space import Axis, Setting, Space


@dataclass(frozen=True)
class Options:
    """file: a CSV with a column for each factor that the design chooses, a row for each setting."""

    file: str = field(metadata=needs("the path of a CSV file", minLength=1))


def settings(space: Space, options: Options) -> list[Setting]:
    """The rows of the file, in its order; a row that is there twice is run twice.

    Raises UserError, naming column or row, for a file that has other columns than the designed
    factors, and for values that are no level or outside the range.
    """
    return read_settings(Path(options.file), space, "design.file")


def read_settings(path: Path, space: Space, key: str) -> list[Setting]:
    """The settings in a CSV; raises UserError that begins with the configuration's ``key``."""
    table = _read(path, key)
    for column in table.columns:
        if column not in space.names:
            raise UserError(
                f"{key}: {plain(str(path))} has a column {shown(column)}, which is no factor that "
                f"the design chooses; {nearest(column, space.names)}"
            )
    return _settings(table, path, space, key)


def read_finished(study: Path, space: Space, key: str) -> list[Setting]:
    """The settings that a finished study (results/STUDY) has run in its first replicate.

    Raises UserError that begins with the configuration's ``key``.
    """
    path = study / "runs.csv"
    table = _read(path, key)
    if not {"trajectory", "replicate"} <= set(table.columns):
        raise UserError(f"{key}: {plain(str(path))} is no table of a study's runs.")
    first = table[table["replicate"] == table["replicate"].iloc[0]]
    return _settings(first.drop_duplicates("trajectory"), path, space, key)


def _read(path: Path, key: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise UserError(f"{key}: {plain(str(path))}: {error.strerror}.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise UserError(f"{key}: {plain(str(path))} is not a CSV file with a header.") from None
    if table.empty:
        raise UserError(f"{key}: {plain(str(path))} has no rows.")
    return table


def _settings(table: pd.DataFrame, path: Path, space: Space, key: str) -> list[Setting]:
    for name in space.names:
        if name not in table.columns:
            raise UserError(f"{key}: {plain(str(path))} has no column {name}. Add it.")
    return [
        {
            axis.name: _value(axis, text, f"{key}: {plain(str(path))}, line {line}, {axis.name}")
            for axis, text in zip(space.axes, row, strict=True)
        }
        for line, *row in table[list(space.names)].set_axis(table.index + 2).itertuples(name=None)
    ]


def _value(axis: Axis, text: str, place: str) -> Any:
    kind = HYPERPARAMETERS[axis.name].kind
    if axis.levels is not None:
        for level in axis.levels:
            if text == str(level) or (axis.numeric and _number(text) == level):
                return level
        raise UserError(f"{place}: {shown(text)} is none of its levels, {list(axis.levels)}.")
    low, high = axis.coding.limits
    number = _number(text)
    if not low <= number <= high:  # nor what is no number
        raise UserError(f"{place}: {shown(text)} is no number from {low!r} to {high!r}, its range.")
    if kind is int and number != round(number):
        raise UserError(f"{place}: {shown(text)} is not a whole number.")
    return kind(number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
