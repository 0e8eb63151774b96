"""report.pdf: its order, its text, that names stay names, and that missing tables are said."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pypdf
import pytest
import reference
from test_figures import random_search, reference_study

from analysis import figures, findings, report, tables
from analysis.findings import finding
from analysis.preparation import study_of
from analysis.runs.study import Study

PROVENANCE = {
    "study": "#panic(1) $x$ *bold* @ref \\u{41} <label>",
    "source": {
        "kind": "embedded",
        "sentence": "The Hub did not answer; #sys.version ran.",
        "checkpoint": "a_b*c*",
        "licence": {"checkpoint": "Apache-2.0"},
        "labels": ["negative", "positive"],
    },
    "design": {"training_examples": 384, "fixed": {"weight_decay": 0.01}},
    "computed_with": [
        {"cells": 17, "instruction_set": "avx2 fma", "versions": {"tensorflow": "2.20"}},
        {"cells": 1, "instruction_set": "avx fma", "versions": {"tensorflow": "2.21"}},
    ],
    "machine": {"cores": 2},
    "seeds": {"0": {"data": 11, "order": 12}},
}


def text_of(path):
    pages = pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages
    return [" ".join(page.extract_text().replace("\u00a0", " ").split()) for page in pages]


def report_on(table, settings, folder):
    """The text of the report that a table of runs gets, with all its figures."""
    study = study_of(table, settings)
    computed = tables.compute(study, settings)
    figures.draw_all(computed, study, settings, folder / "figures")
    report.write(computed, study, settings, folder / "figures", folder / "report.pdf")
    return " ".join(text_of(folder / "report.pdf"))


@pytest.fixture(scope="module")
def figures_folder(tmp_path_factory):
    """One figure of each name the report may show, drawn as a single small one."""
    folder = tmp_path_factory.mktemp("figures")
    computed, study, settings = reference_study()
    kept = [k for k in figures.FIGURES if k.name in ("differences", "reliability")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FIGURES", kept)
        figures.draw_all(computed, study, settings, folder)
    return folder


@pytest.fixture(scope="module")
def pages(figures_folder, tmp_path_factory):
    computed, study, settings = reference_study()
    study = replace(study, provenance=PROVENANCE)
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    report.write(computed, study, settings, figures_folder, path)
    assert [p.name for p in path.parent.iterdir()] == ["report.pdf"]
    return text_of(path)


def test_the_first_page_names_the_source_and_the_findings(pages):
    assert "Source: embedded model and sentences, not the Hugging Face Hub" in pages[0]
    assert "Recommended: learning rate" in pages[0]
    assert "Accuracy depends on" in pages[0]
    assert "Figure 1" in pages[0]
    assert pages[0].endswith(f"1 / {len(pages)}")


@pytest.mark.parametrize(
    ("source", "title"),
    [({}, "Source: a table of runs"), ({"kind": "made_up"}, "Source: made up")],
)
def test_a_source_without_words_of_its_own_is_named(source, title):
    computed, study, settings = reference_study()
    study = replace(study, provenance={"source": source})
    content = report.context(computed, study, settings, pd.DataFrame(columns=["left_out"]))
    assert content["source_title"] == title
    assert content["source_short"] == title.replace("S", "s")


def test_names_are_shown_and_never_evaluated(pages):
    assert PROVENANCE["study"] in pages[0]
    assert "#sys.version ran." in pages[0]
    assert PROVENANCE["study"] in pages[5]  # the running header
    assert "a_b*c*" in " ".join(pages)


def test_sections_come_in_order(pages):
    text = " ".join(pages)
    titles = [
        "Results",
        "Regression: accuracy",
        "Regression: F1",
        "Regression: loss",
        "Interactions",
        "Surfaces",
        "Trade-offs",
        "Variability and power",
        "Robustness",
        "Diagnostics",
        "Methods",
        "References",
        "What this study cannot say",
        "Appendix: every run",
        "Appendix: versions and seeds",
    ]
    at = text.rindex("Source and design")  # behind the table of contents
    for title in titles:
        assert title in text[at:], title
        at = text.index(title, at)


def test_cells_that_were_not_computed_alike_are_told(pages):
    text = pages[-1]
    assert "Cells: 17. Packages: tensorflow 2.20. Instruction set: avx2 fma." in text
    assert "Cells: 1. Packages: tensorflow 2.21. Instruction set: avx fma." in text
    assert "not all computed with the same packages and instruction set" in text


def test_both_framings_are_said_to_be_one_fit(pages):
    text = " ".join(pages)
    assert "The two framings are one fit." in text
    assert (
        "slope at the centre of the design (learning rate 3.2e-5, batch size 16, 2 epochs)" in text
    )
    assert "(learning rate 1e-5, batch size 32, 3 epochs)" in text


def test_a_baseline_beyond_the_levels_studied_is_called_an_extrapolation(pages):
    assert "lies beyond the levels studied" not in " ".join(pages)
    computed, study, settings = reference_study()
    outside = replace(study, baseline=study.baseline | {"learning_rate": 5e-4})
    content = report.context(computed, outside, settings, pd.DataFrame(columns=["left_out"]))
    assert "The baseline's learning rate 5e-4 lies beyond the levels studied" in str(content)


def test_a_figure_left_out_is_said(pages):
    assert "Left out: Calibration." in " ".join(pages)


def test_numbers_in_the_tables_are_those_of_the_coefficients():
    computed, study, settings = reference_study()
    content = report.context(computed, study, settings, pd.DataFrame(columns=["left_out"]))
    section = next(s for s in content["sections"] if s["title"] == "Regression: accuracy")
    table = next(b for b in section["blocks"] if b["type"] == "table")
    row = next(r for r in table["rows"] if r[0] == "epochs")
    rows = computed["coefficients"].query(
        "metric == 'accuracy' and framing == 'absolute' and estimator == 'split_plot'"
    )
    estimate = rows.set_index("term").loc["epochs", "estimate"]
    assert row[1]["bold"] == f"{100 * estimate:.2f}"


def design_blocks(study, settings, kind):
    empty = {"findings": pd.DataFrame(columns=finding.COLUMNS)}
    content = report.context(empty, study, settings, pd.DataFrame(columns=["left_out"]))
    section = next(s for s in content["sections"] if s["title"] == "Source and design")
    return [block for block in section["blocks"] if block["type"] == kind]


def design_sentence(study, settings):
    return design_blocks(study, settings, "paragraph")[0]["text"]


@pytest.mark.parametrize(
    ("fixed", "varied", "told"),
    [
        ({"schedule": "constant"}, {}, "schedule constant"),
        ({"schedule": "reduce_on_plateau"}, {}, "schedule reduce_on_plateau, plateau factor 0.5"),
        ({}, {"schedule": "linear"}, ""),
        ({}, {"schedule": "reduce_on_plateau"}, "plateau factor 0.5"),
    ],
)
def test_what_was_held_fixed_names_only_what_a_run_had(fixed, varied, told):
    runs = reference.study().runs.assign(**varied)
    design = {"training_examples": 8, "fixed": {**fixed, "plateau_factor": 0.5}}
    study = Study(runs, provenance={"design": design})
    [facts] = design_blocks(study, reference.settings(), "facts")
    assert dict(facts["rows"]).get("held fixed", "") == told


def test_the_make_up_of_the_sets_is_told_over_the_replicates():
    sets = [
        {
            "replicate": number,
            "labels": {"training": {"0": 40 - number, "1": 60 + number}, "validation": {}},
            "near_duplicates": 2 * number,
        }
        for number in range(2)
    ]
    provenance = {"design": {"sets": sets}, "source": {"labels": ["negative", "positive"]}}
    study = Study(reference.study().runs, provenance=provenance)
    facts = design_blocks(study, reference.settings(), "facts")[-1]
    told = dict(facts["rows"])
    assert told["classes in the training texts"] == (
        "negative 39.0 to 40.0 %, positive 60.0 to 61.0 %"
    )
    assert "classes in the validation texts" not in told
    assert told["evaluation texts nearly trained on"] == "0 to 2"


def test_the_classes_of_a_set_stand_beside_those_of_the_texts_it_is_drawn_from():
    labels = {"training": {"0": 40, "1": 60}, "validation": {"0": 1, "1": 3}}
    source = {
        "labels": ["negative", "positive"],
        "drawn_from": {"training": {"0": 125, "1": 375}, "evaluation": {"0": 1, "1": 1}},
    }
    provenance = {"design": {"sets": [{"replicate": 0, "labels": labels}]}, "source": source}
    study = Study(reference.study().runs, provenance=provenance)
    told = dict(design_blocks(study, reference.settings(), "facts")[-1]["rows"])
    assert told["classes in the training texts (and in those they are drawn from)"] == (
        "negative 40.0 % (25.0 %), positive 60.0 % (75.0 %)"
    )
    assert told["classes in the validation texts (and in those they are drawn from)"] == (
        "negative 25.0 % (25.0 %), positive 75.0 % (75.0 %)"
    )


def test_the_design_counts_runs_by_their_fate():
    study, settings = reference.study(), reference.settings()
    study.runs.loc[:4, "status"] = ["diverged", "diverged", *["stopped_early"] * 3]
    told = design_sentence(study, settings)
    assert told.startswith("81 runs of 27 cells, 3 replicates and 27 trajectories.")
    assert "2 diverged and are left out of the fits and 3 stopped early and are in" in told
    assert "split-plot design" in told


def test_runs_of_one_training_run_each_are_not_called_trajectories():
    study, settings = reference.study(), reference.settings()
    study.runs["trajectory"] = range(len(study.runs))
    told = design_sentence(study, settings)
    assert told == (
        "81 runs of 27 cells and 3 replicates. Every run is a training run of its own, so their "
        "errors are independent."
    )


def test_every_run_is_in_the_appendix():
    computed, study, settings = reference_study()
    content = report.context(computed, study, settings, pd.DataFrame(columns=["left_out"]))
    section = next(s for s in content["sections"] if s["title"] == "Appendix: every run")
    assert len(section["blocks"][0]["rows"]) == len(study.runs) == 81


def test_the_same_input_gives_the_same_bytes(figures_folder, tmp_path):
    computed, study, settings = reference_study()
    for name in ("first.pdf", "again.pdf"):
        report.write(computed, study, settings, figures_folder, tmp_path / name)
    assert (tmp_path / "first.pdf").read_bytes() == (tmp_path / "again.pdf").read_bytes()


def test_without_any_table_the_report_says_what_is_missing(tmp_path):
    study, settings = reference.study(), reference.settings()
    tables = {"findings": findings.find({}, study, settings)}
    report.write(tables, study, settings, tmp_path / "none", tmp_path / "report.pdf")
    text = " ".join(text_of(tmp_path / "report.pdf"))
    assert "Accuracy: nothing could be tested." in text
    assert "No regression of accuracy could be fitted." in text
    assert "came without provenance.json" in text


def test_a_table_from_elsewhere_needs_no_baseline_replicates_or_provenance(tmp_path):
    computed, study, settings = random_search()
    report.write(computed, study, settings, tmp_path / "none", tmp_path / "report.pdf")
    text = " ".join(text_of(tmp_path / "report.pdf"))
    assert "a metric-x" in text
    assert "The table has no baseline metrics" in text
    assert "There is no relative regression" in text
    assert "There is one replicate" in text


def test_seconds_are_a_metric_without_a_baseline(tmp_path):
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    noise = np.random.default_rng(0).normal(size=len(table))
    table["seconds"] = 20.0 * table["epochs"] * 16 / table["batch_size"] + noise
    metrics = {name: reference.CONFIG["analysis"]["metrics"][name] for name in ("accuracy", "f1")}
    settings = reference.settings(
        bootstrap=100,
        metrics=metrics | {"seconds": {"better": "lower", "unit": "s"}},
        pareto=["accuracy", "seconds"],
    )
    text = report_on(table, settings, tmp_path)
    assert "Regression: training time" in text
    assert "Left out: Difference to the baseline: training time. The table has no such" in text
    assert text.count("There is no relative regression: it needs the baseline's metric") == 1
    assert "Cells on the Pareto front of accuracy and training time" in text
    assert "accuracy training time (s)" in text and "training time accuracy (%)" in text  # prices


def test_the_front_is_of_the_metrics_that_runs_have(tmp_path):
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    table["loss"] = np.nan
    settings = reference.settings(bootstrap=100)
    text = report_on(table, settings, tmp_path)
    assert "Cells on the Pareto front of accuracy and F1: no other cell" in text
    assert "No regression of loss could be fitted." in text


def test_a_metric_that_never_varies_has_no_regression_and_the_reason_is_told(tmp_path):
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
    table["accuracy"] = 0.8  # its difference to the baseline varies
    settings = reference.settings(
        bootstrap=100, metrics={"accuracy": {"better": "higher", "unit": "points"}}
    )
    text = report_on(table, settings, tmp_path)
    assert "No regression of accuracy could be fitted." in text
    assert "Accuracy: absolute values never vary, nothing to explain." in text


def test_when_nothing_is_shown_the_first_page_says_exactly_that(tmp_path):
    computed, study, settings = reference_study()
    quiet = computed | {"joint": computed["joint"].assign(p_value=0.6, q_value=0.7)}
    quiet["findings"] = findings.find(quiet, study, settings)
    report.write(quiet, study, settings, tmp_path / "none", tmp_path / "report.pdf")
    first = text_of(tmp_path / "report.pdf")[0]
    assert "Accuracy: no detectable effect of any factor (80 % power for" in first
    assert "depends on" not in first.split("What rests on one")[0]


@pytest.mark.parametrize(
    ("design", "told"), [("full", False), ({"kind": "central_composite"}, True)]
)
def test_a_design_other_than_the_grid_is_named(design, told):
    study = Study(reference.study().runs, provenance={"settings": {"design": design}})
    paragraphs = design_blocks(study, reference.settings(), "paragraph")
    sentence = "The settings were chosen by a design: central composite."
    assert any(sentence in str(each) for each in paragraphs) is told
