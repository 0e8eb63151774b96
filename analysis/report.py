"""report.pdf: what the tables say, laid out by Typst.

``context`` gathers all texts, numbers and figure names into one mapping; ``write`` hands it as
JSON to ``report.typ``. Text reaches Typst as JSON strings, which it shows and never evaluates.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import typst

from analysis import figures, findings, style
from analysis.runs import Study
from analysis.settings import Metric, Settings

Tables = dict[str, pd.DataFrame]
Block = dict[str, Any]

TEMPLATE = Path(__file__).with_name("report.typ")
LISTED_RUNS = 400  # beyond that the appendix names the file instead
LISTED_CELLS = 150  # beyond that the best SHOWN_CELLS are listed
SHOWN_CELLS = 30
NEW_PAGE = ("Surfaces", "Trade-offs", "Appendix: every run")  # sections that start on one


def write(
    tables: Tables, study: Study, settings: Settings, figures_folder: Path, path: Path
) -> None:
    """Compiles the report from the tables and the figures that ``figures.draw_all`` drew.

    The same input gives the same bytes. The file appears whole or not at all.
    """
    figures_folder, path = Path(figures_folder), Path(path)
    drawn = _drawn(figures_folder)
    content = context(tables, study, settings, drawn)
    with tempfile.TemporaryDirectory() as folder:
        # all that Typst reads lies in one folder of its own: it can reach nothing else
        root = Path(folder)
        (root / "figures").mkdir()
        for name in drawn.index[drawn["left_out"] == ""] if len(drawn) else ():
            shutil.copyfile(figures_folder / f"{name}.svg", root / "figures" / f"{name}.svg")
        (root / "context.json").write_text(json.dumps(content, ensure_ascii=False))
        shutil.copyfile(TEMPLATE, root / TEMPLATE.name)
        # Untagged: tags double the file, and Chromium shows none over 1.5 MB in the HTML report.
        pdf = typst.Compiler(root / TEMPLATE.name, root=root, ignore_system_fonts=True).compile(
            format="pdf", timestamp=0, pdf_tags=False
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(pdf)
    temporary.replace(path)


def _origin(source: Mapping[str, Any]) -> str:
    """Where model and texts come from, in a few words; local files have no revision."""
    if source.get("kind") == "embedded":
        return "embedded model and sentences, not the Hugging Face Hub"
    if source.get("kind") != "hub":
        return "a table of runs"
    pinned = [source.get(f"{what}_revision") is not None for what in ("checkpoint", "dataset")]
    names = {2: "Hugging Face Hub", 1: "Hugging Face Hub and local files", 0: "local files"}
    return names[sum(pinned)]


def _drawn(folder: Path) -> pd.DataFrame:
    """The list of figures by name, as ``figures.draw_all`` left it."""
    path = folder / "captions.csv"
    if not path.exists():
        return pd.DataFrame(columns=["name", "metric", "title", "caption", "left_out"])
    return pd.read_csv(path, keep_default_na=False).set_index("name")


def context(
    tables: Tables, study: Study, settings: Settings, drawn: pd.DataFrame
) -> dict[str, Any]:
    """All that the report says: the first page and the sections, each a list of blocks.

    ``drawn`` is the list of figures by name with title, caption and left_out.
    """
    report = _Report(tables, study, settings, drawn)
    first_page = report.first_page()
    report.first_page_done = True
    source = study.provenance.get("source", {})
    origin = _origin(source)
    name = str(study.provenance.get("study", "")) or "Hyperparameter study"
    return {
        "title": style.sentence_case(name),
        "subtitle": _subtitle(settings),
        "running": style.sentence_case(name),
        "source_kind": str(source.get("kind", "")),
        "source_title": f"Source: {origin}",
        "source_short": f"source: {origin.split(',')[0]}",
        "source_sentence": str(
            source.get("sentence")
            or "The table came without a record of where its model and data are from."
        ),
        "first_page": first_page,
        "sections": [
            {"title": title, "blocks": blocks, "new_page": title in NEW_PAGE}
            for title, blocks in (
                ("Source and design", report.source_and_design()),
                ("Baseline", report.baseline()),
                ("Results", report.results()),
                *(
                    (f"Regression: {style.name(m.name)}", report.regression(m))
                    for m in settings.metrics
                ),
                ("Interactions", report.interactions()),
                ("Surfaces", report.surfaces()),
                ("Trade-offs", report.tradeoffs()),
                ("Variability and power", report.variability()),
                ("Robustness", report.robustness()),
                ("Diagnostics", report.diagnostics()),
                ("Methods", report.methods()),
                ("What this study cannot say", report.limits()),
                ("Appendix: every run", report.every_run()),
                ("Appendix: versions and seeds", report.versions()),
            )
        ],
    }


def _subtitle(settings: Settings) -> str:
    factors = style.listed([style.name(name) for name in settings.factor_names])
    metrics = style.listed([style.name(name) for name in settings.metric_names])
    return f"How {factors} move {metrics}"


# --- blocks --------------------------------------------------------------------------------------


def _paragraph(text: str) -> Block:
    return {"type": "paragraph", "text": _unbroken(text)}


def _unbroken(text: str) -> str:
    """No line ends between a number and its unit, or within ``p < 0.001``."""
    text = re.sub(r"(\d) (%|points|nats|epochs?\b)", "\\1\u00a0\\2", text)
    return re.sub(r"\b([pq]) ([<=≥]) (\d)", "\\1\u00a0\\2\u00a0\\3", text)


def _missing(text: str) -> Block:
    return {"type": "missing", "text": text}


def _heading(text: str, level: int = 2) -> Block:
    return {"type": "heading", "text": style.sentence_case(text), "level": level}


def _facts(rows: Iterable[tuple[str, str]]) -> Block:
    return {"type": "facts", "rows": [[key, value] for key, value in rows if value]}


def _column(title: str, align: str = "right", **options: Any) -> dict[str, Any]:
    return {"title": title, "align": align, **options}


def _table(
    caption: str, columns: list[dict[str, Any]], rows: list[list[Any]], **options: Any
) -> Block:
    return {"type": "table", "caption": caption, "columns": columns, "rows": rows, **options}


def _bold(text: str, bold: bool) -> Any:
    return {"bold": text} if bold else text


def _unit(metric: Metric) -> str:
    """``(points)`` after a difference's name."""
    return f" ({metric.unit})" if metric.unit else ""


class _Report:
    """Builds the sections; one method each, in the report's order."""

    def __init__(
        self, tables: Tables, study: Study, settings: Settings, drawn: pd.DataFrame
    ) -> None:
        self.tables, self.study, self.settings, self.drawn = tables, study, settings, drawn
        self.findings = tables["findings"]
        self.percent = f"{100 * (1 - settings.alpha):g} %"
        self.first_page_done = False

    # --- parts -----------------------------------------------------------------------------------

    def rows(self, table: str, **where: Any) -> pd.DataFrame:
        """Rows of a table with these values; empty if there is no such table."""
        rows = self.tables.get(table, pd.DataFrame())
        for column, value in where.items():
            if column in rows:
                rows = rows[rows[column] == value]
        return rows

    def sentences(self, **where: Any) -> list[Block]:
        """The findings with these values as marked sentences; nothing if there are none."""
        rows = self.findings
        for column, value in where.items():
            rows = rows[rows[column].isin(value if isinstance(value, tuple) else (value,))]
        items = [
            {"text": _unbroken(row["sentence"]), "significant": bool(row["significant"])}
            for row in rows.to_dict("records")
        ]
        return [{"type": "sentences", "items": items}] if items else []

    def figure(self, name: str) -> list[Block]:
        """The figure, or the sentence why there is none or where it already was."""
        if name == self.key_figure and self.first_page_done:
            return [_paragraph(f"{self.drawn.loc[name, 'title']}: Figure 1, on the first page.")]
        if name not in self.drawn.index:
            return [_missing(f"The figure “{style.name(name)}” was not drawn.")]
        row = self.drawn.loc[name]
        if row["left_out"]:
            return [_missing(f"Left out: {row['title']}. {row['left_out']}")]
        caption = f"{row['title']}. {row['caption']}"
        return [{"type": "figure", "file": f"{name}.svg", "caption": caption, "alt": caption}]

    def setting(self, row: Mapping[str, Any]) -> list[str]:
        """The factors' values of a row, one text each."""
        return [style.level(row[f.name], f.scale) for f in self.settings.factors]

    def factor_columns(self) -> list[dict[str, Any]]:
        return [
            _column(style.name(f.name), "right" if f.numeric else "left")
            for f in self.settings.factors
        ]

    # --- page 1 ----------------------------------------------------------------------------------

    def first_page(self) -> list[Block]:
        first = self.settings.metrics[0].name
        chosen = [
            {"section": "runs"},
            {"section": "summary"},
            {"section": "baseline", "metric": first, "kind": ("best_cell", "cells_beat_baseline")},
            {"section": "surface", "metric": first, "kind": "best_region"},
            {"section": "tradeoff", "kind": ("conflict", "no_conflict")},
        ]
        items: list[dict[str, Any]] = []
        for where in chosen:
            for block in self.sentences(**where):
                items += block["items"][:3]
        blocks: list[Block] = [_heading("Findings", 2)]
        if not self.findings["significant"].any():
            blocks.append(
                _paragraph("Nothing in this study is statistically significant by the rule below.")
            )
        blocks.append({"type": "sentences", "items": items})
        blocks.append(
            _paragraph(
                "● significant: the q-value (Benjamini–Hochberg) is below "
                f"{self.settings.alpha:g} and the {self.percent} interval excludes zero; ○ not, or "
                "a plain description. Effects rest on the split-plot estimator where it could be "
                "fitted."
            )
        )
        return blocks + (self.figure(self.key_figure) if self.key_figure else [])

    @property
    def key_figure(self) -> str:
        """The figure of the first page: the first of these that was drawn."""
        first = self.settings.metrics[0].name
        wanted = (f"differences_{first}", "tradeoff", f"effects_{first}")
        kept = [n for n in wanted if n in self.drawn.index and not self.drawn.loc[n, "left_out"]]
        return kept[0] if kept else ""

    # --- source, design, baseline ----------------------------------------------------------------

    def source_and_design(self) -> list[Block]:
        provenance = self.study.provenance
        source, design = provenance.get("source", {}), provenance.get("design", {})
        blocks: list[Block] = []
        if source:
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
            blocks.append(_facts(rows))
        else:
            blocks.append(
                _missing(
                    "The table came without provenance.json, so model, data, versions and seeds "
                    "are not known here."
                )
            )
        blocks.append(_heading("Design"))
        blocks.append(_paragraph(self._design_sentence()))
        levels = []
        for factor in self.settings.factors:
            values = figures.levels_of(self.study, factor)
            shown = ", ".join(style.level(v, factor.scale) for v in values[:12])
            if len(values) > 12:
                low, high = (style.level(v, factor.scale) for v in (values[0], values[-1]))
                shown = f"{len(values):,} values from {low} to {high}"
            levels.append([style.name(factor.name), factor.scale, shown])
        blocks.append(
            _table(
                "The factors, the scale on which each is studied, and its levels.",
                [
                    _column("factor", "left"),
                    _column("scale", "left"),
                    _column("levels", "left"),
                ],
                levels,
            )
        )
        if design:
            lengths = ", ".join(str(length) for length in design.get("padded_lengths", ()))
            fixed = design.get("fixed", {})
            blocks.append(
                _facts(
                    [
                        ("training texts a replicate", _plain(design.get("training_examples"))),
                        ("evaluation texts a replicate", _plain(design.get("evaluation_examples"))),
                        ("padded to, tokens", lengths),
                        (
                            "held fixed",
                            ", ".join(f"{style.name(k)} {_plain(v)}" for k, v in fixed.items()),
                        ),
                    ]
                )
            )
        return blocks

    def _design_sentence(self) -> str:
        runs = self.study.runs
        cells = runs[list(self.settings.factor_names)].drop_duplicates()
        parts = [f"{style.count(len(runs), 'run')} of {style.count(len(cells), 'cell')}"]
        parts.append(style.count(runs["replicate"].nunique(), "replicate"))
        trajectories = runs["trajectory"].nunique()
        if trajectories < len(runs):
            parts.append(f"{trajectories:,} trajectories")
        text = style.listed(parts) + "."
        fates = {
            "diverged": "diverged and are left out of the fits",
            "failed": "failed and are left out of the fits",
            "stopped_early": "stopped early and are in the fits with the metrics they reached",
        }
        counts = runs["status"].value_counts()
        told = [f"{counts[status]:,} {fate}" for status, fate in fates.items() if status in counts]
        if told:
            text += f" Of the runs {style.listed(told)}."
        if trajectories < len(runs):
            text += (
                " A trajectory is one training run: every factor but epochs, and the replicate. "
                "Its cells at 1, 2, 3… epochs are the same run seen at different times, so their "
                "errors are correlated; the analysis takes that into account (split-plot design)."
            )
        else:
            text += " Every run is a training run of its own, so their errors are independent."
        if self.study.provenance:
            text += (
                " A replicate is a new seed for the order of the texts and for dropout, and a new "
                "draw of training and evaluation sets."
            )
        return text

    def baseline(self) -> list[Block]:
        recorded = self.study.provenance.get("baseline", {})
        metrics = [m for m in self.settings.metrics if f"baseline_{m.name}" in self.study.runs]
        if not metrics:
            return [
                _missing(
                    "The table has no baseline metrics (columns baseline_<metric>), so nothing is "
                    "told relative to a baseline."
                )
            ]
        blocks: list[Block] = [
            _paragraph(
                "The baseline is the checkpoint before this study fine-tuned it, evaluated on the "
                "same texts as the runs of each replicate."
            )
        ]
        hyperparameters = recorded.get("hyperparameters") or dict(self.study.baseline)
        if hyperparameters:
            known = style.setting(hyperparameters, self.settings.factors)
            blocks.append(
                _paragraph(
                    f"It was itself trained with {known}; the relative framing starts there."
                )
            )
        else:
            blocks.append(_missing("With which hyperparameters it was trained is not known."))
        runs = self.study.runs
        columns = [f"baseline_{m.name}" for m in metrics]
        if "replicate" in runs:
            table = runs.dropna(subset=columns, how="all").drop_duplicates("replicate")
        else:
            table = runs.head(1)
        rows = [
            [
                str(row.get("replicate", "all")),
                *(self.value(row[f"baseline_{m.name}"], m) for m in metrics),
            ]
            for row in table.head(50).to_dict("records")
        ]
        blocks.append(
            _table(
                "The baseline on each replicate's evaluation set.",
                [_column("replicate", "left"), *(_column(style.axis_label(m)) for m in metrics)],
                rows,
            )
        )
        return blocks + self.sentences(section="baseline")

    @staticmethod
    def value(number: float, metric: Metric, sign: bool = False, more: int = 0) -> str:
        """A number of a table's column: always the same digits, so that points align."""
        return style.fixed(style.in_unit(number, metric), style.decimals(metric) + more, sign)

    # --- results ---------------------------------------------------------------------------------

    def results(self) -> list[Block]:
        blocks: list[Block] = []
        for metric in self.settings.metrics:
            blocks += self.figure(f"differences_{metric.name}")
        blocks += self._cells()
        blocks += self.figure("learning_curves")
        return blocks

    def _cells(self) -> list[Block]:
        cells = self.rows("cells")
        if cells.empty:
            return [_missing("The analysis gave no table of cells.")]
        names = list(self.settings.factor_names)
        relative = cells["delta"].notna().any()
        metrics = [m for m in self.settings.metrics if m.name in set(cells["metric"])]
        by_metric = {m.name: cells[cells["metric"] == m.name].set_index(names) for m in metrics}
        first = metrics[0]
        index = by_metric[first.name].index
        caption = "Means of the cells over their replicates"
        if len(index) > LISTED_CELLS:
            ranked = by_metric[first.name].sort_values(
                "mean", ascending=first.sign < 0, kind="stable"
            )
            index = ranked.index[:SHOWN_CELLS]
            caption = (
                f"The {SHOWN_CELLS} of {len(ranked):,} cells with the best mean "
                f"{style.name(first.name)}, which is partly luck (all are in cells.csv)"
            )
        spans = [{"title": "", "columns": len(names) + 1}]
        columns = [*self.factor_columns(), _column("runs")]
        for metric in metrics:
            spans.append({"title": style.axis_label(metric), "columns": 2 if relative else 1})
            columns.append(_column("mean"))
            if relative:
                columns.append(_column("− baseline"))
        compared = self.rows("comparisons", metric="accuracy")
        q_values = compared.set_index(names)["q_value"] if len(compared) else pd.Series()
        if len(q_values):
            spans.append({"title": "", "columns": 1})
            columns.append(_column("McNemar q"))
        rows = []
        for key in index:
            values = dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True))
            row: list[Any] = [
                *self.setting(values),
                str(int(by_metric[metrics[0].name].loc[key, "runs"])),
            ]
            for metric in metrics:
                if key not in by_metric[metric.name].index:
                    row += ["", ""] if relative else [""]
                    continue
                cell = by_metric[metric.name].loc[key]
                row.append(self.value(cell["mean"], metric))
                if relative:
                    sure = cell["ci_low"] > 0 or cell["ci_high"] < 0
                    row.append(_bold(self.value(cell["delta"], metric, sign=True), bool(sure)))
            if len(q_values):
                row.append(style.p_value(q_values.get(key, float("nan"))))
            rows.append(row)
        if relative:
            caption += (
                f", and their difference to the baseline; semibold: the cell's own {self.percent} "
                "interval excludes zero"
            )
        if len(q_values):
            caption += "; McNemar q: right or wrong on the same texts, corrected over the cells"
        return [_table(caption + ".", columns, rows, spans=spans)]

    # --- regression ------------------------------------------------------------------------------

    def regression(self, metric: Metric) -> list[Block]:
        blocks = self.sentences(section="summary", metric=metric.name)
        blocks += self.figure(f"effects_{metric.name}")
        if findings.estimator_used(self.tables, metric) is None:
            return [
                *blocks,
                _missing(
                    f"No regression of {style.name(metric.name)} could be fitted. The section "
                    "“What this study cannot say” tells why."
                ),
            ]
        blocks += self.sentences(section="effects", metric=metric.name)
        blocks.append(_heading("Absolute and relative framing"))
        blocks += self._framings(metric)
        blocks.append(_heading("Three estimators"))
        blocks += self._estimators(metric)
        blocks += self.figure(f"coefficients_{metric.name}")
        return blocks

    def _framings(self, metric: Metric) -> list[Block]:
        framings = {
            framing: findings.conclusive(self.tables, metric, framing).set_index("term")
            for framing in ("absolute", "relative")
            if len(findings.conclusive(self.tables, metric, framing))
        }
        unit = metric.unit or style.name(metric.name)
        estimator = style.ESTIMATORS[findings.estimator_used(self.tables, metric)][0]
        columns, spans = [_column("term", "left")], [{"title": "", "columns": 1}]
        for framing in framings:
            spans.append({"title": framing, "columns": 4})
            columns += [
                _column("estimate"),
                _column(f"{self.percent} interval"),
                _column("p"),
                _column("q"),
            ]
        terms = list(dict.fromkeys(term for rows in framings.values() for term in rows.index))
        body = []
        for term in terms:
            line: list[Any] = [style.term(term)]
            for rows in framings.values():
                if term not in rows.index:
                    line += ["", "", "", ""]
                    continue
                row = rows.loc[term]
                sure = bool(findings.significant(rows.loc[[term]], self.settings.alpha).iloc[0])
                line += [
                    _bold(self.value(row["estimate"], metric, more=1), sure),
                    f"{self.value(row['ci_low'], metric, more=1)} to "
                    f"{self.value(row['ci_high'], metric, more=1)}",
                    style.p_value(row["p_value"]),
                    _bold(style.p_value(row["q_value"]), sure),
                ]
            body.append(line)
        blocks: list[Block] = [
            _table(
                f"{style.sentence_case(style.name(metric.name))} ({unit}): coefficients for half "
                f"the range of each factor, {estimator} estimator; semibold: significant.",
                columns,
                body,
                spans=spans,
                size=8,
            )
        ]
        if "relative" not in framings:
            blocks.append(
                _missing(
                    "There is no relative regression: it needs the baseline's metric in the table "
                    "and the baseline's own hyperparameters."
                )
            )
            return blocks
        if metric.name == self.settings.metrics[0].name:
            blocks.append(_paragraph(self._what_framings_mean()))
        return blocks

    def _what_framings_mean(self) -> str:
        terms = self.rows("coefficients", framing="relative", estimator="split_plot")["term"]
        blocked = terms.str.startswith("replicate[").any()
        if blocked or self.study.runs["replicate"].nunique() == 1:
            text = (
                "The two framings are one fit. The baseline's metric is constant within a "
                "replicate, and the model has a replicate block, so that subtracting it and "
                "counting the factors from other values only re-centres the polynomial: fitted "
                "values, squares and interactions are the same, the intercept and the main effects "
                "are not. "
            )
        else:
            text = (
                "The model has no replicate block here, so that subtracting the baseline also "
                "takes out what the replicates have in common: the framings are two fits. "
            )
        centre = findings.centre(self.study, self.settings)
        known = style.setting(dict(self.study.baseline), self.settings.factors)
        text += (
            "In the absolute framing a main effect is the slope at the centre of the design "
            f"({centre}); in the relative framing it is the slope at the baseline's settings "
            f"({known})."
        )
        if blocked:
            text += (
                " The two least-squares estimators have no replicate block; there the framings "
                "differ a little in every term."
            )
        return text

    def _estimators(self, metric: Metric) -> list[Block]:
        table = self.rows("coefficients", metric=metric.name, framing="absolute")
        table = table[~table["term"].str.startswith("replicate[")]
        present = [name for name in style.ESTIMATORS if name in set(table["estimator"])]
        disagree = set(findings.disagreements(self.tables, self.settings, metric))
        columns, spans = [_column("term", "left")], [{"title": "", "columns": 1}]
        by_estimator = {}
        for name in present:
            spans.append({"title": style.ESTIMATORS[name][0], "columns": 3})
            columns += [_column("estimate"), _column("std. error"), _column("q")]
            by_estimator[name] = table[table["estimator"] == name].set_index("term")
        columns.append(_column(""))
        spans.append({"title": "", "columns": 1})
        body = []
        for term in dict.fromkeys(table["term"]):
            line: list[Any] = [style.term(term)]
            for rows in by_estimator.values():
                if term not in rows.index:
                    line += ["", "", ""]
                    continue
                row = rows.loc[term]
                sure = bool(findings.significant(rows.loc[[term]], self.settings.alpha).iloc[0])
                line += [
                    _bold(self.value(row["estimate"], metric, more=1), sure),
                    self.value(row["std_error"], metric, more=2),
                    _bold(style.p_value(row["q_value"]), sure),
                ]
            line.append({"bold": "≠"} if term in disagree else "")
            body.append(line)
        if disagree:
            told = (
                f"≠ marks the {len(disagree)} of {len(body) - 1} terms on which the estimators "
                "come to different conclusions; where they do, the split-plot estimator is the one "
                "to trust, because it alone knows which runs share a training run."
            )
        else:
            told = "The estimators come to the same conclusion on every term."
        return [
            _table(
                f"{style.sentence_case(style.name(metric.name))}, absolute framing: the same "
                "coefficients by three estimators; semibold: significant; ≠: they disagree.",
                columns,
                body,
                spans=spans,
                size=8,
            ),
            _paragraph(told),
        ]

    # --- interactions, surfaces, trade-offs ------------------------------------------------------

    def interactions(self) -> list[Block]:
        blocks: list[Block] = []
        for metric in self.settings.metrics:
            blocks.append(_heading(style.name(metric.name)))
            blocks += self.figure(f"interactions_{metric.name}")
            blocks += self.sentences(section="interactions", metric=metric.name)
        return blocks

    def surfaces(self) -> list[Block]:
        blocks: list[Block] = []
        for metric in self.settings.metrics:
            # the two pictures of a metric and what they say fill one page
            blocks += [{"type": "page"}] if blocks else []
            blocks.append(_heading(style.name(metric.name)))
            blocks += self.sentences(section="surface", metric=metric.name)
            blocks += self.figure(f"perspective_{metric.name}")
            blocks += self.figure(f"contours_{metric.name}")
        for metric in self.settings.metrics:
            blocks += self._canonical(metric) + self._steepest(metric)
        return blocks

    def _canonical(self, metric: Metric) -> list[Block]:
        values = self.rows("eigenvalues", metric=metric.name)
        if values.empty:
            return []
        names = [f.name for f in self.settings.factors if f.name in values]
        digits = style.decimals(metric) + 1
        rows = [
            [
                style.fixed(style.in_unit(row["eigenvalue"], metric), digits, sign=True),
                *(style.fixed(row[name], 2, sign=True) for name in names),
            ]
            for row in values.to_dict("records")
        ]
        return [
            _table(
                f"Canonical analysis of {style.name(metric.name)}: curvature along each canonical "
                "axis (negative: falls to both sides) and the axis's direction in coded factors.",
                [
                    _column(f"eigenvalue{_unit(metric)}"),
                    *(_column(style.name(name)) for name in names),
                ],
                rows,
            )
        ]

    def _steepest(self, metric: Metric) -> list[Block]:
        path = self.rows("steepest", metric=metric.name)
        if path.empty:
            return []
        names = [f.name for f in self.settings.factors if f.name in path]
        halves = path["distance"].mul(2).round(6).mod(1) == 0
        path = path[halves & path["inside"].astype(bool)]  # beyond it would be extrapolation
        if path.empty:
            return []
        rows = [
            [
                style.fixed(row["distance"], 2),
                *(style.level(row[name], self.settings.factor(name).scale) for name in names),
                self.value(row["predicted"], metric, more=1),
            ]
            for row in path.to_dict("records")
        ]
        return [
            _table(
                f"Path along which {style.name(metric.name)} gets better fastest, from the centre "
                "of the design, as far as the region studied reaches; distance in half ranges.",
                [
                    _column("distance"),
                    *(_column(style.name(name)) for name in names),
                    _column(f"fitted {style.axis_label(metric)}"),
                ],
                rows,
            )
        ]

    def tradeoffs(self) -> list[Block]:
        if len(self.settings.metrics) < 2:
            return [_missing("There is one metric, so nothing to trade off.")]
        blocks = self.sentences(section="tradeoff", kind=("conflict", "no_conflict"))
        blocks += self.figure("tradeoff")
        blocks += self._front()
        blocks += self.figure("parallel_coordinates")
        blocks += self._conflicts()
        blocks += self._prices()
        blocks += self._desirability()
        return blocks

    def _front(self) -> list[Block]:
        front = figures.front_cells(self.tables, self.settings)
        if front.empty:
            return [_missing("The analysis gave no Pareto front.")]
        metrics = [m for m in self.settings.metrics if m.name in front]
        on_front = style.listed([style.name(m.name) for m in self.settings.front_metrics])
        rows = [
            [
                str(number),
                *self.setting(row),
                *(self.value(row[m.name], m) for m in metrics),
            ]
            for number, row in enumerate(front.head(40).to_dict("records"), start=1)
        ]
        return [
            _table(
                f"Cells on the Pareto front of {on_front}: no other cell is at least as good in "
                "all of them and better in one.",
                [
                    _column("no."),
                    *self.factor_columns(),
                    *(_column(style.axis_label(m)) for m in metrics),
                ],
                rows,
            )
        ]

    def _conflicts(self) -> list[Block]:
        table = self.rows("conflicts")
        if table.empty:
            return []
        rows = []
        for row in table[table["kind"] == "conflict"].to_dict("records"):
            line: list[Any] = [style.term(row["term"])]
            for which in ("a", "b"):
                metric = self.settings.metric(row[f"metric_{which}"])
                low, high = row[f"ci_low_{which}"], row[f"ci_high_{which}"]
                line += [
                    style.name(metric.name),
                    style.amount(row[f"estimate_{which}"], metric, sign=True, unit=False),
                    style.interval(low, high, metric),
                ]
            rows.append(line)
        counts = table["kind"].value_counts()
        told = (
            f"Of {len(table)} pairs of a term and two metrics, judged by their intervals alone, "
            f"not corrected for their number, {counts.get('conflict', 0)} conflict, "
            f"{counts.get('agree', 0)} agree and {counts.get('unclear', 0)} are unclear."
        )
        if not rows:
            return [_paragraph(told)]
        sides = [
            _column("metric", "left"),
            _column("estimate"),
            _column(f"{self.percent} interval"),
        ]
        return [
            _paragraph(told),
            _table(
                "Sign conflicts: terms whose coefficients pull two metrics apart. Positive is "
                "better, whichever direction the metric counts in.",
                [_column("term", "left"), *sides, *sides],
                rows,
            ),
        ]

    def _prices(self) -> list[Block]:
        table = self.rows("prices")
        if table.empty:
            return []
        rows = []
        for row in table.to_dict("records"):
            if (
                row["chosen_for"] == row["metric"]
                or row["metric"] not in self.settings.metric_names
            ):
                continue
            metric = self.settings.metric(row["metric"])
            rows.append(
                [
                    style.name(row["chosen_for"]),
                    style.axis_label(metric),
                    self.value(row["value_there"], metric),
                    self.value(row["value_best"], metric),
                    self.value(row["price"], metric),
                    style.interval(row["ci_low"], row["ci_high"], metric)
                    if pd.notna(row["ci_low"])
                    else "",
                ]
            )
        return [
            _table(
                "The price, in each metric, of choosing the settings best for another (fitted "
                f"values, {self.percent} bootstrap intervals).",
                [
                    _column("settings best for", "left"),
                    _column("metric", "left"),
                    _column("value there"),
                    _column("best value"),
                    _column("price"),
                    _column("interval"),
                ],
                rows,
            )
        ]

    def _desirability(self) -> list[Block]:
        table = self.rows("desirability")
        if table.empty:
            return []
        # measured cells can be chosen as they are; the fitted point says where to look next
        best = [
            table[table["level"] == "observed"].head(5),
            table[table["level"] == "fitted"].head(1),
        ]
        metrics = [m for m in self.settings.metrics if f"desirability_{m.name}" in table]
        rows = [
            [
                "measured cell" if row["level"] == "observed" else "fitted surface",
                *self.setting(row),
                *(style.fixed(row[f"desirability_{m.name}"], 2) for m in metrics),
                style.fixed(row["overall"], 2),
            ]
            for part in best
            for row in part.to_dict("records")
        ]
        weights = ", ".join(
            f"{style.name(m.name)} {self.settings.desirability.get(m.name, 1):g}" for m in metrics
        )
        return [
            _table(
                "The measured cells with the highest overall desirability, and the best point of "
                f"the fitted surfaces (Derringer & Suich 1980; weights: {weights}). 0 and 1 are "
                "the worst and the best measured cell.",
                [
                    _column("", "left"),
                    *self.factor_columns(),
                    *(_column(style.name(m.name)) for m in metrics),
                    _column("overall"),
                ],
                rows,
            )
        ]

    # --- variability, robustness, diagnostics ----------------------------------------------------

    def variability(self) -> list[Block]:
        blocks = self.sentences(section="variability")
        blocks += self.figure("variance_components")
        blocks += self.figure("importance")
        blocks.append(_heading("Power"))
        blocks += self.figure("power")
        blocks += self._power()
        blocks.append(_heading("Calibration"))
        blocks += self.figure("reliability")
        return blocks

    def _power(self) -> list[Block]:
        table = self.rows("power")
        if table.empty:
            return []
        metrics = [m for m in self.settings.metrics if m.name in set(table["metric"])]
        by_metric = {
            m.name: table[table["metric"] == m.name].drop_duplicates("term").set_index("term")
            for m in metrics
        }
        columns, spans = [_column("term", "left")], [{"title": "", "columns": 1}]
        for metric in metrics:
            spans.append({"title": f"{style.name(metric.name)}{_unit(metric)}", "columns": 3})
            columns += [_column("smallest"), _column("observed"), _column("replicates")]
        rows = []
        for term in dict.fromkeys(table["term"]):
            line: list[Any] = [style.term(term)]
            for metric in metrics:
                if term not in by_metric[metric.name].index:
                    line += ["", "", ""]
                    continue
                row = by_metric[metric.name].loc[term]
                line += [
                    self.value(row["smallest_effect"], metric, more=1),
                    self.value(row["observed"], metric, more=1),
                    _replicates(row["replicates_needed"]),
                ]
            rows.append(line)
        targets = [
            f"{style.amount(rows['target_effect'].iloc[0], metric)} of {style.name(metric.name)}"
            for metric in metrics
            for rows in [by_metric[metric.name]]
        ]
        return [
            _table(
                "Smallest coefficient (half the range of a factor) that a study of this size "
                "detects with probability 0.8, the one observed, and the replicates that would "
                f"detect {style.listed(targets)} with that probability.",
                columns,
                rows,
                spans=spans,
                size=8,
            )
        ]

    def robustness(self) -> list[Block]:
        blocks = self.sentences(section="robustness")
        variants = self.rows("conclusions")
        if variants.empty:
            blocks.append(_missing("The analysis gave no table of variants."))
        else:
            names = [_VARIANTS.get(v, v) for v in dict.fromkeys(variants["variant"]) if v != "main"]
            blocks.append(
                _paragraph(
                    "Each conclusion (significant at p < "
                    f"{self.settings.alpha:g} or not, and its sign) was drawn again under: "
                    f"{', '.join(names)}. The table has the terms whose conclusion changes "
                    "under at least one."
                )
            )
            blocks += self._flips(variants)
        models = self.rows("models")
        if len(models):
            best = models.loc[models.groupby("metric")["aicc"].idxmin()].index
            blocks.append(
                _table(
                    "Polynomials of degree 1, 2 and 3 by least squares; semibold: lowest AICc.",
                    [
                        _column("metric", "left"),
                        _column("degree"),
                        _column("terms"),
                        _column("AICc"),
                        _column("adjusted R²"),
                        _column("predicted R²"),
                    ],
                    [
                        [
                            style.name(row["metric"]),
                            str(int(row["degree"])),
                            str(int(row["parameters"])),
                            _bold(style.fixed(row["aicc"], 1), i in best),
                            style.fixed(row["adjusted_r_squared"], 3),
                            style.fixed(row["predicted_r_squared"], 3),
                        ]
                        for i, row in zip(models.index, models.to_dict("records"), strict=True)
                    ],
                )
            )
        return blocks

    def _flips(self, variants: pd.DataFrame) -> list[Block]:
        compared = variants[variants["agrees"].notna()]
        flips = compared[~compared["agrees"].astype(bool)]
        if flips.empty:
            return [_paragraph("None changes.")]
        main = variants[variants["variant"] == "main"].set_index(["metric", "term"])["p_value"]
        rows = [
            [
                style.name(row["metric"]),
                style.term(row["term"]),
                _VARIANTS.get(row["variant"], row["variant"]),
                style.p_value(main.get((row["metric"], row["term"]), float("nan"))),
                style.p_value(row["p_value"]),
            ]
            for row in flips.to_dict("records")
        ]
        return [
            _table(
                "Conclusions that change.",
                [
                    _column("metric", "left"),
                    _column("term", "left"),
                    _column("variant", "left"),
                    _column("p, main analysis"),
                    _column("p, variant"),
                ],
                rows,
            )
        ]

    def diagnostics(self) -> list[Block]:
        blocks: list[Block] = []
        table = self.rows("diagnostics", framing="absolute")
        for metric in self.settings.metrics:
            blocks.append(_heading(style.name(metric.name)))
            blocks += self.figure(f"residuals_{metric.name}")
            rows = table[table["metric"] == metric.name] if len(table) else table
            if rows.empty:
                blocks.append(_missing("The analysis gave no diagnostics for it."))
                continue
            blocks.append(
                _table(
                    f"Diagnostics of the least-squares fit of {style.name(metric.name)}, absolute "
                    "framing.",
                    [
                        _column("diagnostic", "left"),
                        _column("value or statistic"),
                        _column("p"),
                        _column("what it means", "left", wide=True),
                    ],
                    [
                        [
                            _DIAGNOSTICS.get(row["diagnostic"], style.name(row["diagnostic"])),
                            _significant_digits(
                                row["statistic"] if pd.isna(row["value"]) else row["value"]
                            ),
                            style.p_value(row["p_value"]),
                            str(row["sentence"]),
                        ]
                        for row in rows.to_dict("records")
                    ],
                )
            )
            blocks += self._influential(metric)
            blocks += self._anova(metric)
        return blocks

    def _influential(self, metric: Metric) -> list[Block]:
        table = self.rows("influence", metric=metric.name, framing="absolute")
        if table.empty:
            return []
        runs = table[table["influential"].astype(bool)].sort_values(
            "cooks_distance", ascending=False
        )
        if runs.empty:
            return [_paragraph("No single run decides the fit (Cook's distance).")]
        names = [style.run(row, self.settings.factors) for row in runs.to_dict("records")]
        return [_paragraph(f"Influential runs (Cook's distance): {'; '.join(names[:10])}.")]

    def _anova(self, metric: Metric) -> list[Block]:
        table = self.rows("anova", metric=metric.name, framing="absolute")
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
        if (table.loc[table["source"] == "pure_error", "df"] == 0).all():
            table = table[~table["source"].isin(["lack_of_fit", "pure_error"])]
        return [
            _table(
                f"Analysis of variance of {style.name(metric.name)}"
                f"{' (squared ' + metric.unit + ')' if metric.unit else ''}.",
                [
                    _column("source", "left"),
                    _column("df"),
                    _column("sum of squares"),
                    _column("mean square"),
                    _column("F"),
                    _column("p"),
                ],
                [
                    [
                        names.get(row["source"], style.name(row["source"])),
                        f"{row['df']:g}",
                        style.fixed(scale * row["sum_of_squares"], 4),
                        style.fixed(scale * row["mean_square"], 4),
                        style.fixed(row["f_statistic"], 2),
                        style.p_value(row["p_value"]),
                    ]
                    for row in table.to_dict("records")
                ],
            )
        ]

    # --- methods and limits ----------------------------------------------------------------------

    def methods(self) -> list[Block]:
        alpha, resamples = self.settings.alpha, self.settings.bootstrap
        model = (
            f"the terms {self.settings.formula}"
            if self.settings.formula
            else f"a full polynomial of degree {self.settings.degree}"
        )
        texts = [
            (
                "Model",
                f"Each metric is explained by {model} in the coded factors (Box & Draper 2007; "
                "vocabulary and checks after Lenth 2009). A numeric factor is taken on its own "
                "scale (logarithmic for learning rates), centred and divided by half of its range, "
                "so that a coefficient is the change for half the range; a categorical factor has "
                "sum-to-zero contrasts. The absolute framing explains the metric and counts from "
                "the centre of the design; the relative framing explains the difference to the "
                "baseline on the same replicate and counts from the baseline's own settings.",
            ),
            (
                "Three estimators",
                "Runs that share a training run have correlated errors: epochs is the sub-plot "
                "factor of a split-plot design, the others are whole-plot factors. Classical least "
                "squares ignores that and finds whole-plot effects too easily and epoch effects "
                "too rarely; it is reported because published analyses use it. The second "
                "estimator "
                "keeps the fit and takes cluster-robust (CR1) standard errors by trajectory. The "
                "third, on which conclusions rest, is a linear mixed model with a fixed replicate "
                "block and a random intercept for each trajectory, fitted by restricted maximum "
                "likelihood (Pinheiro & Bates 2000), with Satterthwaite's degrees of freedom as in "
                "lmerTest (Kuznetsova et al. 2017)."
                if self.study.runs["trajectory"].duplicated().any()
                else "They differ where several runs share a training run, such as its states "
                "after 1, 2 and 3 epochs, and so have correlated errors. Here every run is a "
                "training run of its own, and classical least squares is right where the scatter "
                "is even. The second estimator keeps the fit and takes standard errors (CR1) that "
                "also hold where it is not. The third, on which conclusions rest, is least squares "
                "with a fixed replicate block.",
            ),
            (
                "Intervals, p and q",
                f"Intervals are {self.percent} intervals. p-values are two-sided. q-values control "
                "the false discovery rate (Benjamini & Hochberg 1995) within one metric, framing "
                "and estimator, over all terms but the intercept. A term is called significant if "
                f"q < {alpha:g} and its interval excludes zero. The bands of effect plots hold for "
                "the whole curve at once; the intervals inside them hold at each point.",
            ),
            (
                "Surfaces and trade-offs",
                "The stationary point, its nature and the canonical axes follow Box & Draper "
                "(2007) and Lenth (2009). The best fitted point is searched inside the region "
                "studied "
                f"only; its interval is a bootstrap over whole trajectories ({resamples} "
                f"resamples). A "
                "cell is on the Pareto front if no other is at least as good in all of its metrics "
                "and better in one. Desirability is that of Derringer & Suich (1980).",
            ),
            (
                "Variability, importance, power",
                "Importance is told twice: by type II sums of squares of the polynomial and by "
                "functional ANOVA (Hutter et al. 2014), which needs no polynomial. Cells "
                "are compared with the baseline on the same texts, replicates pooled, by the exact "
                "McNemar test (McNemar 1947) and a paired bootstrap within each replicate where "
                "predictions were stored, corrected over the grid. "
                "The smallest detectable effect is the one found with "
                f"probability 0.8 at level {alpha:g}. The expected calibration error is that of "
                "Guo et al. (2017).",
            ),
        ]
        blocks: list[Block] = []
        for title, text in texts:
            blocks += [_heading(title), _paragraph(text)]
        return [*blocks, _heading("References"), {"type": "references", "items": list(REFERENCES)}]

    def limits(self) -> list[Block]:
        runs, source = self.study.runs, self.study.provenance.get("source", {})
        sentences = [
            "It is about one model, one data set and one range of settings. Outside of the levels "
            "studied the polynomial is no guide.",
            "The best of many means is too good: part of its lead is luck. A new replicate of the "
            "chosen settings would tell how much.",
            "An effect that is not detected may exist below the size the design could have seen.",
        ]
        replicates = runs["replicate"].nunique() if "replicate" in runs else 1
        if replicates < 2:
            sentences.append(
                "There is one replicate: the spread between repeated runs, and with it pure error "
                "and lack of fit, cannot be estimated."
            )
        elif replicates < 5:
            sentences.append(
                f"There are {replicates} replicates: intervals of single cells are wide, and "
                "variance between replicates is known only roughly."
            )
        if source.get("kind") == "embedded":
            sentences.append(
                "It ran on the embedded model and sentences. Directions may carry over to larger "
                "models; sizes should not be expected to."
            )
        if runs["trajectory"].duplicated().any():
            sentences.append(
                "Cells of one trajectory are one training run seen at several times: they hold "
                "less information than as many independent runs."
            )
        blocks = [
            {
                "type": "sentences",
                "items": [{"text": s, "significant": False} for s in sentences],
            }
        ]
        notes = self.rows("notes")
        if len(notes):
            blocks.append(_heading("What this table did not allow"))
            items = [
                {"text": str(s), "significant": False} for s in dict.fromkeys(notes["sentence"])
            ]
            blocks.append({"type": "sentences", "items": items})
        return blocks

    # --- appendices ------------------------------------------------------------------------------

    def every_run(self) -> list[Block]:
        runs = self.study.runs
        if len(runs) > LISTED_RUNS:
            told = f"The {len(runs):,} runs are too many to list; they are in the table of runs."
            return [_paragraph(told)]
        metrics = list(self.settings.metrics)
        relative = [m for m in metrics if f"delta_{m.name}" in runs]
        extras = [
            (column, title, digits)
            for column, title, digits in (("seconds", "seconds", 0), ("tokens", "tokens", 0))
            if column in runs and column not in self.settings.metric_names
        ]
        spans = [
            {"title": "", "columns": len(self.settings.factors) + 2},
            {"title": "metric", "columns": len(metrics)},
            *([{"title": "− baseline", "columns": len(relative)}] if relative else []),
            *([{"title": "", "columns": len(extras)}] if extras else []),
        ]
        columns = [
            *self.factor_columns(),
            _column("replicate"),
            _column("status", "left"),
            *(_column(style.name(m.name)) for m in metrics),
            *(_column(style.name(m.name)) for m in relative),
            *(_column(title) for _, title, _ in extras),
        ]
        rows = [
            [
                *self.setting(row),
                str(row.get("replicate", "")),
                str(row.get("status", "ok")).replace("_", " "),
                *(self.value(row[m.name], m, more=1) for m in metrics),
                *(self.value(row[f"delta_{m.name}"], m, sign=True, more=1) for m in relative),
                *(style.fixed(row[column], digits) for column, _, digits in extras),
            ]
            for row in runs.to_dict("records")
        ]
        units = style.listed(
            [
                f"{style.name(m.name)} in {'%' if m.unit == 'points' else m.unit}"
                for m in metrics
                if m.unit
            ]
        )
        return [
            _table(
                f"Every run{': ' + units if units else ''}.",
                columns,
                rows,
                spans=spans,
                size=7.5,
            )
        ]

    def versions(self) -> list[Block]:
        provenance = self.study.provenance
        if not provenance:
            return [
                _missing(
                    "The table came without provenance.json, so versions and seeds are not known."
                )
            ]
        blocks: list[Block] = []
        machine = provenance.get("machine", {})
        if machine:
            text = ", ".join(f"{style.name(k)}: {_plain(v)}" for k, v in machine.items())
            blocks.append(_paragraph(f"Machine: {text}."))
        versions = provenance.get("versions", {})
        if versions:
            blocks.append(
                _paragraph(
                    "Packages: " + ", ".join(f"{k} {_plain(v)}" for k, v in versions.items()) + "."
                )
            )
        seeds = provenance.get("seeds", {})
        if seeds:
            kinds = list(dict.fromkeys(kind for each in seeds.values() for kind in each))
            blocks.append(
                _table(
                    f"Seeds of each replicate. The study's own seed, from which these and every "
                    f"resampling are drawn, is {self.settings.seed}.",
                    [_column("replicate", "left"), *(_column(kind) for kind in kinds)],
                    [
                        [str(replicate), *(_plain(each.get(kind)) for kind in kinds)]
                        for replicate, each in seeds.items()
                    ],
                )
            )
        return blocks


REFERENCES = (
    "Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate: a practical and "
    "powerful approach to multiple testing. Journal of the Royal Statistical Society B 57, "
    "289–300.",
    "Box, G. E. P. & Draper, N. R. (2007). Response Surfaces, Mixtures, and Ridge Analyses. "
    "2nd ed., Wiley.",
    "Derringer, G. & Suich, R. (1980). Simultaneous optimization of several response variables. "
    "Journal of Quality Technology 12, 214–219.",
    "Guo, C., Pleiss, G., Sun, Y. & Weinberger, K. Q. (2017). On calibration of modern neural "
    "networks. Proceedings of ICML 2017.",
    "Hutter, F., Hoos, H. & Leyton-Brown, K. (2014). An efficient approach for assessing "
    "hyperparameter importance. Proceedings of ICML 2014, 754–762.",
    "Kuznetsova, A., Brockhoff, P. B. & Christensen, R. H. B. (2017). lmerTest package: tests in "
    "linear mixed effects models. Journal of Statistical Software 82(13).",
    "Lenth, R. V. (2009). Response-surface methods in R, using rsm. Journal of Statistical "
    "Software 32(7).",
    "McNemar, Q. (1947). Note on the sampling error of the difference between correlated "
    "proportions or percentages. Psychometrika 12, 153–157.",
    "Pinheiro, J. C. & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer.",
    "The published study this project starts from: arXiv 2501.00241.",
)


_VARIANTS = {"logit": "log-odds of the metric", "log": "logarithm of the metric"}
_DIAGNOSTICS = {
    "r_squared": "R²",
    "adjusted_r_squared": "adjusted R²",
    "predicted_r_squared": "predicted R²",
    "press": "PRESS",
    "sigma": "residual σ",
    "shapiro_wilk": "Shapiro–Wilk",
    "dagostino_pearson": "D'Agostino–Pearson",
    "breusch_pagan": "Breusch–Pagan",
    "largest_cooks_distance": "largest Cook's distance",
    "largest_variance_inflation": "largest VIF",
}


def _plain(value: Any) -> str:
    """A value of the provenance as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return style.level(value)
    return str(value)


def _significant_digits(value: float) -> str:
    if pd.isna(value):
        return ""
    if float(value).is_integer():
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def _replicates(value: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.0f}" if value <= 999 else ">999"
