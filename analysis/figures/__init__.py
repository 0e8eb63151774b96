"""Every figure of the study: one function each, from the tables to a matplotlib Figure.

Each module lists its own with their captions; ``draw_all`` draws them all into a folder.
A function that lacks what it would show raises ``CannotDraw`` with a sentence for the reader.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from analysis import style, words
from analysis.figures import (
    diagnostics,
    estimates,
    results,
    surfaces,
    tradeoffs,
    training,
    variability,
)
from analysis.figures.common import CannotDraw, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common import files

FIGURES = tuple(
    kind
    for topic in (results, surfaces, estimates, tradeoffs, training, variability, diagnostics)
    for kind in topic.FIGURES
)


def draw_all(tables: Tables, study: Study, settings: Settings, folder: Path) -> list[Path]:
    """Draws every figure as SVG and PNG into the folder, and lists them in ``captions.csv``.

    The list has one row a figure: name (the files' stem), metric, title, caption, left_out (why it
    could not be drawn; then there is no file). The same tables give the same bytes.
    """
    folder = Path(folder)
    written, listed = [], []
    with style.applied():
        for kind in FIGURES:
            for metric in settings.metrics if kind.per_metric else (None,):
                shown = words.name(metric.name) if metric else ""
                stem = f"{kind.name}_{metric.name}" if metric else kind.name
                row = {
                    "name": stem,
                    "metric": metric.name if metric else "",
                    "title": words.sentence_case(kind.title.format(metric=shown)),
                    "caption": words.sentence_case(kind.caption.format(metric=shown)),
                    "left_out": "",
                }
                try:
                    figure = kind.draw(tables, study, settings, *([metric] if metric else []))
                except CannotDraw as reason:
                    row["left_out"] = str(reason)
                    for suffix in (".svg", ".png"):  # of an earlier run
                        (folder / (stem + suffix)).unlink(missing_ok=True)
                else:
                    written += _save(figure, folder / stem, row["title"], row["caption"])
                listed.append(row)
    captions = folder / "captions.csv"
    with files.replacing(captions) as unfinished:
        pd.DataFrame(listed).to_csv(unfinished, index=False)
    return [*written, captions]


def _save(figure: Figure, stem: Path, title: str, caption: str) -> list[Path]:
    """Both files hold their title and caption, wherever they are copied to."""
    # Laid out once and drawn once a format; figure.savefig would do both again each time.
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    svg, png = (stem.with_name(stem.name + suffix) for suffix in (".svg", ".png"))
    told = {"Title": title, "Description": caption}
    with files.replacing(png) as unfinished:
        FigureCanvasAgg(figure).print_png(unfinished, metadata=told | {"Software": None})
    with files.replacing(svg) as unfinished:
        FigureCanvasSVG(figure).print_svg(unfinished, metadata=told | {"Date": None})
    return [svg, png]
