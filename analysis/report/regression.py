"""One metric explained: effects, both framings, three estimators."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import style, words
from analysis.findings import effects, finding, robustness
from analysis.fit.coding import codings
from analysis.fit.terms import are_blocks
from analysis.report import block
from analysis.report.content import Content
from analysis.variables import Metric


def regression(content: Content, metric: Metric) -> list[block.Block]:
    blocks = content.sentences(section="effects", metric=metric.name)
    blocks += content.figure(f"effects_{metric.name}")
    used = finding.estimator_used(content.tables, metric)
    if used is None:
        return [
            *blocks,
            block.missing(
                f"No regression of {words.name(metric.name)} could be fitted. The section "
                "“What this study cannot say” explains why."
            ),
        ]
    blocks.append(block.heading("Single terms"))
    blocks.append(
        block.paragraph(
            "Whether a factor matters is answered above, by testing all of its terms together. A "
            "coefficient answers another question: what one term adds where all others are at "
            "their centre. Its q-value is over the terms of this model alone, and nothing on the "
            "first page rests on it."
        )
    )
    blocks += _framings(content, metric.on_scale, used)
    blocks += aliased(content, metric)
    blocks.append(block.heading("Three estimators"))
    blocks += _estimators(content, metric.on_scale)
    blocks += content.figure(f"coefficients_{metric.name}")
    return blocks


def _framings(content: Content, metric: Metric, used: str) -> list[block.Block]:
    framings = {
        framing: rows.set_index("term")
        for framing in ("absolute", "relative")
        if len(rows := finding.conclusive(content.tables, content.settings, metric, framing))
    }
    estimator = style.ESTIMATORS[used][0]
    columns, spans = [block.column("term", "left")], [{"title": "", "columns": 1}]
    for framing in framings:
        spans.append({"title": framing, "columns": 4})
        columns += [
            block.column("estimate"),
            block.column(f"{content.percent} interval"),
            block.column("p"),
            block.column("q"),
        ]
    digits = _digits(pd.concat(framings.values()), metric)
    terms = list(dict.fromkeys(term for rows in framings.values() for term in rows.index))
    body = []
    for term in terms:
        line: list[Any] = [content.term(term)]
        for rows in framings.values():
            if term not in rows.index:
                line += ["", "", "", ""]
                continue
            row = rows.loc[term]
            sure = bool(row["q_value"] < content.settings.alpha)
            line += [
                block.bold(content.value(row["estimate"], metric, digits), sure),
                f"{content.value(row['ci_low'], metric, digits)} to "
                f"{content.value(row['ci_high'], metric, digits)}",
                words.p_value(row["p_value"]),
                block.bold(words.p_value(row["q_value"]), sure),
            ]
        body.append(line)
    blocks: list[block.Block] = [
        block.table(
            f"{words.sentence_case(words.name(metric.name))}{block.unit(metric)}: coefficients for "
            f"half the range of each factor, {estimator} estimator; semibold: q < "
            f"{content.settings.alpha:g}.",
            columns,
            body,
            spans=spans,
            size=8,
        )
    ]
    if "relative" not in framings:
        blocks.append(
            block.missing(
                "There is no relative regression: it needs the baseline's metric in the table "
                "and the baseline's own hyperparameters."
            )
        )
        return blocks
    if metric.name == content.settings.metrics[0].name:
        blocks.append(block.paragraph(_what_framings_mean(content)))
    return blocks


def aliased(content: Content, metric: Metric) -> list[block.Block]:
    """What else is in estimates, of terms that the model is without."""
    found = effects.aliased_columns(content.tables, content.study, content.settings, metric)
    told = [
        f"{words.term(column.parts)} ({words.listed([words.term(each.parts) for each in aliases])})"
        for column, aliases in found.items()
    ]
    if not told:
        return []
    return [
        block.paragraph(
            f"In these runs some terms are aliased with others that the model is without: "
            f"{'; '.join(told)}. What those do, if anything, is part of these estimates (all, with "
            "their shares, in aliases.csv)."
        )
    ]


def _digits(coefficients: pd.DataFrame, metric: Metric) -> int:
    """The digits of a table of coefficients; the intercept's interval is of another kind."""
    rows = coefficients[coefficients.get("term", coefficients.index) != "intercept"]
    return words.interval_decimals(rows["ci_low"], rows["ci_high"], metric)


def _what_framings_mean(content: Content) -> str:
    terms = content.rows("coefficients", framing="relative", estimator="split_plot")["term"]
    blocked = are_blocks(terms, content.settings).any()
    if blocked or content.study.runs["replicate"].nunique() == 1:
        text = (
            "The two framings are one fit. The baseline's metric is constant within a "
            "replicate, and the model has a replicate block, so that subtracting it and "
            "counting the factors from other values only re-centres the polynomial: fitted "
            "values, squares and interactions are the same, the intercept and the main effects "
            "are not. With a block, the intercept is that of the first replicate. "
        )
    else:
        text = (
            "The model has no replicate block here, so that subtracting the baseline also "
            "takes out what the replicates have in common: the framings are two fits. "
        )
    middle = {
        coding.name: float(coding.decode(0.0))
        for coding in codings(content.study.runs, content.settings, "absolute", {})
        if coding.factor.numeric
    }
    centre = words.setting(middle, content.settings.factors)
    known = words.setting(dict(content.study.baseline), content.settings.factors)
    text += (
        "In the absolute framing a main effect is the slope at the centre of the design "
        f"({centre}); in the relative framing it is the slope at the baseline's settings "
        f"({known})."
    )
    beyond = {
        coding.name: content.study.baseline[coding.name]
        for coding in codings(content.study.runs, content.settings, "absolute", {})
        if coding.factor.numeric
        and not coding.limits[0] <= content.study.baseline[coding.name] <= coding.limits[1]
    }
    if beyond:
        text += (
            f" The baseline's {words.setting(beyond, content.settings.factors)} lies beyond the "
            "levels studied: the slope there is an extrapolation of the polynomial."
        )
    if blocked:
        text += (
            " The two least-squares estimators have no replicate block; there the framings "
            "differ a little in every term."
        )
    return text


def _estimators(content: Content, metric: Metric) -> list[block.Block]:
    table = content.rows("coefficients", metric=metric.name, framing="absolute")
    table = table[~are_blocks(table["term"], content.settings)]
    present = [name for name in style.ESTIMATORS if name in set(table["estimator"])]
    dissent = robustness.dissent(content.tables, content.settings, metric)
    disagree = {term for terms in dissent.values() for term in terms}
    columns, spans = [block.column("term", "left")], [{"title": "", "columns": 1}]
    by_estimator = {}
    for name in present:
        spans.append({"title": style.ESTIMATORS[name][0], "columns": 3})
        columns += [block.column("estimate"), block.column("std. error"), block.column("q")]
        by_estimator[name] = table[table["estimator"] == name].set_index("term")
    columns.append(block.column(""))
    spans.append({"title": "", "columns": 1})
    digits = _digits(table, metric)
    body = []
    for term in dict.fromkeys(table["term"]):
        line: list[Any] = [content.term(term)]
        for rows in by_estimator.values():
            if term not in rows.index:
                line += ["", "", ""]
                continue
            row = rows.loc[term]
            sure = bool(row["q_value"] < content.settings.alpha)
            line += [
                block.bold(content.value(row["estimate"], metric, digits), sure),
                content.value(row["std_error"], metric, digits + 1),
                block.bold(words.p_value(row["q_value"]), sure),
            ]
        line.append({"bold": "≠"} if term in disagree else "")
        body.append(line)
    if disagree:
        told = (
            f"≠ marks the {len(disagree)} of {len(body) - 1} terms that the estimators judge "
            "differently. The joint tests rest on the split-plot estimator, which models what the "
            "runs of one trajectory share; the cluster-robust one allows for that and for uneven "
            "scatter, but needs many trajectories."
        )
    else:
        told = "The estimators judge every term alike."
    return [
        block.table(
            f"{words.sentence_case(words.name(metric.name))}, absolute framing: the same "
            "coefficients by three estimators; semibold: q < "
            f"{content.settings.alpha:g}; ≠: they disagree.",
            columns,
            body,
            spans=spans,
            size=8,
        ),
        block.paragraph(told),
    ]
