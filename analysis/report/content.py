"""What the sections draw from: tables, findings and figures, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from analysis import words
from analysis.fit.terms import Column, columns_by_name
from analysis.report import block
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric

Tables = dict[str, pd.DataFrame]


class Content:
    """The study as the report sees it; every section is a function of it."""

    def __init__(
        self, tables: Tables, study: Study, settings: Settings, drawn: pd.DataFrame
    ) -> None:
        self.tables, self.study, self.settings, self.drawn = tables, study, settings, drawn
        self.findings = tables["findings"]
        self.percent = f"{100 * (1 - settings.alpha):g} %"
        self.first_page_done = False
        self._placed: set[str] = set()

    def rows(self, table: str, **where: Any) -> pd.DataFrame:
        """Rows of a table with these values; empty if there is no such table."""
        rows = self.tables.get(table, pd.DataFrame())
        for column, value in where.items():
            if column in rows:
                rows = rows[rows[column] == value]
        return rows

    def found(self, **where: Any) -> list[str]:
        """The sentences of the findings with these values, one or a tuple of them."""
        return list(self._findings(where)["sentence"])

    def sentences(self, **where: Any) -> list[block.Block]:
        """The same as marked sentences; nothing if there are none."""
        items = [
            {"text": block.unbroken(row["sentence"]), "significant": bool(row["significant"])}
            for row in self._findings(where).to_dict("records")
        ]
        return [{"type": "sentences", "items": items}] if items else []

    def _findings(self, where: Mapping[str, Any]) -> pd.DataFrame:
        rows = self.findings
        for column, value in where.items():
            rows = rows[rows[column].isin(value if isinstance(value, tuple) else (value,))]
        return rows

    def figure(self, name: str) -> list[block.Block]:
        """The figure, or the sentence why there is none or where it already was."""
        self._placed.add(name)
        if name == self.key_figure and self.first_page_done:
            return [
                block.paragraph(f"{self.drawn.loc[name, 'title']}: Figure 1, on the first page.")
            ]
        if name not in self.drawn.index:
            return [block.missing(f"The figure “{words.name(name)}” was not drawn.")]
        row = self.drawn.loc[name]
        if row["left_out"]:
            return [block.missing(f"Left out: {row['title']}. {row['left_out']}")]
        caption = f"{row['title']}. {row['caption']}"
        return [{"type": "figure", "file": f"{name}.svg", "caption": caption, "alt": caption}]

    def figures(self, kind: str) -> list[block.Block]:
        """The figures of a kind, one a metric; what lacks for the same reason in one sentence."""
        blocks: list[block.Block] = []
        lacking: dict[tuple[str, str], list[str]] = {}
        for metric in self.settings.metrics:
            name = f"{kind}_{metric.name}"
            row = self.drawn.loc[name] if name in self.drawn.index else {"left_out": ""}
            if row["left_out"]:
                self._placed.add(name)
                alike = lacking.setdefault((row["kind"], row["left_out"]), [])
                alike.append(words.name(metric.name))
            else:
                blocks += self.figure(name)
        return blocks + [
            block.missing(f"Left out: {title}: {words.listed(names)}. {reason}")
            for (title, reason), names in lacking.items()
        ]

    def further_figures(self) -> list[block.Block]:
        """The figures that no section has placed so far."""
        return [
            each
            for name in self.drawn.index
            if name not in self._placed
            for each in self.figure(name)
        ]

    @cached_property
    def _columns(self) -> dict[str, Column]:
        return columns_by_name(self.study, self.settings)

    def term(self, name: str) -> str:
        """A term of the tables as a reader would write it: ``batch size × epochs``."""
        return words.term(self._columns[name].parts)

    def setting(self, row: Mapping[str, Any]) -> list[str]:
        """The factors' values of a row, one text each."""
        return [words.level(row[f.name], f.scale) for f in self.settings.factors]

    def factor_columns(self) -> list[dict[str, Any]]:
        return [
            block.column(words.name(f.name), "right" if f.numeric else "left")
            for f in self.settings.factors
        ]

    @staticmethod
    def value(number: float, metric: Metric, digits: int, sign: bool = False) -> str:
        """A number of a table's column, with the digits of the column, so that points align."""
        return words.fixed(words.in_unit(number, metric), digits, sign)

    @property
    def key_figure(self) -> str:
        """The figure of the first page: the first of these that was drawn."""
        first = self.settings.metrics[0].name
        wanted = (f"differences_{first}", "tradeoff", f"effects_{first}")
        kept = [n for n in wanted if n in self.drawn.index and not self.drawn.loc[n, "left_out"]]
        return kept[0] if kept else ""
