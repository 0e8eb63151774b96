"""Residuals, influential runs and the analysis of variance."""

from __future__ import annotations

import pandas as pd

from analysis import words
from analysis.report import block
from analysis.report.content import Content
from analysis.variables import Metric

_DIAGNOSTICS = {
    "r_squared": "R²",
    "adjusted_r_squared": "adjusted R²",
    "predicted_r_squared": "predicted R²",
    "r_squared_within_blocks": "R² within blocks",
    "predicted_r_squared_within_blocks": "predicted R² within blocks",
    "press": "PRESS",
    "sigma": "residual σ",
    "shapiro_wilk": "Shapiro–Wilk",
    "dagostino_pearson": "D'Agostino–Pearson",
    "breusch_pagan": "Breusch–Pagan",
    "largest_cooks_distance": "largest Cook's distance",
    "largest_variance_inflation": "largest VIF",
}


def diagnostics(content: Content) -> list[block.Block]:
    blocks: list[block.Block] = []
    table = content.rows("diagnostics", framing="absolute")
    for metric in content.settings.metrics:
        blocks.append(block.heading(words.name(metric.name)))
        blocks += _influential(content, metric)
        blocks += content.figure(f"residuals_{metric.name}")
        rows = table[table["metric"] == metric.name] if len(table) else table
        if rows.empty:
            blocks.append(block.missing("The analysis gave no diagnostics for it."))
            continue
        blocks.append(
            block.table(
                f"Diagnostics of the least-squares fit of {words.name(metric.name)}, absolute "
                "framing.",
                [
                    block.column("diagnostic", "left"),
                    block.column("value or statistic"),
                    block.column("p"),
                    block.column("what it means", "left", wide=True),
                ],
                [
                    [
                        _DIAGNOSTICS.get(row["diagnostic"], words.name(row["diagnostic"])),
                        _significant_digits(
                            row["statistic"] if pd.isna(row["value"]) else row["value"]
                        ),
                        words.p_value(row["p_value"]),
                        str(row["sentence"]),
                    ]
                    for row in rows.to_dict("records")
                ],
            )
        )
        blocks += _anova(content, metric.on_scale)
    return blocks


def _influential(content: Content, metric: Metric) -> list[block.Block]:
    table = content.rows("influence", metric=metric.name, framing="absolute")
    if table.empty:
        return []
    runs = table[table["influential"].astype(bool)].sort_values("cooks_distance", ascending=False)
    if runs.empty:
        return [block.paragraph("No single run decides the fit (Cook's distance).")]
    names = [words.run(row, content.settings.factors) for row in runs.to_dict("records")]
    return [block.paragraph(f"Influential runs (Cook's distance): {'; '.join(names[:10])}.")]


def _anova(content: Content, metric: Metric) -> list[block.Block]:
    table = content.rows("anova", metric=metric.name, framing="absolute")
    if table.empty:
        return []
    names = {
        "FO": "first order",
        "TWI": "two-way interactions",
        "PQ": "pure quadratic",
        "lack_of_fit": "lack of fit",
        "pure_error": "pure error",
    }
    scale = 1e4 if metric.unit == "points" else 1
    if (table.loc[table["source"].isin(["lack_of_fit", "pure_error"]), "df"] == 0).any():
        table = table[~table["source"].isin(["lack_of_fit", "pure_error"])]
    return [
        block.table(
            f"Analysis of variance of {words.name(metric.name)}"
            f"{' (squared ' + metric.unit + ')' if metric.unit else ''}.",
            [
                block.column("source", "left"),
                block.column("df"),
                block.column("sum of squares"),
                block.column("mean square"),
                block.column("F"),
                block.column("p"),
            ],
            [
                [
                    names.get(row["source"], words.name(row["source"])),
                    f"{row['df']:g}",
                    _significant_digits(scale * row["sum_of_squares"]),
                    _significant_digits(scale * row["mean_square"]),
                    words.fixed(row["f_statistic"], 2),
                    words.p_value(row["p_value"]),
                ]
                for row in table.to_dict("records")
            ],
        )
    ]


def _significant_digits(value: float) -> str:
    if pd.isna(value):
        return ""
    if float(value).is_integer():
        return f"{value:,.0f}".replace("-", "−")
    return words.level(value).replace("-", "−")
