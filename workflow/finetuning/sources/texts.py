"""A data set's rows as the study's texts: columns checked, labels matched with the checkpoint's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from common.errors import UserError
from common.messages import nearest, shown

# Label names that say nothing but their number.
NAMELESS = re.compile(r"(label_)?-?\d+", re.IGNORECASE)


class Columns(Protocol):
    """The names of the columns that are read; group_column None: no text has a group."""

    @property
    def text_column(self) -> str: ...

    @property
    def label_column(self) -> str: ...

    @property
    def group_column(self) -> str | None: ...


def as_texts(
    rows: pd.DataFrame, columns: Columns, labels: Sequence[str], where: str
) -> pd.DataFrame:
    """The columns text, label and group of a data set's rows, checked."""
    text = rows[_column(rows, columns, "text_column", where)]
    names = rows.attrs.get("class_names", {}).get(columns.label_column)
    label = rows[_column(rows, columns, "label_column", where)]
    _refuse(~text.map(lambda value: isinstance(value, str)), text, "text_column", "no text", where)
    text = text.astype(str).str.strip()
    _refuse(text == "", text, "text_column", "an empty text", where)
    missing = label.isna() | (label.astype(str).str.strip() == "")
    _refuse(missing, label, "label_column", "no label", where)
    found = pd.DataFrame({"text": text, "label": _numbers(label, names, labels, where)})
    if columns.group_column is None:
        return found.assign(group="")
    group = rows[_column(rows, columns, "group_column", where)]
    # What only looks different is one group: a copy of it would leak from one set into the other.
    names = group.astype(str).str.normalize("NFC").str.strip()
    _refuse(group.isna() | (names == ""), group, "group_column", "no group", where)
    return found.assign(group=names)


def match_labels(names: Sequence[str], labels: Sequence[str]) -> list[int] | None:
    """The checkpoint's label number for each of a data set's label names, or None.

    Names match if they are equal but for case, or, where each has exactly one such partner, if one
    begins with the other (neg and NEGATIVE).
    """
    theirs = [name.strip().casefold() for name in names]
    known = [label.strip().casefold() for label in labels]
    for matches in (str.__eq__, lambda a, b: bool(a) and (a.startswith(b) or b.startswith(a))):
        found = [
            [number for number, label in enumerate(known) if matches(name, label)]
            for name in theirs
        ]
        numbers = [options[0] for options in found if len(options) == 1]
        if len(numbers) == len(theirs) == len(set(numbers)):
            return numbers
    return None


def _column(rows: pd.DataFrame, columns: Columns, key: str, where: str) -> str:
    name = getattr(columns, key)
    if name not in rows.columns:
        raise UserError(f"hub.{key}: {where} has no column {name!r}; {nearest(name, rows.columns)}")
    return name


def _refuse(bad: pd.Series, values: pd.Series, key: str, what: str, where: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise UserError(
            f"hub.{key}: {where}, row {rows[0] + 1} has {what} "
            f"({shown(values.iloc[rows[0]])}), as have "
            f"{len(rows)} of {len(values)} rows. Remove them from the data set."
        )


def _short(name: str) -> str:
    """A label as a message can show it, even where the column holds whole texts."""
    return " ".join(name.split())[:40]


def _numbers(
    label: pd.Series, names: Sequence[str] | None, labels: Sequence[str], where: str
) -> np.ndarray:
    """The checkpoint's label numbers: by name where names match, else by number.

    `names` are those of a ClassLabel column, whose values are numbers.
    """
    if pd.api.types.is_bool_dtype(label):
        label = label.astype(int)
    values = label.astype(str).str.strip()
    theirs = list(names) if names else sorted(values.unique())
    matched = match_labels(theirs, labels)
    by_number = {str(number): number for number in range(len(labels))}
    if matched is None:
        # Numbers mean the same only where one side has no names that could contradict it.
        nameless = all(map(NAMELESS.fullmatch, theirs)) or all(map(NAMELESS.fullmatch, labels))
        known = by_number if nameless else {}
    elif names:
        known = {str(number): ours for number, ours in enumerate(matched)}
    else:
        known = dict(zip(theirs, matched, strict=True))
    unknown = np.flatnonzero(~values.isin(known))
    if len(unknown):
        value = _short(values.iloc[unknown[0]])
        raise UserError(
            f"hub.label_column: {where} has the labels {', '.join(map(_short, theirs[:10]))}"
            f"{', ...' if len(theirs) > 10 else ''} (row {unknown[0] + 1}: {value}), but the "
            f"checkpoint's labels are "
            f"{', '.join(f'{number} {name}' for number, name in enumerate(labels))}. The data "
            "set's labels must be the checkpoint's, as names (in any case) or as numbers"
            + ("; -1 marks texts without a label: choose another split." if value == "-1" else ".")
        )
    return values.map(known).to_numpy(dtype=int)
