import numpy as np
import pytest
import reference
from statsmodels.stats.outliers_influence import variance_inflation_factor

from analysis import words
from analysis.fit.estimators import fit_all
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.terms import columns_by_name
from analysis.questions import diagnostics as module
from analysis.questions.diagnostics import analysis_of_variance, diagnostics, influence, notes

SETTINGS = reference.settings()


@pytest.mark.parametrize("design", reference.DESIGNS)
def test_diagnostics_equal_r(design):
    study = reference.study(design)
    fits, _ = fit_all(study, SETTINGS)
    table = diagnostics(study, SETTINGS, fits).set_index(["metric", "framing", "diagnostic"])
    assert table["sentence"].str.endswith(".").all()
    influences = influence(study, SETTINGS, fits)
    for metric in reference.METRICS:
        for framing in reference.FRAMINGS:
            answer = reference.answers(design)[metric][framing]
            rows, fit = table.loc[metric, framing], answer["fit"]
            expected = {
                "runs": fit["n"],
                "r_squared": fit["r_squared"],
                "adjusted_r_squared": fit["adj_r_squared"],
                "sigma": fit["sigma"],
                "press": fit["press"],
                "largest_cooks_distance": fit["max_cooks"],
            }
            for name, value in expected.items():
                assert rows.loc[name, "value"] == pytest.approx(value, rel=1e-8), name
            assert rows.loc["shapiro_wilk", "p_value"] == pytest.approx(fit["shapiro_p"], rel=1e-4)
            spread = rows.loc["breusch_pagan"]
            assert spread["statistic"] == pytest.approx(fit["breusch_pagan_lm"], rel=1e-7)
            assert spread["p_value"] == pytest.approx(fit["breusch_pagan_p"], rel=1e-6)
            assert rows.loc["lack_of_fit", "statistic"] == pytest.approx(
                answer["lack_of_fit"]["F"], rel=1e-8
            )
            own = influences.query("metric == @metric and framing == @framing")
            assert own["cooks_distance"].max() == pytest.approx(fit["max_cooks"], rel=1e-8)
            assert own["leverage"].sum() == pytest.approx(10)


def test_what_blocks_explain_is_not_the_factors():
    """Of values less their replicate's mean, in a balanced design; leaving out a run refits it."""
    study = reference.study()
    runs = study.runs
    runs["accuracy"] += 0.2 * runs["replicate"]
    fits, _ = fit_all(study, SETTINGS)
    table = diagnostics(study, SETTINGS, fits).query("framing == 'absolute'")
    value = table.set_index(["metric", "diagnostic"])["value"]["accuracy"]
    centred = runs["accuracy"] - runs.groupby("replicate")["accuracy"].transform("mean")
    design, response = fits["accuracy", "absolute", "split_plot"].design, runs["accuracy"]

    def error(left_out):
        kept = np.delete(np.arange(len(runs)), left_out)
        refitted = np.linalg.lstsq(design[kept], response[kept], rcond=None)[0]
        return response[left_out] - design[left_out] @ refitted

    residuals = response - design @ np.linalg.lstsq(design, response, rcond=None)[0]
    errors = np.array([error(run) for run in range(len(runs))])
    total = (centred**2).sum()
    assert value["r_squared_within_blocks"] == pytest.approx(1 - (residuals**2).sum() / total)
    predicted = value["predicted_r_squared_within_blocks"]
    assert predicted == pytest.approx(1 - (errors**2).sum() / total)
    assert value["r_squared"] < 0.5 < value["r_squared_within_blocks"]


@pytest.mark.parametrize("block", [True, False])
def test_analysis_of_variance_equals_rsm(block):
    study = reference.chemreact()
    settings = reference.settings(reference.CHEMREACT_CONFIG)
    fit = ordinary_least_squares(study, settings, "Yield", "absolute", replicate_block=block)
    table = analysis_of_variance(fit, study.runs).set_index("source")
    answer = reference.answers("chemreact")["block" if block else "noblock"]["anova"]
    names = {"Block": "replicate", "Residuals": "residual", "Lack of fit": "lack_of_fit"}
    assert len(table) == len(answer)
    for expected in answer:
        name = expected["_row"].split("(")[0]
        row = table.loc[names.get(name, name.replace("Pure error", "pure_error"))]
        assert row["df"] == expected["Df"]
        assert row["sum_of_squares"] == pytest.approx(expected["Sum Sq"], rel=1e-8)
        assert row["mean_square"] == pytest.approx(expected["Mean Sq"], rel=1e-8)
        if "F value" in expected:
            assert row["f_statistic"] == pytest.approx(expected["F value"], rel=1e-8)
            assert row["p_value"] == pytest.approx(expected["Pr(>F)"], rel=1e-6)
        else:
            assert np.isnan(row["f_statistic"])


def test_an_influential_run_is_named():
    study = reference.study()
    study.runs.loc[0, "loss"] += 0.5
    fits, _ = fit_all(study, SETTINGS)
    table = influence(study, SETTINGS, fits).query("metric == 'loss' and framing == 'absolute'")
    assert table.loc[table["influential"], "run"].tolist() == [
        "learning rate 1e-5, batch size 8, 1 epoch, replicate 0"
    ]
    rows = diagnostics(study, SETTINGS, fits).query(
        "metric == 'loss' and framing == 'absolute' and diagnostic == 'largest_cooks_distance'"
    )
    assert "1 run alone would change" in rows["sentence"].item()
    assert "learning rate 1e-5, batch size 8, 1 epoch, replicate 0" in rows["sentence"].item()


def test_of_a_large_table_the_influence_is_thinned_and_said(monkeypatch):
    study = reference.study()
    fits, _ = fit_all(study, SETTINGS)
    whole = influence(study, SETTINGS, fits).query("metric == 'loss' and framing == 'relative'")
    assert notes(fits) == []
    monkeypatch.setattr(module, "INFLUENCE_MOST", 20)
    thinned = influence(study, SETTINGS, fits).query("metric == 'loss' and framing == 'relative'")
    assert len(thinned) == 20
    assert thinned["cooks_distance"].max() == whole["cooks_distance"].max()
    assert thinned["cooks_distance"].min() == whole["cooks_distance"].min()
    assert "81 runs" in notes(fits)[0].sentence


def test_variance_inflation_equals_statsmodels():
    study = reference.study("splitplot_unbalanced")
    fits, _ = fit_all(study, SETTINGS)
    fit = fits["loss", "relative", "ols"]
    inflation = [variance_inflation_factor(fit.design, at) for at in range(1, 10)]
    rows = diagnostics(study, SETTINGS, fits).set_index(["metric", "framing", "diagnostic"])
    row = rows.loc["loss", "relative", "largest_variance_inflation"]
    assert row["value"] == pytest.approx(max(inflation))
    term = fit.names[1 + int(np.argmax(inflation))]
    shown = words.term(columns_by_name(study, SETTINGS)[term].parts)
    assert row["sentence"].startswith(words.sentence_case(shown))
