"""The page of runs that can be sorted and filtered."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis import words
from analysis.pages.page import page
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric

LISTED_RUNS = 5000  # as many as fit into an embedded page; the table of runs has them all
CHOICES = 12  # a column of at most so many different values is filtered by choosing one


def runs_page(study: Study, settings: Settings) -> str:
    """A table of every run that a click sorts and that can be filtered by every column."""
    runs = study.runs.head(LISTED_RUNS)
    groups = _groups(runs, settings)
    columns = [column for group in groups.values() for column in group]
    spans = "".join(
        f'<th colspan="{len(group)}">{escape(title)}</th>' for title, group in groups.items()
    )
    names = "".join(
        f'<th{_class(numeric)}><button type="button">{escape(name)}</button></th>'
        for name, numeric, _ in columns
    )
    filters = "".join(
        f"<th>{_filter(name, texts, choose=title == SETTINGS)}</th>"
        for title, group in groups.items()
        for name, _, texts in group
    )
    head = [("spans", spans), ("names", names), ("filters", filters)]
    cells = [
        [f"<td{_class(numeric)}>{escape(text)}</td>" for text in texts]
        for _, numeric, texts in columns
    ]
    note = ""
    if len(study.runs) > len(runs):
        note = (
            f"These are the first {len(runs)} of {len(study.runs)} runs; the table of runs has all."
        )
    return page(
        "runs.html",
        note=note,
        head="\n".join(f'<tr class="{kind}">{row}</tr>' for kind, row in head),
        body="\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True)),
    )


SETTINGS = ""  # the title of the columns that say which run it is


Column = tuple[str, bool, list[str]]  # its name, whether it holds numbers, a text a run


def _groups(runs: pd.DataFrame, settings: Settings) -> dict[str, list[Column]]:
    """The columns under the title of their group, with the digits of the report's appendix."""

    def of_metric(metric: Metric, column: str, label: str, sign: bool) -> Column:
        digits = words.spread_decimals(runs[metric.name], metric)
        values = words.in_unit(runs[column], metric)
        return label, True, [words.fixed(value, digits, sign) for value in values]

    def difference(metric: Metric) -> Column:
        unit = f" ({metric.unit})" if metric.unit else ""
        return of_metric(metric, f"delta_{metric.name}", words.name(metric.name) + unit, True)

    def setting(column: str, scale: str) -> Column:
        return (
            words.name(column),
            scale != "categorical",
            [words.level(v, scale) for v in runs[column]],
        )

    replicates_are_numbers = pd.api.types.is_numeric_dtype(runs["replicate"])
    costs = {
        "seconds": ("seconds", 1),
        "tokens": ("tokens", 0),
        "peak_memory_mb": ("memory (MB)", 0),
    }
    groups = {
        SETTINGS: [
            *(setting(factor.name, factor.scale) for factor in settings.factors),
            setting("replicate", "linear" if replicates_are_numbers else "categorical"),
            ("status", False, [words.name(status) for status in runs["status"]]),
        ],
        "metric": [of_metric(m, m.name, words.axis_label(m), False) for m in settings.metrics],
        "difference to the baseline": [
            difference(metric) for metric in settings.metrics if f"delta_{metric.name}" in runs
        ],
        "cost": [
            (title, True, [words.fixed(value, digits) for value in runs[column]])
            for column, (title, digits) in costs.items()
            if column in runs and column not in settings.metric_names
        ],
    }
    return {title: group for title, group in groups.items() if group}


def _class(numeric: bool) -> str:
    return "" if numeric else ' class="text"'


def _filter(name: str, texts: list[str], choose: bool) -> str:
    """A field for a condition, or a choice among the column's values unless they are many."""
    label = f'aria-label="filter by {escape(name)}"'
    values = list(dict.fromkeys(texts))
    if not choose or len(values) > CHOICES:
        return f"<input {label}/>"
    options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in values)
    return f'<select {label}><option value="">all</option>{options}</select>'
