"""What helps one metric and hurts another."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables, conclusive, interval_of, percent, significant
from analysis.findings.translation import Translator
from analysis.runs.settings import Settings
from analysis.runs.study import Study


def about_conflicts(tables: Tables, study: Study, settings: Settings) -> Iterator[Finding]:
    """Terms that help one metric and hurt another, significantly in both."""
    table = tables.get("conflicts", pd.DataFrame())
    if table.empty:
        return
    found = []
    for row in table[table["kind"] == "conflict"].to_dict("records"):
        sides = []
        for which in ("a", "b"):
            metric = settings.metric(row[f"metric_{which}"])
            rows = conclusive(tables, metric)
            rows = rows[rows["term"] == row["term"]] if len(rows) else rows
            if rows.empty or not significant(rows, settings.alpha).iloc[0]:
                break
            translate = Translator(
                study, settings, metric, list(conclusive(tables, metric)["term"])
            )
            sides.append((metric, rows.iloc[0], translate(row["term"])))
        if len(sides) < 2:
            continue
        told = [
            f"{words.name(metric.name)} by "
            f"{words.amount(effect.scale * coefficient['estimate'], metric, sign=True)} "
            f"({percent(settings)} interval {interval_of(coefficient, metric, effect.scale)})"
            for metric, coefficient, effect in sides
        ]
        effect = sides[0][2]
        better = [
            words.name(metric.name)
            for metric, coefficient, each in sides
            if metric.sign * each.scale * coefficient["estimate"] > 0
        ]
        if effect.change:
            sentence = f"{effect.change} changes {told[0]} and {told[1]}{effect.after}"
        else:
            sentence = f"{effect.topic} moves {told[0]} and {told[1]}"
        sentence = words.sentence_case(sentence)
        worse = [words.name(m.name) for m, _, _ in sides if words.name(m.name) not in better]
        if len(better) == 1:
            sentence += f": better for {better[0]}, worse for {worse[0]}"
        found.append(
            Finding(
                "tradeoff",
                f"{row['metric_a']} {row['metric_b']}",
                "conflict",
                True,
                sentence + ".",
            )
        )
    if found:
        yield from found
    else:
        yield Finding(
            "tradeoff",
            "",
            "no_conflict",
            False,
            "No term is shown to help one metric and hurt another.",
        )


def about_prices(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """What choosing one metric's best settings costs in the others."""
    table = tables.get("prices", pd.DataFrame())
    for row in table.to_dict("records"):
        if (
            row["metric"] not in settings.metric_names
            or row["chosen_for"] not in settings.metric_names
            or row["metric"] == row["chosen_for"]
            or pd.isna(row["price"])
        ):
            continue
        metric, chosen = settings.metric(row["metric"]), settings.metric(row["chosen_for"])
        sure = row["ci_low"] > 0 or row["ci_high"] < 0
        interval = ""
        if pd.notna(row["ci_low"]):
            interval = (
                f" ({percent(settings)} bootstrap interval {interval_of(pd.Series(row), metric)})"
            )
        yield Finding(
            "tradeoff",
            f"{chosen.name} {metric.name}",
            "price",
            bool(sure),
            f"The settings best for {words.name(chosen.name)} cost "
            f"{words.amount(abs(row['price']), metric)} of {words.name(metric.name)} against the "
            f"settings best for that{interval}.",
        )
