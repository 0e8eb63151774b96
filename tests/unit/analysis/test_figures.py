"""Every figure on the reference study and on other designs: complete, legible, the same bytes."""

import functools
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import reference
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis import figures, style, tables, words
from analysis.preparation import read_study, study_of
from common.configuration import read_config
from tests import strange_tables

FOUR_FACTORS = {
    "factors": {
        "learning_rate": {"scale": "log10"},
        "weight_decay": {"scale": "linear"},
        "schedule": {"scale": "categorical"},
        "epochs": {"scale": "linear"},
    },
    "analysis": {
        "metrics": {
            "accuracy": {"better": "higher", "unit": "points"},
            "seconds": {"better": "lower", "unit": "s"},
        },
        "bootstrap": 100,
    },
}
SEARCH = {
    "factors": {"learning_rate": {"scale": "log10"}, "dropout": {"scale": "linear"}},
    "analysis": {"metrics": {"a_metric-x": {"better": "higher"}}, "bootstrap": 100},
}


@functools.cache
def reference_study():
    settings = reference.settings(bootstrap=100)
    study = reference.study()
    return tables.compute(study, settings), study, settings


@functools.cache
def four_factors():
    """Two replicates, a categorical factor, no baseline, a metric in seconds."""
    rng = np.random.default_rng(0)
    grid = itertools.product((1e-5, 1e-4), (0.0, 0.1), ("constant", "linear"), (1, 2), (0, 1))
    names = ["learning_rate", "weight_decay", "schedule", "epochs", "replicate"]
    table = pd.DataFrame(grid, columns=names)
    noise = rng.normal(size=len(table))
    table["accuracy"] = 0.8 + 0.01 * table["epochs"] + 0.004 * noise
    table["seconds"] = 20 * table["epochs"] + rng.normal(size=len(table))
    settings = reference.settings(FOUR_FACTORS, formula=" + ".join(names[:4]))
    study = study_of(table, settings)
    return tables.compute(study, settings), study, settings


@functools.cache
def random_search():
    """No grid, no replicates, no baseline, one metric whose name is no plain word."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"learning_rate": 10 ** rng.uniform(-5, -4, 30)})
    table["dropout"] = rng.uniform(0, 0.3, 30)
    table["a_metric-x"] = np.log10(table["learning_rate"]) + rng.normal(0, 0.1, 30)
    settings = reference.settings(SEARCH)
    study = study_of(table, settings)
    return tables.compute(study, settings), study, settings


@functools.cache
def example():
    """The finished study that comes with the project."""
    folder = Path(__file__).parents[3] / "results" / "example"
    settings = reference.settings(read_config(folder / "config.yaml"), bootstrap=100)
    study = read_study(folder / "runs.csv", settings)
    return tables.compute(study, settings), study, settings


@pytest.fixture(autouse=True)
def in_the_style():
    """matplotlib reads its settings also when a figure is measured."""
    with style.applied():
        yield


@functools.cache
def drawn(kind, case):
    """Every figure of a kind, laid out; what cannot be drawn is not among them."""
    computed, study, settings = case()
    found = []
    for metric in settings.metrics if kind.per_metric else (None,):
        try:
            figure = kind.draw(computed, study, settings, *([metric] if metric else []))
        except figures.CannotDraw as reason:
            assert str(reason).endswith(".")
            continue
        FigureCanvasAgg(figure).draw()
        found.append(figure)
    return found


@pytest.mark.parametrize("kind", figures.FIGURES, ids=lambda kind: kind.name)
@pytest.mark.parametrize("case", [reference_study, four_factors, random_search])
def test_all_text_is_inside_the_figure_and_large_enough(kind, case):
    for figure in drawn(kind, case):
        texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
        assert min(text.get_fontsize() for text in texts) >= 7
        drawn_on, page = figure.get_tightbbox(), figure.bbox_inches  # in inches
        beyond = (page.x0 - drawn_on.x0, page.y0 - drawn_on.y0)
        beyond += (drawn_on.x1 - page.x1, drawn_on.y1 - page.y1)
        assert max(beyond) < 0.02


@pytest.mark.parametrize("kind", figures.FIGURES, ids=lambda kind: kind.name)
@pytest.mark.parametrize("case", [reference_study, four_factors, example])
def test_labels_and_titles_do_not_overlap(kind, case):
    for figure in drawn(kind, case):
        for axes in figure.axes:
            if hasattr(axes, "zaxis"):
                continue
            for axis in (axes.xaxis, axes.yaxis):
                boxes = [
                    label.get_window_extent()
                    for label in axis.get_ticklabels()
                    if label.get_text() and label.get_visible()
                ]
                for one, other in itertools.pairwise(boxes):
                    assert not one.overlaps(other)
        flat = [axes for axes in figure.axes if not hasattr(axes, "zaxis")]
        texts = [text for axes in flat for text in (axes.title, axes._left_title, axes.xaxis.label)]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other)


@functools.cache
def strange(make):
    table, config = make()
    settings = reference.settings(config, bootstrap=100)
    study = study_of(table, settings)
    return tables.compute(study, settings), study, settings


def texts_drawn(figure):
    """Every text that is really drawn: an axis has labels beyond its ends, too."""
    found, draw = [], Text.draw

    def noted(text, *given, **named):
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        return draw(text, *given, **named)

    with mock.patch.object(Text, "draw", noted):
        FigureCanvasAgg(figure).draw()
    return found


@pytest.mark.parametrize("kind", figures.FIGURES, ids=lambda kind: kind.name)
@pytest.mark.parametrize("make", strange_tables.SMALL, ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("error")  # matplotlib warns of letters that its font lacks
def test_of_strange_tables_no_text_touches_another_or_leaves_the_page(kind, make):
    computed, study, settings = strange(make)
    for metric in settings.metrics if kind.per_metric else (None,):
        try:
            figure = kind.draw(computed, study, settings, *([metric] if metric else []))
        except figures.CannotDraw:
            continue
        assert figure.get_figheight() <= 9  # with its caption on one page
        if any(hasattr(axes, "zaxis") for axes in figure.axes):
            continue  # labels of 3-d axes are as deep as they are wide
        texts = texts_drawn(figure)
        boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
        width, height = figure.bbox.size
        for told, box in boxes:
            assert box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2, told
        for (one, box), (other, beside) in itertools.combinations(boxes, 2):
            shared = Bbox.intersection(box, beside)
            touches = shared is not None and min(shared.width, shared.height) > 1.5
            assert not touches, (one, other)


def test_the_reference_study_lacks_only_what_it_did_not_bring():
    _, _, settings = reference_study()
    missing = []
    for kind in figures.FIGURES:
        wanted = len(settings.metrics) if kind.per_metric else 1
        missing += [kind.name] * (wanted - len(drawn(kind, reference_study)))
    assert missing == ["learning_curves", "reliability"]


@pytest.mark.parametrize("processes", [1, 2])
def test_draw_all_writes_the_same_bytes_and_says_what_is_left_out(tmp_path, monkeypatch, processes):
    few = [k for k in figures.FIGURES if k.name in ("differences", "tradeoff", "reliability")]
    monkeypatch.setattr(figures, "FIGURES", few)
    computed, study, settings = reference_study()
    first = figures.draw_all(computed, study, settings, tmp_path / "first")
    again = figures.draw_all(computed, study, settings, tmp_path / "again", processes)
    assert [p.name for p in first] == [p.name for p in again]
    assert {p.name for p in first} == {p.name for p in (tmp_path / "first").iterdir()}
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, again, strict=True))
    captions = pd.read_csv(tmp_path / "first" / "captions.csv", keep_default_na=False)
    left_out = captions.set_index("name")["left_out"]
    assert left_out["reliability"].endswith(".")
    assert (left_out.drop("reliability") == "").all()


@pytest.mark.parametrize("kind", figures.FIGURES, ids=lambda kind: kind.name)
def test_a_figure_reads_only_the_tables_that_it_names(kind):
    read = set()

    class Noted(dict):
        def get(self, name, default=None):
            read.add(name)
            return super().get(name, default)

        def __getitem__(self, name):
            read.add(name)
            return super().__getitem__(name)

    computed, study, settings = example()
    for metric in settings.metrics if kind.per_metric else (None,):
        kind.draw(Noted(computed), study, settings, *([metric] if metric else []))
    assert read <= set(kind.tables) <= set(computed)


def test_a_figure_is_drawn_as_soon_as_its_tables_are_there(tmp_path, monkeypatch):
    few = [k for k in figures.FIGURES if k.name in ("tradeoff", "importance")]
    monkeypatch.setattr(figures, "FIGURES", few)
    computed, study, settings = reference_study()
    with figures.Drawing(study, settings, tmp_path) as drawing:
        drawing.offer({"cells": computed["cells"]})
        assert not any(tmp_path.iterdir())
        drawing.offer({name: computed[name] for name in ("cells", "pareto")})
        assert (tmp_path / "tradeoff.svg").exists()
        assert not (tmp_path / "importance.svg").exists()
        drawing.finish(computed)
    assert (tmp_path / "importance.svg").exists()


def test_processes_that_draw_end_with_the_one_that_started_them():
    code = "import time; from analysis import side_by_side\n"
    code += "calls = side_by_side.Calls(time.sleep, 2)\n"
    code += "calls.start(60), calls.start(60), time.sleep(60)"
    started = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, cwd=Path(__file__).parents[3]
    )
    time.sleep(4)
    os.killpg(started.pid, 0)
    started.kill()
    started.wait()
    ends = time.monotonic() + 30
    with pytest.raises(ProcessLookupError):  # no process of the group is left
        while time.monotonic() < ends:
            os.killpg(started.pid, 0)
            time.sleep(0.1)


def test_a_figure_that_cannot_be_drawn_any_more_is_removed(tmp_path, monkeypatch):
    few = [k for k in figures.FIGURES if k.name == "tradeoff"]
    monkeypatch.setattr(figures, "FIGURES", few)
    computed, study, settings = reference_study()
    figures.draw_all(computed, study, settings, tmp_path)
    assert (tmp_path / "tradeoff.svg").exists()
    figures.draw_all({}, study, settings, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["captions.csv"]


def test_every_share_lies_within_its_panel():
    computed, study, settings = four_factors()
    table = computed["importance"].copy()
    first = table["metric"] == settings.metric_names[0]
    table.loc[first, ["share", "ci_low", "ci_high"]] *= 0.3
    figure = figures.variability.importance(computed | {"importance": table}, study, settings)
    for axis in figure.axes:
        for line in axis.lines:
            assert np.nanmax(np.asarray(line.get_xdata(), dtype=float)) <= axis.get_xlim()[1]


@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_tables_read_back_draw_the_same(tmp_path):
    computed, study, settings = random_search()
    tables.write(computed, tmp_path)
    read = tables.read_tables(tmp_path)
    for draw in (figures.surfaces.contours, figures.surfaces.perspective):
        before, after = (
            draw(given, study, settings, settings.metrics[0]) for given in (computed, read)
        )
        assert len(before.axes) == len(after.axes)


@pytest.mark.parametrize("kind", figures.FIGURES, ids=lambda kind: kind.name)
def test_without_tables_every_figure_says_why(kind):
    _, study, settings = reference_study()
    with pytest.raises(figures.CannotDraw):
        kind.draw({}, study, settings, *([settings.metrics[0]] if kind.per_metric else []))


def test_names_and_numbers_as_one_writes_them():
    assert words.term([("learning_rate", None, 2)]) == "learning rate²"
    assert (
        words.term([("schedule", "linear", 1), ("epochs", None, 1)]) == "schedule = linear × epochs"
    )
    assert [words.level(v) for v in (1e-5, 3.16e-5, 16, 0.05, 2.0)] == [
        "1e-5",
        "3.2e-5",
        "16",
        "0.05",
        "2",
    ]
    assert words.level(3.16228e-5, digits=4) == "3.162e-5" and words.level(1e-5, digits=4) == "1e-5"
    row = {"learning_rate": 0.0001400056, "batch_size": 8, "epochs": 5.0, "replicate": 0}
    name = words.run(row, reference.settings().factors)
    assert name == "learning rate 1.4e-4, batch size 8, 5 epochs, replicate 0"
    assert words.count(100_000, "run") == "100,000 runs"
    points, nats, _ = (reference.settings().metric(n) for n in ("accuracy", "loss", "f1"))
    assert words.amount(0.0081, points, sign=True) == "+0.8 points"
    assert words.amount(-0.0312, nats) == "−0.031 nats"
    assert words.amount(0.0002, points) == "0.02 points"  # never rounded to no effect
    assert words.interval(0.0003, 0.014, points) == "0.03 to 1.40"
    assert words.p_value(0.0004, "p") == "p < 0.001"
    assert words.fixed(-0.00001, 2) == "0.00"


def test_of_a_large_table_some_cells_are_drawn_by_chance_and_it_is_said(monkeypatch):
    computed, study, settings = reference_study()
    monkeypatch.setattr(figures.common, "MANY", 10)
    with style.applied():
        figure = figures.tradeoffs.tradeoff(computed, study, settings)
        told = figure.get_supxlabel()
        drawn = sum(len(c.get_offsets()) for c in figure.axes[0].collections if c.get_zorder() == 4)
    front = figures.tradeoffs.front_cells(computed, settings)
    assert told == "10 of 27 cells are drawn, by chance, and all on the Pareto front."
    assert 10 <= drawn <= 10 + len(front) < 27
