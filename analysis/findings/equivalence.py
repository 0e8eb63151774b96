"""What was shown to make no difference that counts."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import words
from analysis.findings.finding import Finding, Tables, rounded, rows_of
from analysis.questions.power import POWER
from analysis.runs.settings import Settings


def about_equivalence(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """One finding for each factor and metric with a margin."""
    for row in rows_of(tables, "equivalence").to_dict("records"):
        metric = settings.metric(row["metric"])
        shown = bool(row["equivalent"])
        same = (
            f"{words.name(metric.name)} is the same at all levels of {words.name(row['factor'])} "
            f"to within {rounded(row['margin'], metric)}, on average over the settings that were "
            "run"
        )
        sizes = (
            f"largest difference {rounded(abs(row['difference']), metric)}, "
            f"{words.p_value(row['p_value'], 'p')}, {words.p_value(row['q_value'], 'q')}"
        )
        sentence = f"{words.sentence_case(same)} ({sizes})."
        if not shown:
            sentence = (
                f"It is not shown that {same} ({sizes}). If there were no difference at all, a "
                f"study like this one would show it {words.times(POWER)} for a margin of "
                f"{rounded(row['provable_margin'], metric)}."
            )
        yield Finding(
            "equivalence",
            metric.name,
            "equivalent" if shown else "not_equivalent",
            shown,
            sentence,
            about=row["factor"],
            estimate=row["difference"],
        )
