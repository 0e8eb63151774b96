"""Interactions, fitted surfaces, canonical analysis and steepest ascent."""

from __future__ import annotations

from analysis import words
from analysis.report import block
from analysis.report.content import Content
from analysis.variables import Metric


def interactions(content: Content) -> list[block.Block]:
    blocks: list[block.Block] = []
    for metric in content.settings.metrics:
        blocks.append(block.heading(words.name(metric.name)))
        blocks += content.sentences(section="interactions", metric=metric.name)
        blocks += content.figure(f"interactions_{metric.name}")
    return blocks


def surfaces(content: Content) -> list[block.Block]:
    blocks: list[block.Block] = []
    for metric in content.settings.metrics:
        blocks.append(block.heading(words.name(metric.name)))
        blocks += content.sentences(section="surface", metric=metric.name)
        blocks += content.figure(f"perspective_{metric.name}")
        blocks += content.figure(f"contours_{metric.name}")
        blocks += _canonical(content, metric.on_scale) + _steepest(content, metric)
    return blocks


def _canonical(content: Content, metric: Metric) -> list[block.Block]:
    values = content.rows("eigenvalues", metric=metric.name)
    if values.empty:
        return []
    names = [f.name for f in content.settings.factors if f.name in values]
    digits = words.spread_decimals(values["eigenvalue"], metric)
    rows = [
        [
            words.fixed(words.in_unit(row["eigenvalue"], metric), digits, sign=True),
            *(words.fixed(row[name], 2, sign=True) for name in names),
        ]
        for row in values.to_dict("records")
    ]
    return [
        block.table(
            f"Canonical analysis of {words.name(metric.name)}: curvature along each canonical "
            "axis (negative: falls to both sides) and the axis's direction in coded factors.",
            [
                block.column(f"eigenvalue{block.unit(metric)}"),
                *(block.column(words.name(name)) for name in names),
            ],
            rows,
        )
    ]


def _steepest(content: Content, metric: Metric) -> list[block.Block]:
    path = content.rows("steepest", metric=metric.name)
    if path.empty:
        return []
    names = [f.name for f in content.settings.factors if f.name in path]
    halves = path["distance"].mul(2).round(6).mod(1) == 0
    path = path[halves & path["inside"].astype(bool)]  # beyond it would be extrapolation
    if path.empty:
        return []
    digits = words.spread_decimals(path["predicted"], metric)
    rows = [
        [
            words.fixed(row["distance"], 2),
            *(words.level(row[name], content.settings.factor(name).scale) for name in names),
            content.value(row["predicted"], metric, digits),
        ]
        for row in path.to_dict("records")
    ]
    return [
        block.table(
            f"Path of steepest {'ascent' if metric.sign > 0 else 'descent'}: the best fitted "
            f"{words.name(metric.name)} at each distance from the centre of the design, as far as "
            "the region studied reaches; distance in half ranges.",
            [
                block.column("distance"),
                *(block.column(words.name(name)) for name in names),
                block.column(f"fitted {words.axis_label(metric)}"),
            ],
            rows,
        )
    ]
