"""Where variation comes from, importance, power and calibration."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import words
from analysis.findings.finding import rounded
from analysis.questions.power import POWER
from analysis.report import block
from analysis.report.content import Content


def variability(content: Content) -> list[block.Block]:
    blocks = content.sentences(section="variability")
    blocks += content.figure("variance_components")
    blocks += content.figure("importance")
    blocks.append(block.heading("Power"))
    blocks += _power(content)
    blocks += content.figure("power")
    blocks += _equivalence(content)
    blocks += content.figure("reliability")
    return blocks


def _power(content: Content) -> list[block.Block]:
    table = content.rows("power")
    if table.empty:
        return []
    metrics = [m for m in content.settings.metrics if m.name in set(table["metric"])]
    by_metric = {m.name: table[table["metric"] == m.name].set_index("factor") for m in metrics}
    digits = {
        name: words.interval_decimals(
            0.0, rows["smallest_difference"], content.settings.metric(name)
        )
        for name, rows in by_metric.items()
    }
    columns, spans = [block.column("factor", "left")], [{"title": "", "columns": 1}]
    for metric in metrics:
        spans.append({"title": f"{words.name(metric.name)}{block.unit(metric)}", "columns": 3})
        columns += [block.column("smallest"), block.column("observed"), block.column("replicates")]
    rows = []
    for factor in dict.fromkeys(table["factor"]):
        line: list[Any] = [words.name(factor)]
        for metric in metrics:
            if factor not in by_metric[metric.name].index:
                line += ["", "", ""]
                continue
            row = by_metric[metric.name].loc[factor]
            line += [
                content.value(row["smallest_difference"], metric, digits[metric.name]),
                content.value(row["observed_difference"], metric, digits[metric.name]),
                _replicates(row["replicates_needed"]),
            ]
        rows.append(line)
    targets = [
        f"{rounded(rows['target_difference'].iloc[0], metric)} of {words.name(metric.name)}"
        for metric in metrics
        for rows in [by_metric[metric.name]]
    ]
    return [
        block.table(
            "Smallest difference between two levels of a factor that a study of this size "
            f"detects with probability {POWER:g} (joint test of the factor, corrected for the "
            "number of factors), the largest one observed, and the replicates that would "
            f"detect {words.listed(targets)} with that probability.",
            columns,
            rows,
            spans=spans,
            size=8,
        )
    ]


def _equivalence(content: Content) -> list[block.Block]:
    """Nothing where no margin was asked for."""
    sentences = content.sentences(section="equivalence")
    if not sentences:
        return []
    text = (
        "That nothing was found does not show that there is nothing. Two one-sided tests "
        "(Schuirmann 1987) of every pair of a factor's levels show that all differences are "
        "smaller than a margin; the pair hardest to show equivalent decides (Berger 1982)."
    )
    return [block.heading("Equivalence"), block.paragraph(text), *sentences]


def _replicates(value: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.0f}" if value <= 999 else ">999"
