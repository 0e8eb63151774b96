"""The interactive pages: what is in them, that texts stay texts, that nothing is fetched.

What they do in a browser is tested in tests/workflow/test_pages.py.
"""

import functools
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import reference
from test_figures import four_factors, random_search, reference_study

from analysis import pages, tables, words
from analysis.pages import runs as runs_pages
from analysis.pages import surfaces as surfaces_pages
from analysis.preparation import study_of
from analysis.runs.study import Study

EMBEDDED_BYTES = 1_500_000  # of a longer page Chromium shows nothing within Snakemake's
HOSTILE = "</script><script>alert(1)</script>&lt'\""
IMAGE = "<img src onerror>"
HOSTILE_CONFIG = {
    "factors": {
        "rate": {"scale": "log10"},
        "dropout": {"scale": "linear"},
        "kind": {"scale": "categorical"},
    },
    "analysis": {"metrics": {"score": {"better": "higher", "unit": "<u>"}}, "bootstrap": 100},
}


@functools.cache
def hostile():
    """Levels and a unit that would be HTML, were they not escaped."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [(1e-5, 3e-5, 9e-5), (0.0, 0.1, 0.2), (HOSTILE, IMAGE)],
        names=["rate", "dropout", "kind"],
    )
    table = index.to_frame(index=False)
    table["score"] = table["dropout"] + rng.normal(0, 0.1, len(table))
    settings = reference.settings(HOSTILE_CONFIG)
    study = study_of(table, settings)
    return tables.compute(study, settings), study, settings


class Tags(HTMLParser):
    """Every tag of a page with the names of its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))


def surfaces(case):
    computed, study, settings = case()
    return surfaces_pages.surfaces_page(computed, study, settings)


def slices(page):
    return json.loads(re.search(r"const slices = (.*);\n", page)[1])


def run_table(page):
    """The table of the page as XML; it would be none, were a text not escaped."""
    table = ElementTree.fromstring(page[page.index("<table>") : page.index("</table>") + 8])
    names = [th.findtext("button") for th in table.find("thead/tr[@class='names']")]
    return names, [[td.text or "" for td in row] for row in table.find("tbody")]


CASES = [reference_study, four_factors, random_search, hostile]


@pytest.mark.parametrize("case", CASES)
def test_the_pages_are_the_same_bytes_each_time_and_fetch_nothing(case, tmp_path):
    computed, study, settings = case()
    pages.write(computed, study, settings, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.html", "surfaces.html"]
    for path in tmp_path.iterdir():
        page = path.read_text(encoding="utf-8")
        assert (
            page
            == {
                "surfaces.html": surfaces_pages.surfaces_page(computed, study, settings),
                "runs.html": runs_pages.runs_page(study, settings),
            }[path.name]
        )
        assert len(page) < EMBEDDED_BYTES
        found = Tags(page).found
        assert not {"img", "link", "iframe", "b", "i"} & {tag for tag, _ in found}
        assert not {"src", "href", "onerror"} & {name for _, names in found for name in names}
        assert not re.search(r"@import|url\(|fetch\(|https?:", page)


def test_a_slice_holds_the_fitted_surface_and_the_means_of_its_cells():
    computed, _, _ = reference_study()
    (piece,) = (
        piece
        for piece in slices(surfaces(reference_study))
        if piece["metric"] == "accuracy"
        and piece["factors"] == "learning rate × epochs"
        and piece["held"] == "batch size 16"
    )
    surface, points = piece["surface"], piece["points"]
    assert surface["x"][0] == surface["y"][0] == -1 and surface["x"][-1] == surface["y"][-1] == 1
    assert [text for _, text in piece["axes"][0]["ticks"]] == ["1e-5", "3e-5", "1e-4"]
    assert [at for at, _ in piece["axes"][1]["ticks"]] == [-1, 0, 1]

    every = computed["surfaces"].query("metric == 'accuracy' and framing == 'absolute'")
    cells = computed["cells"].query("metric == 'accuracy'")
    ends = [pd.concat([every["estimate"], cells["mean"]]).agg(end) for end in ("min", "max")]
    table = every.query(
        "held == 'batch_size=16' and factor_x == 'learning_rate' and factor_y == 'epochs'"
    )
    fitted = table.pivot(index="y", columns="x", values="estimate")
    heights = ends[0] + (np.array(surface["z"]) + 1) / 2 * (ends[1] - ends[0])
    assert heights == pytest.approx(fitted.to_numpy(), abs=1e-5)
    assert np.shape(surface["told_z"]) == fitted.shape
    i, j = 3, 5
    assert f"{100 * fitted.iloc[i, j]:.1f} %" in surface["told_z"][i][j]
    assert surface["told_x"][0] == "learning rate 1e-5" and surface["told_y"][-1] == "3 epochs"

    cells = cells.query("batch_size == 16")
    dots = [point for point in points if not point["best"]]
    for key, column in (("low", "mean_low"), ("high", "mean_high")):
        of_dots = ends[0] + (np.array([dot[key] for dot in dots]) + 1) / 2 * (ends[1] - ends[0])
        assert of_dots == pytest.approx(cells[column].to_numpy(), abs=1e-5)


def test_the_best_point_is_on_the_slices_nearest_to_it():
    computed, _, _ = reference_study()
    best = computed["optimum"].query("metric == 'loss'").set_index("factor")
    marked = [
        (piece["factors"], piece["held"])
        for piece in slices(surfaces(reference_study))
        if piece["metric"] == "loss" and any(point["best"] for point in piece["points"])
    ]
    assert len(marked) == 3  # one a pair of factors
    nearest = min((1, 2, 3), key=lambda level: abs(level - best["value"]["epochs"]))
    epochs = f"{nearest} epoch" + "s" * (nearest > 1)
    assert ("learning rate × batch size", epochs) in marked


def test_numbers_along_an_axis_are_round_and_told_in_full():
    for low, high in ((0.8, 0.8412), (0.0, 1.0), (0.4211, 0.5333), (120.0, 3000.0), (0.5, 0.5)):
        for metric in reference.settings().metrics:
            axis = surfaces_pages._height_axis(metric, pd.Series([low, high]))
            values = [value * (100 if metric.unit == "points" else 1) for value, _ in axis.ticks]
            written = [float(text.replace("−", "-")) for _, text in axis.ticks]
            assert written == pytest.approx(values)


def test_there_is_a_slice_for_every_metric_pair_and_level():
    choices = [(p["metric"], p["factors"], p["held"]) for p in slices(surfaces(reference_study))]
    assert len(choices) == len(set(choices)) == 3 * 3 * 3
    assert ("F1", "learning rate × batch size", "2 epochs") in choices
    held = {p["held"] for p in slices(surfaces(four_factors))}
    assert held == {
        "1.5 epochs, mean over schedule",
        "weight decay 0.05, mean over schedule",
        "learning rate 3.2e-5, mean over schedule",
    }
    assert {p["held"] for p in slices(surfaces(random_search))} == {""}


def test_one_numeric_factor_gives_a_sentence_for_a_surface():
    table = pd.DataFrame({"rate": [1, 2, 3, 4] * 2, "kind": ["a"] * 4 + ["b"] * 4})
    table["score"] = [0.1, 0.3, 0.2, 0.5, 0.2, 0.4, 0.4, 0.6]
    settings = reference.settings(
        {
            "factors": {"rate": {"scale": "linear"}, "kind": {"scale": "categorical"}},
            "analysis": {"metrics": {"score": {"better": "higher"}}, "bootstrap": 100},
        },
        formula="rate + kind",
    )
    study = study_of(table, settings)
    page = surfaces_pages.surfaces_page(tables.compute(study, settings), study, settings)
    assert "it needs two numeric factors" in page
    assert slices(page) == []
    assert "no metric could be fitted" in surfaces_pages.surfaces_page({}, *hostile()[1:])


def test_levels_and_units_stay_text():
    page = surfaces(hostile)
    assert page.count("<script>") == page.count("</script>") == 1
    assert "<img" not in page and "<u>" not in page

    _, study, settings = hostile()
    page = runs_pages.runs_page(study, settings)
    assert page.count("<script>") == 1
    names, rows = run_table(page)
    assert "<u>" in names[5]
    assert {row[2] for row in rows} == {HOSTILE, IMAGE}


def test_every_run_is_in_the_table():
    _, study, settings = reference_study()
    names, rows = run_table(runs_pages.runs_page(study, settings))
    assert names == [
        *("learning rate", "batch size", "epochs", "replicate", "status"),
        *("accuracy (%)", "F1 (%)", "loss (nats)"),
        *("accuracy (points)", "F1 (points)", "loss (nats)"),
    ]
    assert len(rows) == len(study.runs)
    digits = {
        name: words.spread_decimals(study.runs[name], settings.metric(name))
        for name in ("accuracy", "loss")
    }
    for row, run in zip(rows, study.runs.to_dict("records"), strict=True):
        assert float(row[0]) == run["learning_rate"]
        assert row[4] == "ok"
        assert row[5] == f"{100 * run['accuracy']:.{digits['accuracy']}f}"
        assert row[10] == words.fixed(run["delta_loss"], digits["loss"], sign=True)


def test_a_diverged_run_has_empty_metrics():
    _, study, settings = reference_study()
    table = study.runs.drop(columns=[c for c in study.runs if c.startswith("delta_")])
    table.loc[0, ["accuracy", "f1", "loss"]] = np.nan
    table.loc[0, "status"] = "diverged"
    _, rows = run_table(runs_pages.runs_page(study_of(table, settings), settings))
    assert rows[0][4:] == ["diverged", *[""] * 6]


def test_of_very_many_runs_the_first_are_listed_and_it_is_said(monkeypatch):
    monkeypatch.setattr(runs_pages, "LISTED_RUNS", 10)
    _, study, settings = reference_study()
    page = runs_pages.runs_page(study, settings)
    assert len(run_table(page)[1]) == 10
    assert f"the first 10 of {len(study.runs)} runs" in page


def test_the_longest_table_fits_into_the_report_page():
    """Snakemake's page shows nothing of more than EMBEDDED_BYTES in Chromium."""
    _, study, settings = reference_study()
    many = pd.concat([study.runs] * 100, ignore_index=True).assign(seconds=1234.5, tokens=1e6)
    page = runs_pages.runs_page(Study(many), settings)
    assert len(run_table(page)[1]) == runs_pages.LISTED_RUNS
    assert len(page.encode()) < EMBEDDED_BYTES
