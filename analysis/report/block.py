"""The blocks a section is made of, as ``report.typ`` lays them out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from analysis import words
from analysis.variables import Metric

Block = dict[str, Any]


def paragraph(text: str) -> Block:
    return {"type": "paragraph", "text": unbroken(text)}


def unbroken(text: str) -> str:
    """No line ends between a number and its unit, or within ``p < 0.001``."""
    text = re.sub(r"(\d) (%|points|nats|epochs?\b)", "\\1\u00a0\\2", text)
    return re.sub(r"\b([pq]) ([<=≥]) (\d)", "\\1\u00a0\\2\u00a0\\3", text)


def missing(text: str) -> Block:
    return {"type": "missing", "text": text}


def heading(text: str, level: int = 2) -> Block:
    return {"type": "heading", "text": words.sentence_case(text), "level": level}


def labelled(label: str, sentences: Iterable[str]) -> Block:
    """Sentences beside their label, for the first page."""
    return {
        "type": "labelled",
        "label": label,
        "sentences": [unbroken(sentence) for sentence in sentences],
    }


def facts(rows: Iterable[tuple[str, str]]) -> Block:
    return {"type": "facts", "rows": [[key, value] for key, value in rows if value]}


def column(title: str, align: str = "right", **options: Any) -> dict[str, Any]:
    return {"title": title, "align": align, **options}


def table(
    caption: str, columns: list[dict[str, Any]], rows: list[list[Any]], **options: Any
) -> Block:
    return {"type": "table", "caption": caption, "columns": columns, "rows": rows, **options}


def bold(text: str, bold: bool) -> Any:
    return {"bold": text} if bold else text


def unit(metric: Metric) -> str:
    """``(points)`` after a difference's name."""
    return f" ({metric.unit})" if metric.unit else ""


def plain(value: Any) -> str:
    """A value of the provenance as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return words.level(value)
    return str(value)
