"""Which conclusions change under other analyses."""

from __future__ import annotations

import pandas as pd

from analysis import words
from analysis.report import block
from analysis.report.content import Content

_VARIANTS = {"logit": "log-odds of a proportion", "log": "logarithm of any other metric"}


def robustness(content: Content) -> list[block.Block]:
    blocks = content.sentences(section="robustness")
    variants = content.rows("conclusions")
    if variants.empty:
        blocks.append(block.missing("The analysis gave no table of variants."))
    else:
        names = [_VARIANTS.get(v, v) for v in dict.fromkeys(variants["variant"]) if v != "main"]
        blocks.append(
            block.paragraph(
                "Each conclusion (significant at p < "
                f"{content.settings.alpha:g} or not, and its sign) was drawn again under: "
                f"{', '.join(names)}. The table has the terms whose conclusion changes "
                "under at least one."
            )
        )
        blocks += _flips(content, variants)
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


def _flips(content: Content, variants: pd.DataFrame) -> list[block.Block]:
    compared = variants[variants["agrees"].notna()]
    flips = compared[~compared["agrees"].astype(bool)]
    if flips.empty:
        return [block.paragraph("None changes.")]
    main = variants[variants["variant"] == "main"].set_index(["metric", "term"])["p_value"]
    rows = [
        [
            words.name(row["metric"]),
            content.term(row["term"]),
            _VARIANTS.get(row["variant"], row["variant"]),
            words.p_value(main.get((row["metric"], row["term"]), float("nan"))),
            words.p_value(row["p_value"]),
        ]
        for row in flips.to_dict("records")
    ]
    return [
        block.table(
            "Conclusions that change.",
            [
                block.column("metric", "left"),
                block.column("term", "left"),
                block.column("variant", "left"),
                block.column("p, main analysis"),
                block.column("p, variant"),
            ],
            rows,
        )
    ]
