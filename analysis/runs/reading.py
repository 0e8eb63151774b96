"""Files into tables and records, with one message for what cannot be read."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.runs.settings import Settings
from analysis.runs.values import numbers
from common.errors import UserError
from common.hyperparameters import METHODS
from common.messages import one_line, shown

KINDS: dict[type, str] = {
    dict: "a mapping of keys to values",
    list: "a list",
    str: "a text or a number",
}
# What the report reads of provenance.json, "*" being any key; "" is a text or a number.
PROVENANCE = {
    "study": "",
    "source": {"licence": {"*": ""}, "labels": [""], "drawn_from": {"*": {"*": ""}}},
    "design": {
        "padded_lengths": [""],
        "fixed": {"*": ""},
        "sets": [{"labels": {"*": {"*": ""}}}],
    },
    "baseline": {"hyperparameters": {"*": ""}},
    "machine": {"*": ""},
    "computed_with": [{"versions": {"*": ""}}],
    "seeds": {"*": {"*": ""}},
    "settings": {},
}

# The columns that say how copies of training texts were made.
COPYING = (*METHODS, "augmented_copies")
AUGMENTATION = (
    *COPYING,
    *("copies_changed", "words_replaced", "words_inserted", "words_deleted", "texts_translated"),
    *("tokens_removed", "tokens_added", "tokens_before", "tokens_after", "baseline_agrees"),
    *("baseline_right_before", "baseline_right_after", "held_out", "used", "seconds"),
)
OF_AUGMENTATION = "says nothing about augmentation"  # the report, without such a file


def csv_table(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """A table of a file; the columns ``texts`` stay as they are written.

    Commas separate the fields, or semicolons or tabs where the header has no comma. Raises
    UserError, naming the file and where it can the line, if it is no table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.readline())
            file.seek(0)
            _check_lines(path, csv.reader(file, strict=True, delimiter=separator), separator)
            file.seek(0)
            return pd.read_csv(
                file,
                sep=separator,
                low_memory=False,
                index_col=False,
                dtype=dict.fromkeys(texts, str),
                # a factor may have a level called None or NA, so only these are empty
                keep_default_na=False,
                na_values=["", "nan", "NaN"],
            )
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text.") from None
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV table ({one_line(error)}).") from None


def as_written(settings: Settings) -> list[str]:
    """The table's columns that stay texts: categories, blocks and names of trajectories."""
    names = [factor.name for factor in settings.factors if not factor.numeric]
    names += [*(settings.blocks or ()), "trajectory"]
    named = [settings.columns.get(name, name) for name in names]
    return [name for name in named if isinstance(name, str)]


def _separator(header: str) -> str:
    return next((each for each in ",;\t" if each in header), ",")


def _check_lines(path: Path, lines: Any, separator: str) -> None:
    """Refuses repeated columns and lines of another length, which pandas would make fit."""
    filled = (line for line in lines if "".join(line).strip())
    header: list[str] = next(filled, [])
    repeated = [name for name, count in Counter(header).items() if name and count > 1]
    if repeated:
        raise UserError(f"{path}: there are two columns {shown(repeated[0])}; rename one of them.")
    named = {",": "commas", ";": "semicolons", "\t": "tabs"}[separator]
    for line in filled:
        if len(line) != len(header):
            raise UserError(
                f"{path}, line {lines.line_num}: {len(line)} fields, but the header has "
                f"{len(header)}; {named} separate them, so a text with one needs quotation marks."
            )


def histories(path: Path, settings: Settings) -> pd.DataFrame:
    """The losses and metrics along training (architecture: histories.csv); empty without a file.

    Raises UserError if it lacks a column that the learning curves need, or a number in one.
    """
    if not path.exists():
        return pd.DataFrame()
    needed = ("trajectory", "epoch", "training_loss")
    table = _with_columns(path, needed, "has no learning curves", texts=["trajectory"])
    # the last loss of a diverged run may be infinite, which no curve shows
    table["training_loss"] = table["training_loss"].replace([np.inf, -np.inf], np.nan)
    return _with_numbers(table, (*needed[1:], *settings.metric_names), path)


def augmentation(path: Path) -> pd.DataFrame:
    """What was changed in copies of training texts; empty without a file.

    Raises UserError if it lacks a column that the report needs, or a number in one.
    """
    if not path.exists():
        return pd.DataFrame()
    return _with_numbers(_with_columns(path, AUGMENTATION, OF_AUGMENTATION), AUGMENTATION, path)


def augmentation_examples(path: Path) -> pd.DataFrame:
    """Texts and their copies; empty without a file. Raises UserError if it lacks a column."""
    if not path.exists():
        return pd.DataFrame()
    return _with_columns(path, (*COPYING, "label", "text", "copy"), OF_AUGMENTATION)


def _with_columns(
    path: Path, needed: Sequence[str], without: str, texts: Sequence[str] = ()
) -> pd.DataFrame:
    """A table that lies beside the runs. without: what the report does if it is moved away."""
    table = csv_table(path, texts)
    missing = [name for name in needed if name not in table]
    if missing:
        raise UserError(
            f"{path}: there is no column {missing[0]}; write it, or move the file from beside the "
            f"runs, and the report {without}."
        )
    return table


def _with_numbers(table: pd.DataFrame, names: Iterable[str], path: Path) -> pd.DataFrame:
    """Those of the columns that the table of this file has, as numbers."""
    for name in names:
        if name in table:
            try:
                table[name] = numbers(table, name).astype(float)
            except UserError as error:
                raise UserError(f"{path}: {error}") from None
    return table


def provenance(path: Path) -> Mapping[str, Any]:
    """What the runs were made with; empty without a file. Raises UserError if it is damaged."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # what JSON in Python holds beyond the standard: NaN, halves of characters
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({one_line(error)}).") from None
    _check_shape(content, PROVENANCE, str(path))
    return content


def _check_shape(value: Any, shape: Any, where: str) -> None:
    if _kind(value) is not _kind(shape):
        raise UserError(f"{where}: not {KINDS[_kind(shape)]}.")
    if isinstance(shape, list):
        for number, item in enumerate(value, start=1):
            _check_shape(item, shape[0], f"{where}, item {number}")
    elif isinstance(shape, dict):
        for key, item in value.items():
            inner = shape.get(key, shape.get("*"))
            if inner is not None:
                _check_shape(item, inner, f"{where}, {shown(key)}")


def _kind(value: Any) -> type:
    return type(value) if isinstance(value, dict | list) else str
