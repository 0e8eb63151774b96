"""Every run, versions and seeds."""

from __future__ import annotations

from analysis import words
from analysis.report import block
from analysis.report.content import Content

LISTED_RUNS = 400  # beyond that the appendix names the file instead


def every_run(content: Content) -> list[block.Block]:
    runs = content.study.runs
    if len(runs) > LISTED_RUNS:
        told = f"The {len(runs):,} runs are too many to list; they are in the table of runs."
        return [block.paragraph(told)]
    metrics = list(content.settings.metrics)
    relative = [m for m in metrics if f"delta_{m.name}" in runs]
    extras = [
        (column, title, places)
        for column, title, places in (("seconds", "seconds", 0), ("tokens", "tokens", 0))
        if column in runs and column not in content.settings.metric_names
    ]
    spans = [
        {"title": "", "columns": len(content.settings.factors) + 2},
        {"title": "metric", "columns": len(metrics)},
        *([{"title": "− baseline", "columns": len(relative)}] if relative else []),
        *([{"title": "", "columns": len(extras)}] if extras else []),
    ]
    columns = [
        *content.factor_columns(),
        block.column("replicate"),
        block.column("status", "left"),
        *(block.column(words.name(m.name)) for m in metrics),
        *(block.column(words.name(m.name)) for m in relative),
        *(block.column(title) for _, title, _ in extras),
    ]
    digits = {m.name: words.spread_decimals(runs[m.name], m) for m in metrics}
    rows = [
        [
            *content.setting(row),
            str(row.get("replicate", "")),
            str(row.get("status", "ok")).replace("_", " "),
            *(content.value(row[m.name], m, digits[m.name]) for m in metrics),
            *(content.value(row[f"delta_{m.name}"], m, digits[m.name], True) for m in relative),
            *(words.fixed(row[column], places) for column, _, places in extras),
        ]
        for row in runs.to_dict("records")
    ]
    units = words.listed(
        [
            f"{words.name(m.name)} in {'%' if m.unit == 'points' else m.unit}"
            for m in metrics
            if m.unit
        ]
    )
    return [
        block.table(
            f"Every run{': ' + units if units else ''}.",
            columns,
            rows,
            spans=spans,
            size=7.5,
        )
    ]


def versions(content: Content) -> list[block.Block]:
    provenance = content.study.provenance
    if not provenance:
        return [
            block.missing(
                "The table came without provenance.json, so versions and seeds are not known."
            )
        ]
    blocks: list[block.Block] = []
    machine = provenance.get("machine", {})
    if machine:
        text = ", ".join(f"{words.name(k)}: {block.plain(v)}" for k, v in machine.items())
        blocks.append(block.paragraph(f"Machine: {text}."))
    environments = provenance.get("computed_with", [])
    for environment in environments:
        packages = [f"{k} {block.plain(v)}" for k, v in environment.get("versions", {}).items()]
        text = f"Packages: {', '.join(packages)}. Instruction set: "
        text += f"{block.plain(environment.get('instruction_set'))}."
        if len(environments) > 1:
            text = f"Cells: {block.plain(environment.get('cells'))}. {text}"
        blocks.append(block.paragraph(text))
    if len(environments) > 1:
        blocks.append(
            block.paragraph(
                "The cells were not all computed with the same packages and instruction set: cells "
                "of different ones may differ in their last bits though nothing else does."
            )
        )
    seeds = provenance.get("seeds", {})
    if seeds:
        kinds = list(dict.fromkeys(kind for each in seeds.values() for kind in each))
        blocks.append(
            block.table(
                f"Seeds of each replicate. The study's own seed, from which these and every "
                f"resampling are drawn, is {content.settings.seed}.",
                [block.column("replicate", "left"), *(block.column(kind) for kind in kinds)],
                [
                    [str(replicate), *(block.plain(each.get(kind)) for kind in kinds)]
                    for replicate, each in seeds.items()
                ],
            )
        )
    return blocks
