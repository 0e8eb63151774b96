"""Every figure of the study: one function each, from the tables to a matplotlib Figure.

Each module lists its own with their captions; ``draw_all`` draws them all into a folder, and
``Drawing`` each as soon as its tables are there.
A function that lacks what it would show raises ``CannotDraw`` with a sentence for the reader.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from analysis import side_by_side, style, words
from analysis.figures import (
    diagnostics,
    estimates,
    results,
    surfaces,
    tradeoffs,
    training,
    variability,
)
from analysis.figures.common import CannotDraw, Kind, Tables
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric
from common import files

SUFFIXES = (".svg", ".png")  # every figure is both

FIGURES = tuple(
    kind
    for topic in (results, surfaces, estimates, tradeoffs, training, variability, diagnostics)
    for kind in topic.FIGURES
)


def draw_all(
    tables: Tables, study: Study, settings: Settings, folder: Path, processes: int = 1
) -> list[Path]:
    """Draws every figure as SVG and PNG into the folder, and lists them in ``captions.csv``.

    The list has one row a figure: name (the files' stem), kind (its title without the metric),
    metric, title, caption, left_out (why it could not be drawn; then there is no file). The same
    tables give the same bytes, however many processes draw.
    """
    with Drawing(study, settings, folder, processes) as drawing:
        return drawing.finish(tables)


class Drawing:
    """The same while the tables are still computed: a figure is begun when its tables are there."""

    def __init__(self, study: Study, settings: Settings, folder: Path, processes: int = 1) -> None:
        self._folder = Path(folder)
        self._calls = side_by_side.Calls(partial(_draw, study, settings, self._folder), processes)
        self._wanted = [
            (kind, metric)
            for kind in FIGURES
            for metric in (settings.metrics if kind.per_metric else (None,))
        ]
        self._begun: dict[tuple[Kind, Metric | None], Future[dict[str, str]]] = {}

    def __enter__(self) -> Drawing:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.__exit__()

    def offer(self, tables: Tables) -> None:
        """Begins the figures of which these are all tables."""
        for kind, metric in self._wanted:
            if (kind, metric) not in self._begun and set(kind.tables) <= set(tables):
                self._begin(kind, metric, tables)

    def finish(self, tables: Tables) -> list[Path]:
        """Draws the rest from the tables that there are; returns the paths of all files."""
        for kind, metric in self._wanted:
            if (kind, metric) not in self._begun:
                self._begin(kind, metric, tables)
        listed = [self._begun[each].result() for each in self._wanted]
        captions = self._folder / "captions.csv"
        with files.replacing(captions) as unfinished:
            pd.DataFrame(listed).to_csv(unfinished, index=False)
        drawn = [row["name"] for row in listed if not row["left_out"]]
        return [
            *(self._folder / f"{name}{suffix}" for name in drawn for suffix in SUFFIXES),
            captions,
        ]

    def _begin(self, kind: Kind, metric: Metric | None, tables: Tables) -> None:
        known = {name: tables[name] for name in kind.tables if name in tables}
        self._begun[kind, metric] = self._calls.start(known, kind, metric)


def _draw(
    study: Study,
    settings: Settings,
    folder: Path,
    tables: Tables,
    kind: Kind,
    metric: Metric | None,
) -> dict[str, str]:
    """Draws one figure into the folder; returns its row of the list."""
    shown = words.name(metric.name) if metric else ""
    row = {
        "name": f"{kind.name}_{metric.name}" if metric else kind.name,
        "kind": kind.title,
        "metric": metric.name if metric else "",
        "title": f"{kind.title}: {shown}" if metric else kind.title,
        "caption": words.sentence_case(kind.caption.format(metric=shown)),
        "left_out": "",
    }
    with style.applied():
        try:
            figure = kind.draw(tables, study, settings, *([metric] if metric else []))
        except CannotDraw as reason:
            row["left_out"] = str(reason)
            for suffix in SUFFIXES:  # of an earlier run
                (folder / (row["name"] + suffix)).unlink(missing_ok=True)
        else:
            _save(figure, folder / row["name"], row["title"], row["caption"])
    return row


def _save(figure: Figure, stem: Path, title: str, caption: str) -> None:
    """Both files hold their title and caption, wherever they are copied to."""
    # Laid out once and drawn once a format; figure.savefig would do both again each time.
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    svg, png = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    told = {"Title": title, "Description": caption}
    with files.replacing(png) as unfinished:
        FigureCanvasAgg(figure).print_png(unfinished, metadata=told | {"Software": None})
    with files.replacing(svg) as unfinished:
        FigureCanvasSVG(figure).print_svg(unfinished, metadata=told | {"Date": None})
