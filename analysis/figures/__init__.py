"""Every figure of the study: one function each, from the tables to a matplotlib Figure.

``FIGURES`` lists them with their captions; ``draw_all`` draws the list into a folder.
A function that lacks what it would show raises ``CannotDraw`` with a sentence for the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from analysis import style, words
from analysis.figures import side_by_side
from analysis.figures.common import CannotDraw, Tables
from analysis.figures.diagnostics import residuals
from analysis.figures.estimates import coefficients
from analysis.figures.results import differences, effects, interactions
from analysis.figures.surfaces import contours, perspective
from analysis.figures.tradeoffs import parallel_coordinates, tradeoff
from analysis.figures.training import learning_curves
from analysis.figures.variability import importance, power, reliability, variance_components
from analysis.runs.settings import Metric, Settings
from analysis.runs.study import Study
from common import files

SUFFIXES = (".svg", ".png")  # every figure is both


@dataclass(frozen=True)
class Kind:
    """One figure of the list; ``{metric}`` in the texts is the metric's name."""

    draw: Callable[..., Figure]
    title: str
    caption: str
    per_metric: bool = True

    @property
    def name(self) -> str:
        return self.draw.__name__


FIGURES = (
    Kind(
        differences,
        "Difference to the baseline: {metric}",
        "{metric}, mean over replicates, less the baseline on the same evaluation texts. Blue "
        "is better than the baseline, orange worse. Bold: the interval of this cell excludes zero "
        "(cell by cell, not corrected for their number).",
    ),
    Kind(
        effects,
        "Effects: {metric}",
        "Fitted {metric} along each factor with the others at the centre of the design (split-plot "
        "estimator). Grey dots are the means of all cells, also those away from the centre.",
    ),
    Kind(
        interactions,
        "Interactions: {metric}",
        "Fitted {metric} along one factor at the levels of another, remaining factors at the "
        "centre, with pointwise intervals. Parallel lines are no interaction.",
    ),
    Kind(
        contours,
        "Fitted surface: {metric}",
        "Contours of the fitted {metric} over the region studied. A dot that stands out from its "
        "surroundings is a cell at the values held that the surface fits badly.",
    ),
    Kind(
        perspective,
        "Fitted surface in perspective: {metric}",
        "The fitted {metric} in perspective; dots are the means of the cells at the values held.",
    ),
    Kind(
        coefficients,
        "Coefficients: {metric}",
        "Coefficients of the second-order model for {metric} with intervals, by three estimators.",
    ),
    Kind(
        tradeoff,
        "Trade-off between metrics",
        "Each point is the mean of a cell, with its interval if they are at most 1,000. The "
        "numbers on the Pareto front are those of the table.",
        per_metric=False,
    ),
    Kind(
        parallel_coordinates,
        "Settings and metrics of every cell",
        "One line a cell, from its settings to the means of its metrics; up is better on every "
        "metric's axis. Lines are set slightly apart where they would coincide.",
        per_metric=False,
    ),
    Kind(
        learning_curves,
        "Learning curves",
        "Training by trajectory: thin lines are trajectories, thick ones their means.",
        per_metric=False,
    ),
    Kind(
        variance_components,
        "Variance components",
        "Where the variation of each metric comes from.",
        per_metric=False,
    ),
    Kind(
        importance,
        "Importance",
        "Share of the explained variance by factor and by pair, with bootstrap intervals.",
        per_metric=False,
    ),
    Kind(
        power,
        "What the design could detect",
        "Size of each observed coefficient against the smallest one that the design detects with "
        "probability 0.8.",
        per_metric=False,
    ),
    Kind(
        reliability,
        "Calibration",
        "Reliability diagrams: how often the classifier is right among texts it is equally "
        "sure about; the diagonal is perfect. Area of a dot: number of texts. ECE: expected "
        "calibration error.",
        per_metric=False,
    ),
    Kind(
        residuals,
        "Residuals: {metric}",
        "Residuals of the absolute regression of {metric}.",
    ),
)


def draw_all(
    tables: Tables, study: Study, settings: Settings, folder: Path, processes: int = 1
) -> list[Path]:
    """Draws every figure as SVG and PNG into the folder, and lists them in ``captions.csv``.

    The list has one row a figure: name (the files' stem), metric, title, caption, left_out (why it
    could not be drawn; then there is no file). The same tables give the same bytes, however many
    processes draw.
    """
    folder = Path(folder)
    draw = partial(_draw, tables, study, settings, folder)
    wanted = [
        (kind, metric)
        for kind in FIGURES
        for metric in (settings.metrics if kind.per_metric else (None,))
    ]
    listed = side_by_side.starmap(draw, wanted, processes)
    captions = folder / "captions.csv"
    with files.replacing(captions) as unfinished:
        pd.DataFrame(listed).to_csv(unfinished, index=False)
    drawn = [row["name"] for row in listed if not row["left_out"]]
    return [*(folder / f"{name}{suffix}" for name in drawn for suffix in SUFFIXES), captions]


def _draw(
    tables: Tables,
    study: Study,
    settings: Settings,
    folder: Path,
    kind: Kind,
    metric: Metric | None,
) -> dict[str, str]:
    """Draws one figure into the folder; returns its row of the list."""
    shown = words.name(metric.name) if metric else ""
    row = {
        "name": f"{kind.name}_{metric.name}" if metric else kind.name,
        "metric": metric.name if metric else "",
        "title": words.sentence_case(kind.title.format(metric=shown)),
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
