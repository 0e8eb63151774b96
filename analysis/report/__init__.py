"""report.pdf: what the tables say, laid out by Typst.

``context`` gathers all texts, numbers and figure names into one mapping, section by section, each
of which is a module; ``write`` hands it as JSON to ``report.typ``. Text reaches Typst as JSON
strings, which it shows and never evaluates.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import typst

from analysis import words
from analysis.report import (
    appendix,
    augmentation,
    design,
    diagnostics,
    methods,
    opening,
    regression,
    results,
    robustness,
    surfaces,
    tradeoffs,
    variability,
)
from analysis.report.content import Content, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common import files

TEMPLATE = Path(__file__).with_name("report.typ")
SOURCE_LETTERS = 40  # of its name in the running header


def write(
    tables: Tables, study: Study, settings: Settings, figures_folder: Path, path: Path
) -> None:
    """Compiles the report from the tables and the figures that ``figures.draw_all`` drew.

    The same input gives the same bytes. The file appears whole or not at all.
    """
    with compiler(tables, study, settings, Path(figures_folder)) as laid_out:
        # Untagged: tags double the file, and Chromium shows none over 1.5 MB in the HTML report.
        pdf: Any = laid_out.compile(format="pdf", timestamp=0, pdf_tags=False)
    with files.replacing(Path(path)) as unfinished:
        unfinished.write_bytes(pdf)


@contextmanager
def compiler(
    tables: Tables, study: Study, settings: Settings, figures_folder: Path
) -> Iterator[typst.Compiler]:
    """Typst with the report, to be compiled to a PDF or to pictures of its pages."""
    drawn = _drawn(figures_folder)
    content = context(tables, study, settings, drawn)
    with tempfile.TemporaryDirectory() as folder:
        # all that Typst reads lies in one folder of its own: it can reach nothing else
        root = Path(folder)
        (root / "figures").mkdir()
        for name in drawn.index[drawn["left_out"] == ""] if len(drawn) else ():
            shutil.copyfile(figures_folder / f"{name}.svg", root / "figures" / f"{name}.svg")
        (root / "context.json").write_text(json.dumps(_legible(content), ensure_ascii=False))
        shutil.copyfile(TEMPLATE, root / TEMPLATE.name)
        yield typst.Compiler(
            root / TEMPLATE.name, root=root, ignore_system_fonts=True, font_paths=[words.FONTS]
        )


def context(
    tables: Tables, study: Study, settings: Settings, drawn: pd.DataFrame
) -> dict[str, Any]:
    """All that the report says: the first page and the sections, each a list of blocks.

    ``drawn`` is the list of figures by name with title, caption and left_out.
    """
    content = Content(tables, study, settings, drawn)
    first_page = opening.first_page(content)
    content.first_page_done = True
    source = study.provenance.get("source", {})
    origin, unlike = _origin(source)
    name = str(study.provenance.get("study", "")) or "Hyperparameter study"
    return {
        "title": words.sentence_case(name),
        "subtitle": _subtitle(settings),
        "running": words.sentence_case(name),
        "source_kind": str(source.get("kind", "")),
        "source_title": f"Source: {origin}{unlike}",
        "source_short": f"source: {origin}",
        "source_sentence": str(
            source.get("sentence")
            or "The table came without a record of where its model and data are from."
        ),
        "first_page": first_page,
        "sections": [
            {"title": title, "blocks": blocks}
            for title, blocks in (
                ("Source and design", design.source_and_design(content)),
                ("Baseline", design.baseline(content)),
                ("Augmentation", augmentation.augmentation(content)),
                ("Results", results.results(content)),
                *(
                    (f"Regression: {words.name(m.name)}", regression.regression(content, m))
                    for m in settings.metrics
                ),
                ("Interactions", surfaces.interactions(content)),
                ("Surfaces", surfaces.surfaces(content)),
                ("Trade-offs", tradeoffs.tradeoffs(content)),
                ("Variability and power", variability.variability(content)),
                ("Robustness", robustness.robustness(content)),
                ("Diagnostics", diagnostics.diagnostics(content)),
                ("Methods", methods.methods(content)),
                ("What this study cannot say", methods.limits(content)),
                ("Further figures", content.further_figures()),
                ("Appendix: every run", appendix.every_run(content)),
                ("Appendix: versions and seeds", appendix.versions(content)),
            )
            if blocks
        ],
    }


def _origin(source: Mapping[str, Any]) -> tuple[str, str]:
    """Where model and texts come from, in a few words, and what the first page adds."""
    kind = source.get("kind")
    if not kind:
        return "a table of runs", ""
    if kind == "embedded":
        return "embedded model and sentences", ", not the Hugging Face Hub"
    if kind != "hub":
        return words.shortened(words.name(str(kind)), SOURCE_LETTERS), ""
    # local files have no revision
    pinned = [source.get(f"{what}_revision") is not None for what in ("checkpoint", "dataset")]
    names = {2: "Hugging Face Hub", 1: "Hugging Face Hub and local files", 0: "local files"}
    return names[sum(pinned)], ""


def _legible(content: Any) -> Any:
    """The same blocks with all their texts in letters that the report's fonts have."""
    if isinstance(content, str):
        return words.legible(content)
    if isinstance(content, list | tuple):
        return [_legible(each) for each in content]
    if isinstance(content, dict):
        return {key: _legible(each) for key, each in content.items()}
    return content


def _drawn(folder: Path) -> pd.DataFrame:
    """The list of figures by name, as ``figures.draw_all`` left it."""
    path = folder / "captions.csv"
    if not path.exists():
        return pd.DataFrame(columns=["name", "kind", "metric", "title", "caption", "left_out"])
    return pd.read_csv(path, keep_default_na=False).set_index("name")


def _subtitle(settings: Settings) -> str:
    factors = words.listed([words.name(name) for name in settings.factor_names])
    metrics = words.listed([words.name(name) for name in settings.metric_names])
    return f"{words.sentence_case(metrics)} by {factors}"
