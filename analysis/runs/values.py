"""What the texts of a column mean: numbers in any usual notation, durations, names of levels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from analysis.runs.settings import LARGEST
from common.errors import UserError
from common.messages import shown

BLANK = "(blank)"  # the level of a category that is an empty field in the table
LONGEST_LEVEL = 64

_GROUPED = {  # digits in groups of three
    ",": re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"),
    ".": re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"),
}
_ONE_GROUP = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")  # 16,000: sixteen thousand, or sixteen
_COMMA_DECIMAL = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_POINT_DECIMAL = re.compile(r"[-+]?\d*\.\d+")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def numbers(runs: pd.DataFrame, name: str, *, duration: bool = False) -> pd.Series:
    """The column as finite numbers, as `any_numbers`; raises where there is an infinite value."""
    values = any_numbers(runs, name, duration=duration)
    infinite = np.isinf(values.astype(float))
    if infinite.any():
        raise UserError(f"Column {name}, {row_of(infinite)}: an infinite value.")
    return values


def any_numbers(runs: pd.DataFrame, name: str, *, duration: bool = False) -> pd.Series:
    """The column as numbers, infinite ones among them; empty fields stay empty.

    Read are thousands with separators, decimal commas, percentages (``93.4%``, as 93.4) and, where
    a ``duration`` may stand, times (``7.6s``, ``1:02:03``, ``0 days 00:00:24``, ISO 8601), as
    seconds. Raises UserError where there is other text, or where it could mean two numbers.
    """
    try:
        values = pd.to_numeric(runs[name], errors="coerce")
    except OverflowError:
        beyond = runs[name].astype(str).str.fullmatch(r"\s*[+-]?\d{309,}\s*")
        raise UserError(
            f"Column {name}, {row_of(beyond)}: a number of so many digits cannot be calculated "
            "with."
        ) from None
    text = values.isna() & runs[name].notna()
    if text.any():
        values = values.astype(float)
        values[text] = _from_texts(runs, name, text, duration)
    values = values.astype(float) if values.dtype == object or values.dtype == bool else values
    finite = values[np.isfinite(values.astype(float))]
    beyond = (finite.abs() > LARGEST) | ((finite != 0) & (finite.abs() < 1 / LARGEST))
    if beyond.any():
        raise UserError(
            f"Column {name}, {row_of(beyond)}: {finite[beyond].iloc[0]} cannot be calculated with; "
            f"a size from {1 / LARGEST:g} to {LARGEST:g}, or 0, is needed."
        )
    return values


def _from_texts(runs: pd.DataFrame, name: str, text: pd.Series, duration: bool) -> pd.Series:
    """Numbers of those fields of a column that are not written as Python writes numbers."""
    texts = runs.loc[text, name].astype(str).str.strip()
    if duration:
        seconds = pd.to_timedelta(texts, errors="coerce").dt.total_seconds()
        if seconds.notna().all():
            return seconds
    plain = texts.str.removesuffix("%").str.rstrip()
    mark = _decimal_mark(runs)
    if plain.map(lambda each: bool(_ONE_GROUP.fullmatch(each))).any() and mark is None:
        wrong = text & runs[name].astype(str).str.contains(",", regex=False)
        raise UserError(
            f"Column {name}, {row_of(wrong)}: {shown(texts.iloc[0])} can be thousands or a decimal "
            "comma; write it without the comma, or with a point."
        )
    converted = pd.to_numeric(plain.map(lambda each: _pointed(each, mark)), errors="coerce")
    wrong = converted.isna()
    if wrong.any():
        value = texts[wrong].iloc[0]
        hint = ""
        if duration:
            hint = " Write seconds, or times such as 7.6s, 1:02:03 and PT1M30S."
        elif re.match(r"[\d.]+ ?(s|sec|min|h|ms|days?)\b|\d+:\d\d", value):
            hint = " If it is a duration, give the metric the unit s."
        elif "," in value:
            hint = " Write it with a decimal point and without separators."
        raise UserError(
            f"Column {name}, {row_of(wrong)}: {shown(runs.loc[wrong[wrong].index[0], name])} is "
            f"not a number.{hint}"
        )
    return converted


def _pointed(text: str, mark: str | None) -> str:
    """The number with a decimal point and without separators."""
    if mark != "," and _GROUPED[","].fullmatch(text):
        return text.replace(",", "")
    if _GROUPED["."].fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if _COMMA_DECIMAL.fullmatch(text):
        return text.replace(",", ".")
    return text


def _decimal_mark(runs: pd.DataFrame) -> str | None:
    """The decimal mark that the table's numbers show; None where it shows none, or both."""
    marks = set()
    for name in runs:
        column = runs[name]
        if pd.api.types.is_float_dtype(column):
            if any("." in repr(v) and not v.is_integer() for v in column.dropna().tolist()):
                marks.add(".")
        elif column.dtype == object or pd.api.types.is_string_dtype(column):
            for text in column.dropna().astype(str).unique():
                text = text.strip().removesuffix("%").rstrip()
                if _POINT_DECIMAL.fullmatch(text) and not _GROUPED["."].fullmatch(text):
                    marks.add(".")
                elif _COMMA_DECIMAL.fullmatch(text) and not _ONE_GROUP.fullmatch(text):
                    marks.add(",")
    return marks.pop() if len(marks) == 1 else None


def levels(column: pd.Series) -> pd.Series:
    """The column's values as texts that name levels; empty fields stay empty.

    Texts that are one number (2 and 2.0) become one level. What cannot be printed is written as an
    escape, and of a very long text the middle is left out.
    """
    texts = column.dropna().map(str)
    by_number: dict[float, str] = {}
    names: dict[str, str] = {}
    for text in sorted(texts.unique(), key=lambda each: (len(each), each)):
        name = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
        if is_number(text):
            name = by_number.setdefault(float(text), name)
        names[text] = _shortened(name, names.values())
    return texts.map(names).reindex(column.index)


def natural_order(levels: Iterable[Any]) -> tuple[Any, ...]:
    """Levels sorted: numbers by size, then texts, in which digits count as numbers (a2, a10)."""
    return tuple(sorted(levels, key=_natural))


def _natural(level: Any) -> tuple[Any, ...]:
    text = str(level)
    if _NUMBER.fullmatch(text):
        return (0, float(text), text)
    parts = re.split(r"(\d+)", text)
    return (1, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], text)


def is_number(text: str) -> bool:
    """Whether it is written as a number; with a zero in front (007) it is a name."""
    return re.fullmatch(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)", text, re.ASCII) is not None


def _shortened(name: str, taken: Iterable[str]) -> str:
    if len(name) <= LONGEST_LEVEL:
        return name
    short = f"{name[:40]}…{name[-20:]}"
    number = 2
    while short in taken:
        short = f"{name[:40]}…{name[-16:]} ({number})"
        number += 1
    return short


def row_of(flags: pd.Series | np.ndarray) -> str:
    """Where the first True is, for a message; of a Series by its label."""
    first = int(np.argmax(np.asarray(flags)))
    if isinstance(flags, pd.Series):
        first = int(flags.index[first])
    return f"row {first + 1} (line {first + 2} of the file)"
