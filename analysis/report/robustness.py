"""Which conclusions change under other analyses."""

from __future__ import annotations

import pandas as pd

from analysis import words
from analysis.findings import robustness as told
from analysis.report import block
from analysis.report.content import Content


def robustness(content: Content) -> list[block.Block]:
    blocks = content.sentences(section="robustness")
    blocks += content.sentences(section="confounding", kind="together")
    tests = content.rows("stability")
    if tests.empty:
        blocks.append(block.missing("There is nothing to vary: no factor could be tested."))
    else:
        blocks.append(
            block.paragraph(
                "Every factor was tested again without the run, and without the trajectory, that "
                "decides most about its test; without each level of a block; on another scale of "
                "the metric; and with models of another degree that describe the runs about as "
                "well (AICc within 10 of the best)."
            )
        )
        blocks += _changes(content, tests)
    models = content.rows("models")
    if len(models):
        best = models.dropna(subset="aicc").groupby("metric")["aicc"].idxmin().to_numpy()
        blocks.append(
            block.table(
                "Polynomials of degree 1, 2 and 3 by least squares; semibold: lowest AICc.",
                [
                    block.column("metric", "left"),
                    block.column("degree"),
                    block.column("terms"),
                    block.column("AICc"),
                    block.column("adjusted R²"),
                    block.column("predicted R²"),
                ],
                [
                    [
                        words.name(row["metric"]),
                        str(int(row["degree"])),
                        str(int(row["parameters"])),
                        block.bold(words.fixed(row["aicc"], 1), i in best),
                        words.fixed(row["adjusted_r_squared"], 3),
                        words.fixed(row["predicted_r_squared"], 3),
                    ]
                    for i, row in zip(models.index, models.to_dict("records"), strict=True)
                ],
            )
        )
    return blocks


def _changes(content: Content, tests: pd.DataFrame) -> list[block.Block]:
    changed = tests[~tests["agrees"].astype(bool)]
    if changed.empty:
        return [block.paragraph("None changes which factors are shown.")]
    main = content.rows("joint", framing="absolute", estimator="split_plot", kind="factor")
    q_values = main.set_index(["metric", "tested"])["q_value"]
    return [
        block.table(
            "Factors that are shown in one analysis and not in the other.",
            [
                block.column("metric", "left"),
                block.column("factor", "left"),
                block.column("variation", "left", wide=True),
                block.column("q, main analysis"),
                block.column("q, varied"),
            ],
            [
                [
                    words.name(row["metric"]),
                    words.name(row["factor"]),
                    told.under(row["variation"], row["name"]),
                    words.p_value(q_values.get((row["metric"], row["factor"]), float("nan"))),
                    words.p_value(row["q_value"]),
                ]
                for row in changed.to_dict("records")
            ],
        )
    ]
