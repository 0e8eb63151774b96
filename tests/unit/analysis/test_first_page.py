"""Page 1 of tables that people really have, of known answers and of random ones."""

import functools
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analysis import preparation, report, tables
from analysis.findings import finding
from analysis.report.opening import LINES
from analysis.runs.settings import Settings
from common.configuration import read_config
from tests import strange_tables
from tests.report_pages import lines_of_findings

CASES = Path(__file__).parents[2] / "cases"
# 116 published models, which are not ours to publish
PUBLISHED = os.environ.get("PUBLISHED_MODELS", "")
NOT_DRAWN = pd.DataFrame(columns=["left_out"])
# of what happens to a metric because of a setting; "influential" is a run's
CAUSAL = re.compile(
    r"\b(effects?|affect\w*|chang(e|es|ed|ing)|rais(e|es|ed|ing)|caus\w*|impact\w*|respon[ds]\w*"
    r"|hurts?|helps?|improv\w*|depends?|leads? to|due to|influence[sd]?)\b",
    re.IGNORECASE,
)


def computed(study):
    settings = replace(study.settings, bootstrap=100)
    return tables.compute(study, settings), settings


def page_of(study):
    """The labels of page 1, each with its sentences."""
    return labelled(study, *computed(study))


def labelled(study, found, settings):
    first = report.context(found, study, settings, NOT_DRAWN)["first_page"]
    return {
        each["label"]: " ".join(each["sentences"]).replace("\u00a0", " ")
        for each in first
        if each["type"] == "labelled"
    }


@functools.cache
def computed_case(case):
    config = read_config(CASES / case / "config.yaml")
    study = preparation.read_study(CASES / case / "runs.csv", Settings.from_config(config))
    return study, *computed(study)


def page_of_case(case):
    page = labelled(*computed_case(case))
    return page, " ".join(page.values())


def lines_of(study, found, settings, folder):
    """The lines of page 1 as they are printed."""
    report.write(found, study, settings, folder / "none", folder / "report.pdf")
    return lines_of_findings(folder / "report.pdf")


def strange(make):
    table, config = make()
    study = preparation.study_of(table, Settings.from_config(config))
    return study, *computed(study)


ALL_CASES = sorted(path.name for path in CASES.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", [case for case in ALL_CASES if case != "log-zero"])  # no report
def test_page_one_has_at_most_fifteen_lines(case, tmp_path):
    assert 3 <= len(lines_of(*computed_case(case), tmp_path)) <= LINES


@pytest.mark.parametrize("make", strange_tables.SMALL, ids=lambda make: make.__name__)
def test_page_one_of_strange_tables_has_at_most_fifteen_lines(make, tmp_path):
    assert 3 <= len(lines_of(*strange(make), tmp_path)) <= LINES


def page_with(sentences):
    """Page 1 of a study that has these findings, by section and kind."""
    rows = [
        (section, "", kind, False, each) for (section, kind), of in sentences.items() for each in of
    ]
    findings = pd.DataFrame(rows, columns=finding.COLUMNS[:5])
    return labelled(reference.study(), {"findings": findings}, reference.settings())


def test_where_there_is_more_to_say_page_one_says_less_and_points_to_it():
    long = "word " * 30 + "{}."
    page = page_with(
        {
            ("recommendation", "setting"): ["Recommended: this."],
            ("recommendation", "outcomes"): ["To expect: that."],
            ("summary", "matters"): [f"Metric {long}".format(k) for k in range(9)],
            ("robustness", "one_decides"): [f"Without {long}".format(k) for k in range(3)],
            ("robustness", "also_changes"): ["Never here."] * 4,
            ("runs", "count"): ["9 runs."],
            ("confounding", "not_assigned"): ["Nobody assigned these settings."],
            ("runs", "told"): [f"Told {long}".format(k) for k in range(3)],
        }
    )
    assert page["Setting"] == "Recommended: this. To expect: that."
    assert page["What matters"].endswith("more metrics: in the sections on them.")
    assert re.match(r"Without .* [67] more findings under Robustness\.$", page["What rests on one"])
    assert page["How sure"].startswith("9 runs. Nobody assigned these settings. ")
    assert re.search(r" [23] more findings under Baseline, ", page["How sure"])
    assert "Never here" not in str(page)
    shown = page["What matters"].count("Metric ")
    assert 1 < shown < 9 and f"{9 - shown} more metrics:" in page["What matters"]


def made_of(runs, factors, metrics, **analysis):
    config = {"factors": factors, "analysis": {"metrics": metrics, **analysis}}
    return preparation.study_of(runs, Settings.from_config(config))


def test_no_claim_from_a_single_training_run():
    page, text = page_of_case("singleton-cluster")
    assert "epochs could not be tested" in page["What matters"]
    assert "goes with" not in page["What matters"] and "depends on" not in page["What matters"]
    assert "epochs=2" in page["What rests on one"]
    assert "no estimate of epochs, so no interval and no p-value" in page["What rests on one"]
    assert "-3.5" not in text and "−3.5" not in text


def test_q_allows_for_the_model_s_terms_alone():
    page, _ = page_of_case("q-family")
    assert "no detectable effect of any factor" in page["What matters"]


def test_what_holds_without_the_one_run_is_said_with_its_name():
    page, _ = page_of_case("one-outlier")
    assert re.search(
        r"Without the run in line \d+ of the table, rmse also goes with ", page["What rests on one"]
    )


def test_digits_follow_the_interval():
    page, text = page_of_case("small-metric")
    assert "val loss 0.00135 (0.00127 to 0.00143)" in page["Setting"]
    assert "0.000 " not in text and "0.00 " not in text


def test_only_values_that_were_run_are_recommended():
    page, _ = page_of_case("integer-factor")
    assert page["Setting"].startswith("Recommended: num heads 2, layers 3 (the only one of the 12")
    page, _ = page_of_case("empty-cells")
    assert page["Setting"].startswith("Best among the runs that exist: opt sgd, mom 0.9 (")


@pytest.mark.parametrize("case", ["replicate-is-name", "few-resamples", "booleans"])
def test_no_interval_has_width_zero(case):
    _, text = page_of_case(case)
    ends = re.findall(r"\(?(−?[\d.]+) to (−?[\d.]+)", text)
    assert ends
    assert all(low != high for low, high in ends)


def test_runs_and_levels_that_do_not_count_are_said():
    page, _ = page_of_case("failed-at-extreme")
    assert "1 failed, not counted" in page["How sure"]
    assert "no run with 0.01 has a result" in page["How sure"]
    page, _ = page_of_case("running")
    assert "had not ended" in page["How sure"]
    page, _ = page_of_case("case-levels")
    assert "differ in case" in page["How sure"]


def test_a_strong_factor_whose_single_terms_are_all_weak():
    """It acts through the other factor alone, so that its slope at the centre is nothing."""
    rng = np.random.default_rng(0)
    rows = [
        {"a": a, "b": b, "replicate": r, "score": a * b + 0.4 * rng.normal()}
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
        for r in range(3)
    ]
    study = made_of(pd.DataFrame(rows), {"a": {}, "b": {}}, {"score": {"better": "higher"}})
    found, _ = computed(study)
    coefficients = found["coefficients"].query("estimator == 'split_plot' and term == 'a'")
    assert (coefficients["p_value"] > 0.05).all()
    summary = found["findings"].query("section == 'summary'")["sentence"].item()
    assert re.match(r"Score depends on [ab] \(.* higher .*\) and [ab] \(.* higher .*\)", summary)
    assert re.search(r", at [ab] -?1\)", summary)


def test_a_collinear_pair_is_named_and_neither_called_without_effect():
    rng = np.random.default_rng(1)
    a = rng.uniform(0, 1, 40)
    runs = pd.DataFrame({"a": a, "b": a + 0.03 * rng.normal(size=40), "c": rng.uniform(0, 1, 40)})
    runs["score"] = runs["a"] + runs["b"] + 0.2 * rng.normal(size=40)
    factors = {"a": {}, "b": {}, "c": {}}
    study = made_of(runs, factors, {"score": {"better": "higher"}}, degree=1, observational=False)
    page = page_of(study)
    assert "A and b varied together" in page["What rests on one"]
    assert "no detectable effect of c" in page["What matters"]
    assert "a cannot be told apart from b" in page["What matters"]


def test_nothing_is_found_where_there_is_nothing():
    rng = np.random.default_rng(2)
    study = reference.study()
    study.runs["accuracy"] = 0.8 + 0.01 * rng.normal(size=len(study.runs))
    found, _ = computed(study)
    summary = found["findings"].query("section == 'summary' and metric == 'accuracy'").iloc[0]
    assert summary["kind"] == "nothing"
    assert summary["sentence"].startswith(
        "Accuracy: no detectable effect of any factor (80 % power"
    )


def texts_of(value):
    """Every text of the report's context but references and names of things."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if value.get("type") != "references":
            for key, each in value.items():
                if key not in ("type", "align", "file", "alt", "source_kind"):
                    yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


def test_no_causal_word_in_the_whole_report_where_nobody_assigned_the_settings():
    runs = pd.read_csv(reference.REFERENCE / "observational.csv").drop(columns="run")
    factors = {"learning_rate": {"scale": "log10"}, "batch_size": {"scale": "log2"}, "epochs": {}}
    metrics = {"accuracy": {}, "f1": {}, "loss": {}}
    study = made_of(runs, factors, metrics, blocks=["dataset"], observational=True)
    found, settings = computed(study)
    context = report.context(found, study, settings, NOT_DRAWN)
    drawn = [text for text in texts_of(context) if not text.startswith("The figure")]
    wrong = [text for text in drawn if CAUSAL.search(text)]
    assert wrong == []
    assert "Nobody assigned these settings" in str(context["first_page"])


@pytest.mark.skipif(not PUBLISHED, reason="PUBLISHED_MODELS does not name the table")
def test_published_models():
    study = made_of(
        pd.read_csv(PUBLISHED),
        {"learning_rate": {"scale": "log10"}, "batch_size": {"scale": "log2"}, "epochs": {}},
        {"loss": {}, "accuracy": {}, "f1": {}},
        observational=True,
        columns={"batch_size": "train_batch_size", "epochs": "num_epochs"},
    )
    page = page_of(study)
    text = " ".join(page.values())
    assert "Nobody assigned these settings" in text
    assert re.search(r"author author-1 \(11\d of 11\d\)", text)
    assert "seed 42" in text and "lr scheduler type linear" in text
    assert re.search(r"5 epochs \(11\d of 11\d\)", text)
    assert "goes with epochs" not in text
    assert "epochs could not be tested" in text
    assert not CAUSAL.search(text)


@hypothesis_settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    runs=st.integers(12, 40),
    factors=st.integers(1, 4),
    level=st.sampled_from([0.5, 0.97, 0.999]),
    spread=st.sampled_from([0.5, 5.0]),
)
def test_nothing_impossible_is_on_page_one(tmp_path_factory, seed, runs, factors, level, spread):
    """No value beyond the metric's bounds, no setting that was never run, no width of zero."""
    rng = np.random.default_rng(seed)
    names = [f"x{k}" for k in range(factors)]
    common = rng.normal(size=(runs, 1))
    drawn = pd.DataFrame((common + rng.normal(size=(runs, factors))).round(2), columns=names)
    logit = np.log(level / (1 - level)) + spread * (drawn.sum(axis=1) / 5 + rng.normal(size=runs))
    drawn["accuracy"] = 1 / (1 + np.exp(-logit))
    study = made_of(drawn, {name: {} for name in names}, {"accuracy": {}})
    found = computed(study)
    page = labelled(study, *found)
    text = " ".join(page.values())
    readings = re.findall(r"accuracy (−?[\d.]+) % \((−?[\d.]+) to (−?[\d.]+)\)", text)
    for numbers in readings:
        low, high = (float(each.replace("−", "-")) for each in numbers[1:])
        assert 0 <= low < high <= 100
        assert low <= float(numbers[0].replace("−", "-")) <= high
    chosen = re.match(r".*?: ((?:x\d -?[\d.e-]+(?:, )?)+) \(", page.get("Setting", ""))
    if chosen:
        values = {
            n: float(v.replace("−", "-")) for n, v in re.findall(r"(x\d) (−?[\d.e-]+)", chosen[1])
        }
        assert ((drawn[list(values)] - pd.Series(values)).abs() < 1e-9).all(axis=1).any()
    assert len(lines_of(study, *found, tmp_path_factory.mktemp("page"))) <= LINES
