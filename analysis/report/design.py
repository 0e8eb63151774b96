"""Where model and data come from, the design, and the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis import words
from analysis.figures.common import levels_of
from analysis.findings.runs import FATES
from analysis.report import block
from analysis.report.content import Content


def source_and_design(content: Content) -> list[block.Block]:
    return [
        _source(content),
        block.heading("Design"),
        block.paragraph(_design_sentence(content)),
        *content.sentences(section="runs", kind=tuple(FATES)),
        _factors(content),
        *_sets(content),
    ]


def _source(content: Content) -> block.Block:
    """Checkpoint and data set with their licences."""
    source = content.study.provenance.get("source", {})
    if not source:
        return block.missing(
            "The table came without provenance.json, so model, data, versions and seeds "
            "are not known here."
        )
    licence = source.get("licence", {})
    rows = []
    for part in ("checkpoint", "dataset"):
        revision = source.get(f"{part}_revision")
        text = str(source.get(part, ""))
        if revision:
            text += f", revision {revision}"
        if licence.get(part):
            text += f" (licence: {licence[part]})"
        rows.append((part.replace("dataset", "data set"), text))
    rows.append(("labels", ", ".join(map(str, source.get("labels", [])))))
    return block.facts(rows)


def _factors(content: Content) -> block.Block:
    levels = []
    for factor in content.settings.factors:
        values = levels_of(content.study, factor)
        shown = ", ".join(words.level(v, factor.scale) for v in values[:12])
        if len(values) > 12:
            low, high = (words.level(v, factor.scale) for v in (values[0], values[-1]))
            shown = f"{len(values):,} values from {low} to {high}"
        levels.append([words.name(factor.name), factor.scale, shown])
    return block.table(
        "The factors, the scale on which each is studied, and its levels.",
        [
            block.column("factor", "left"),
            block.column("scale", "left"),
            block.column("levels", "left"),
        ],
        levels,
    )


def _sets(content: Content) -> list[block.Block]:
    """What a replicate trains on and is evaluated on, and what is the same in all runs."""
    provenance = content.study.provenance
    source, design = provenance.get("source", {}), provenance.get("design", {})
    if not design:
        return []
    lengths = ", ".join(str(length) for length in design.get("padded_lengths", ()))
    fixed = _fixed_that_mattered(content, design.get("fixed", {}))
    held = ", ".join(f"{words.name(k)} {block.plain(v)}" for k, v in fixed.items())
    return [
        block.facts(
            [
                ("training texts a replicate", block.plain(design.get("training_examples"))),
                ("evaluation texts a replicate", block.plain(design.get("evaluation_examples"))),
                *_made_up_of(design.get("sets", ()), source),
                ("padded to, tokens", lengths),
                ("held fixed", held),
            ]
        )
    ]


def _made_up_of(
    sets: Sequence[Mapping[str, Any]], source: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """The shares of the classes in each set, and its near-duplicates, over the replicates.

    Beside them, where the source says so, their shares of the texts that the set is drawn from.
    """
    shares = _shares([each.get("labels", {}) for each in sets])
    told = shares.groupby(level=["part", "label"], sort=False)["share"].agg(["min", "max"])
    pool = source.get("drawn_from", {})
    told["pool"] = _shares([{**pool, "validation": pool.get("training", {})}])["share"]
    known = {str(number): str(name) for number, name in enumerate(source.get("labels", []))}
    rows = []
    for part, of_part in told.groupby(level="part", sort=False):
        classes = [
            f"{known.get(label, label)} {_range(low, high)} %"
            + (f" ({drawn_from:.1f} %)" if pd.notna(drawn_from) else "")
            for (_, label), low, high, drawn_from in of_part.itertuples()
        ]
        beside = " (and in those they are drawn from)" if of_part["pool"].notna().any() else ""
        rows.append((f"classes in the {part} texts{beside}", ", ".join(classes)))
    near = pd.to_numeric(
        pd.Series([each.get("near_duplicates") for each in sets], dtype=object), errors="coerce"
    )
    if len(near.dropna()):
        rows.append(
            ("evaluation texts nearly trained on", _range(near.min(), near.max(), digits=0))
        )
    return rows


def _shares(labels: Sequence[Mapping[str, Mapping[str, Any]]]) -> pd.DataFrame:
    """Percent of a set's texts with each label, by part and label; without what is no number."""
    counts = pd.DataFrame(
        [
            (part, label, number, which)
            for which, parts in enumerate(labels)
            for part, numbers in parts.items()
            for label, number in numbers.items()
        ],
        columns=["part", "label", "texts", "set"],
    )
    counts["texts"] = pd.to_numeric(counts["texts"], errors="coerce")
    of_set = counts.groupby(["part", "set"])["texts"].transform("sum")
    counts["share"] = 100 * counts["texts"] / of_set
    return counts.dropna().set_index(["part", "label"])


def _range(low: float, high: float, digits: int = 1) -> str:
    least, most = f"{low:.{digits}f}", f"{high:.{digits}f}"
    return least if least == most else f"{least} to {most}"


def _fixed_that_mattered(content: Content, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters held fixed, without those of a schedule that no run had."""
    schedules = content.study.runs.get("schedule", pd.Series([fixed.get("schedule")]))
    plateaus = (schedules == "reduce_on_plateau").any()
    return {k: v for k, v in fixed.items() if plateaus or not k.startswith("plateau_")}


def _design_sentence(content: Content) -> str:
    runs = content.study.runs
    cells = runs[list(content.settings.factor_names)].drop_duplicates()
    parts = [f"{words.count(len(runs), 'run')} of {words.count(len(cells), 'cell')}"]
    parts.append(words.count(runs["replicate"].nunique(), "replicate"))
    trajectories = runs["trajectory"].nunique()
    if trajectories < len(runs):
        parts.append(f"{trajectories:,} trajectories")
    text = words.listed(parts) + "."
    chosen = content.study.provenance.get("settings", {}).get("design")
    if isinstance(chosen, Mapping):  # the full grid is a name alone
        text += f" The settings were chosen by a design: {words.name(str(chosen.get('kind')))}."
    counts = runs["status"].value_counts()
    told = [
        f"{counts[status]:,} {of_one if counts[status] == 1 else of_several}"
        for status, (of_one, of_several) in FATES.items()
        if status in counts
    ]
    if told:
        text += f" Of the runs, {words.listed(told)}."
    if trajectories < len(runs):
        text += (
            " A trajectory is one training run: every factor but epochs, and the replicate. "
            "Its cells at 1, 2, 3… epochs are the same run seen at different times, so their "
            "errors are correlated; the analysis takes that into account (split-plot design)."
        )
    else:
        text += " Every run is a training run of its own, so their errors are independent."
    if content.study.provenance:
        text += (
            " A replicate is a new seed for the order of the texts and for dropout, and a new "
            "draw of training and evaluation sets."
        )
    return text


def baseline(content: Content) -> list[block.Block]:
    recorded = content.study.provenance.get("baseline", {})
    metrics = [m for m in content.settings.metrics if f"baseline_{m.name}" in content.study.runs]
    if not metrics:
        return [
            block.missing(
                "The table has no baseline metrics (columns baseline_<metric>), so nothing is "
                "reported relative to a baseline."
            )
        ]
    blocks: list[block.Block] = [
        block.paragraph(
            "The baseline is the checkpoint before this study fine-tuned it, evaluated on the "
            "same texts as the runs of each replicate."
        )
    ]
    hyperparameters = recorded.get("hyperparameters") or dict(content.study.baseline)
    if hyperparameters:
        known = words.setting(hyperparameters, content.settings.factors)
        blocks.append(
            block.paragraph(
                f"It was itself trained with {known}; the relative framing starts there."
            )
        )
    else:
        blocks.append(block.missing("With which hyperparameters it was trained is not known."))
    runs = content.study.runs
    columns = [f"baseline_{m.name}" for m in metrics]
    if "replicate" in runs:
        table = runs.dropna(subset=columns, how="all").drop_duplicates("replicate")
    else:
        table = runs.head(1)
    digits = {m.name: words.spread_decimals(table[f"baseline_{m.name}"], m) for m in metrics}
    rows = [
        [
            str(row.get("replicate", "all")),
            *(content.value(row[f"baseline_{m.name}"], m, digits[m.name]) for m in metrics),
        ]
        for row in table.head(50).to_dict("records")
    ]
    blocks.append(
        block.table(
            "The baseline on each replicate's evaluation set.",
            [
                block.column("replicate", "left"),
                *(block.column(words.axis_label(m)) for m in metrics),
            ],
            rows,
        )
    )
    return blocks + content.sentences(section="baseline")
