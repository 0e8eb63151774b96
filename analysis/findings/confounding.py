"""What varied together, and what hardly varied, so that nothing can be said of it alone."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import words
from analysis.findings.finding import Finding, Tables, rows_of
from analysis.runs.settings import Settings


def about_confounding(tables: Tables, settings: Settings) -> Iterator[Finding]:
    for row in rows_of(tables, "confounding", together=True).to_dict("records"):
        pair = (row["first"], row["second"])
        names = words.listed([words.name(name) for name in pair])
        degree = (
            "cannot be told apart" if row["correlation"] > 0.9999 else "can hardly be told apart"
        )
        sentence = (
            f"{words.sentence_case(names)} varied together (correlation "
            f"{min(row['correlation'], 0.99):.2f}) and {degree}."
        )
        yield Finding("confounding", "", "together", False, sentence, about=":".join(pair))


def inseparable(tables: Tables, settings: Settings) -> dict[str, str]:
    """By factor, what it cannot be told apart from."""
    found: dict[str, str] = {}
    for row in rows_of(tables, "confounding", together=True).to_dict("records"):
        found.setdefault(row["first"], row["second"])
        found.setdefault(row["second"], row["first"])
    return {name: found[name] for name in settings.factor_names if name in found}
