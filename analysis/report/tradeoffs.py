"""The Pareto front, sign conflicts, prices and desirability."""

from __future__ import annotations

from typing import Any

from analysis import words
from analysis.figures.tradeoffs import front_cells
from analysis.report import block
from analysis.report.content import Content


def tradeoffs(content: Content) -> list[block.Block]:
    if len(content.settings.metrics) < 2:
        return content.figure("tradeoff")  # which says why there is none
    blocks = content.sentences(section="tradeoff", kind=("conflict", "no_conflict"))
    blocks += content.figure("tradeoff")
    blocks += _front(content)
    blocks += _conflicts(content)
    blocks += _prices(content)
    blocks += _desirability(content)
    return blocks


def _front(content: Content) -> list[block.Block]:
    front = front_cells(content.tables, content.settings)
    if front.empty:
        return [block.missing("The analysis gave no Pareto front.")]
    metrics = [m for m in content.settings.metrics if m.name in front]
    judged = [m for m in content.settings.front_metrics if m in metrics]
    on_front = words.listed([words.name(m.name) for m in judged])
    digits = {m.name: words.spread_decimals(front[m.name], m) for m in metrics}
    rows = [
        [
            str(number),
            *content.setting(row),
            *(content.value(row[m.name], m, digits[m.name]) for m in metrics),
        ]
        for number, row in enumerate(front.head(40).to_dict("records"), start=1)
    ]
    return [
        block.table(
            f"Cells on the Pareto front of {on_front}: no other cell is at least as good in "
            "all of them and better in one.",
            [
                block.column("no."),
                *content.factor_columns(),
                *(block.column(words.axis_label(m)) for m in metrics),
            ],
            rows,
        )
    ]


def _conflicts(content: Content) -> list[block.Block]:
    table = content.rows("conflicts")
    if table.empty:
        return []
    rows = []
    for row in table[table["kind"] == "conflict"].to_dict("records"):
        line: list[Any] = [content.term(row["term"])]
        for which in ("a", "b"):
            metric = content.settings.metric(row[f"metric_{which}"]).on_scale
            low, high = row[f"ci_low_{which}"], row[f"ci_high_{which}"]
            line += [
                words.name(metric.name),
                *words.amount_and_interval(row[f"estimate_{which}"], low, high, metric),
            ]
        rows.append(line)
    counts = table["kind"].value_counts()
    told = (
        f"Of {len(table)} pairs of a term and two metrics, judged by their intervals alone, "
        f"not corrected for their number, {counts.get('conflict', 0)} conflict, "
        f"{counts.get('agree', 0)} agree and {counts.get('unclear', 0)} are unclear."
    )
    if not rows:
        return [block.paragraph(told)]
    sides = [
        block.column("metric", "left"),
        block.column("estimate"),
        block.column(f"{content.percent} interval"),
    ]
    return [
        block.paragraph(told),
        block.table(
            "Sign conflicts: terms whose coefficients pull two metrics apart. Positive is "
            "better, whichever direction the metric counts in.",
            [block.column("term", "left"), *sides, *sides],
            rows,
        ),
    ]


def _prices(content: Content) -> list[block.Block]:
    table = content.rows("prices")
    if table.empty:
        return []
    metrics = {m.name: m for m in content.settings.metrics}
    digits_of = {
        name: words.interval_decimals(of_metric["ci_low"], of_metric["ci_high"], metrics[name])
        for name, of_metric in table.groupby("metric")
        if name in metrics
    }
    rows = []
    for row in table.to_dict("records"):
        if row["chosen_for"] == row["metric"] or row["metric"] not in metrics:
            continue
        metric, digits = metrics[row["metric"]], digits_of[row["metric"]]
        columns = ("value_there", "value_best", "price")
        between = [content.value(row[end], metric, digits) for end in ("ci_low", "ci_high")]
        rows.append(
            [
                words.name(row["chosen_for"]),
                words.axis_label(metric),
                *(content.value(row[column], metric, digits) for column in columns),
                " to ".join(filter(None, between)),
            ]
        )
    return [
        block.table(
            "The price, in each metric, of choosing the settings best for another (fitted "
            f"values, {content.percent} intervals that allow for the choice of both).",
            [
                block.column("settings best for", "left"),
                block.column("metric", "left"),
                block.column("value there"),
                block.column("best value"),
                block.column("price"),
                block.column("interval"),
            ],
            rows,
        )
    ]


def _desirability(content: Content) -> list[block.Block]:
    table = content.rows("desirability")
    if table.empty:
        return []
    # measured cells can be chosen as they are; the fitted point says where to look next
    best = [
        table[table["level"] == "observed"].head(5),
        table[table["level"] == "fitted"].head(1),
    ]
    metrics = [m for m in content.settings.metrics if f"desirability_{m.name}" in table]
    rows = [
        [
            "measured cell" if row["level"] == "observed" else "fitted surface",
            *content.setting(row),
            *(words.fixed(row[f"desirability_{m.name}"], 2) for m in metrics),
            words.fixed(row["overall"], 2),
        ]
        for part in best
        for row in part.to_dict("records")
    ]
    weights = ", ".join(
        f"{words.name(m.name)} {content.settings.desirability.get(m.name, 1):g}" for m in metrics
    )
    return [
        block.table(
            "The measured cells with the highest overall desirability, and the best point of "
            f"the fitted surfaces (Derringer & Suich 1980; weights: {weights}). 0 and 1 are "
            "the worst and the best measured cell.",
            [
                block.column("", "left"),
                *content.factor_columns(),
                *(block.column(words.name(m.name)) for m in metrics),
                block.column("overall"),
            ],
            rows,
        )
    ]
