from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from made import SETTINGS as SIMULATED
from made import made_study, simulated
from statsmodels.stats.outliers_influence import variance_inflation_factor

from analysis import words
from analysis.fit.estimators import fit_all
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.terms import columns_by_name
from analysis.preparation import read_study, study_of
from analysis.questions import diagnostics as module
from analysis.questions.diagnostics import analysis_of_variance, diagnostics, influence, notes
from analysis.runs.settings import Settings

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
    monkeypatch.setattr(module, "INFLUENCE_MOST", 81)
    assert notes(fits) == [] and len(influence(study, SETTINGS, fits)) == 6 * 81


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


def test_the_term_least_separate_is_none_of_the_blocks():
    draws = np.random.default_rng(0)
    table = pd.DataFrame({"a": draws.normal(size=30), "dataset": ["d1", "d2", "d3"] * 10})
    table["b"] = table["a"] + 0.5 * draws.normal(size=30)
    table["y"] = table["b"] + draws.normal(size=30)
    config = {
        "factors": {"a": {}, "b": {}},
        "analysis": {"metrics": {"y": {"better": "higher"}}, "degree": 1, "blocks": ["dataset"]},
    }
    study = study_of(table, Settings.from_config(config))
    fits, _ = fit_all(study, study.settings)
    fit = fits["y", "absolute", "ols"]
    assert fit.names == ("intercept", "dataset[d2]", "dataset[d3]", "a", "b")
    inflation = [variance_inflation_factor(fit.design, at) for at in (3, 4)]
    row = diagnosed(study, study.settings, "y", "absolute").loc["largest_variance_inflation"]
    assert row["value"] == pytest.approx(max(inflation))
    assert row["sentence"].startswith("AB"[int(np.argmax(inflation))] + " is the term least")


def told(response, change=lambda runs: 0, **more):
    """value and sentence of every diagnostic of a made study, of which y is changed by so much."""
    study, settings = made_study(response, **more)
    study.runs["y"] += change(study.runs)
    return diagnosed(study, settings, "y", "absolute")


def diagnosed(study, settings, metric, framing):
    fits, _ = fit_all(study, settings)
    rows = diagnostics(study, settings, fits)
    return rows.query("metric == @metric and framing == @framing").set_index("diagnostic")


def test_a_model_that_follows_the_runs_too_closely_is_told():
    rows = told(lambda a, b: 0 * a, levels=(1, 2, 3), replicates=1, noise=1.0, degree=2)
    assert rows.loc["predicted_r_squared", "value"] < 0 < rows.loc["r_squared", "value"]
    assert rows.loc["predicted_r_squared", "sentence"].startswith(
        "It would explain none of the variation in new runs, far less than in these"
    )
    rows = told(lambda a, b: a + b, noise=0.1, degree=1)
    share = rows.loc["predicted_r_squared", "value"]
    assert share > 0.9
    assert rows.loc["predicted_r_squared", "sentence"] == (
        f"It would explain about {share:.0%} of the variation in new runs."
    )


@pytest.mark.parametrize(
    ("shape", "replicates", "words_used"),
    [
        (lambda a, b: a**2, 3, "deviate from the model more than"),
        (lambda a, b: a + b, 3, "no more than repeated runs"),
        (lambda a, b: a + b, 1, "Lack of fit cannot be tested"),
    ],
)
def test_lack_of_fit_is_told(shape, replicates, words_used):
    rows = told(shape, replicates=replicates, noise=0.1, degree=1)
    assert words_used in rows.loc["lack_of_fit", "sentence"]


def test_residuals_that_are_not_normal_or_not_even_are_told(monkeypatch):
    normal = told(lambda a, b: a + b, noise=0.1, degree=1)
    assert "Nothing speaks against normally" in normal.loc["shapiro_wilk", "sentence"]
    assert "about as large everywhere" in normal.loc["breusch_pagan", "sentence"]
    draws = np.random.default_rng(2).normal(size=75)
    skewed = told(lambda a, b: a + b, lambda runs: np.exp(2 * draws), noise=0.1, degree=1)
    assert "are not normally distributed" in skewed.loc["shapiro_wilk", "sentence"]
    uneven = told(lambda a, b: a + b, lambda runs: runs["a"] ** 2 * draws, noise=0.1, degree=1)
    assert "The scatter is uneven" in uneven.loc["breusch_pagan", "sentence"]
    monkeypatch.setattr(module, "SHAPIRO_WILK_MOST", 75)
    assert "shapiro_wilk" in told(lambda a, b: a + b, noise=0.1, degree=1).index
    monkeypatch.setattr(module, "SHAPIRO_WILK_MOST", 74)
    many = told(lambda a, b: a + b, noise=0.1, degree=1)
    assert "dagostino_pearson" in many.index and "shapiro_wilk" not in many.index


def test_terms_that_are_hard_to_tell_apart_are_told():
    rows = told(lambda a, b: a + b, noise=0.1, degree=2)
    assert rows.loc["condition_number", "value"] < 30
    assert rows.loc["condition_number", "sentence"].startswith("Below 30")
    chosen = reference.settings(baseline={"learning_rate": 1e-8, "batch_size": 32, "epochs": 3})
    far = diagnosed(
        read_study(reference.REFERENCE / "splitplot_balanced.csv", chosen),
        chosen,
        "loss",
        "relative",
    )
    assert far.loc["condition_number", "value"] > 30
    for name in ("condition_number", "largest_variance_inflation"):
        assert "Measured from the baseline" in far.loc[name, "sentence"]
        assert "Measured from the baseline" not in rows.loc[name, "sentence"]


def test_what_runs_of_a_trajectory_have_in_common_is_told():
    study, settings = simulated(lambda a, b, epochs: a, trajectory_sd=1.0, epoch_sd=0.5), SIMULATED
    fits, _ = fit_all(study, settings)
    mixed = fits["y", "absolute", "split_plot"]
    rows = diagnostics(study, settings, fits).set_index(["framing", "diagnostic"])
    row = rows.loc["absolute", "trajectory_correlation"]
    share = mixed.trajectory_variance / (mixed.trajectory_variance + mixed.residual_variance)
    assert row["value"] == pytest.approx(share) and 0.5 < share < 1
    assert row["sentence"].startswith(f"{share:.0%} of the scatter is common")
    # within trajectories more than between them
    study = simulated(lambda a, b, epochs: a, epoch_sd=0.5)
    at_odds = study.runs.groupby("trajectory")["y"].transform("mean")
    study.runs["y"] += study.runs["a"] - at_odds
    fits, _ = fit_all(study, settings)
    rows = diagnostics(study, settings, fits).set_index(["framing", "diagnostic"])
    row = rows.loc["absolute", "trajectory_correlation"]
    assert row["value"] == 0 and "estimated as zero" in row["sentence"]


def test_every_influential_run_is_counted(monkeypatch):
    study = reference.study()
    study.runs.loc[[0, 40], "loss"] += [0.6, -0.9]
    for bar, counted in ((0.3, "2 runs"), (0.4, "1 run")):  # their distances: 0.37 and 0.47
        monkeypatch.setattr(module, "influential_from", lambda fit, bar=bar: bar)
        rows = diagnosed(study, SETTINGS, "loss", "absolute")
        sentence = rows.loc["largest_cooks_distance", "sentence"]
        assert sentence.startswith(f"{counted} alone would change")


def test_what_is_exactly_at_its_limit_is_no_finding(monkeypatch):
    study, settings = made_study(lambda a, b: a + b, noise=0.1, degree=1)
    fits, _ = fit_all(study, settings)

    def sentences(alpha):
        rows = diagnostics(study, replace(settings, alpha=alpha), fits)
        return rows.query("metric == 'y' and framing == 'absolute'").set_index("diagnostic")

    for name in ("lack_of_fit", "shapiro_wilk", "breusch_pagan"):
        p_value = sentences(0.05).loc[name, "p_value"]
        at, above = (sentences(alpha)["sentence"] for alpha in (p_value, np.nextafter(p_value, 1)))
        assert at[name] != above[name]
        assert at[name].startswith(("Nothing", "The scatter is about", "The cells")), at[name]
    plain = sentences(0.05)
    condition = plain.loc["condition_number", "value"]
    more = float(plain.loc["r_squared", "value"] - plain.loc["predicted_r_squared", "value"])
    for up, condition_told, prediction_told in (
        (False, "Above", "It would explain about 9"),
        (True, "Below", "It would explain 9"),
    ):
        monkeypatch.setattr(
            module, "WELL_CONDITIONED", np.nextafter(condition, 9) if up else condition
        )
        monkeypatch.setattr(module, "FAR_MORE", np.nextafter(more, 0) if up else more)
        told = sentences(0.05)["sentence"]
        assert told["condition_number"].startswith(condition_told)
        assert told["predicted_r_squared"].startswith(prediction_told)
    largest = plain.loc["largest_cooks_distance", "value"]
    for limit, found in ((largest, 0), (np.nextafter(largest, 0), 1)):
        monkeypatch.setattr(module, "influential_from", lambda fit, limit=limit: limit)
        table = influence(study, settings, fits).query("metric == 'y'")
        assert table["influential"].sum() == found
        told = sentences(0.05).loc["largest_cooks_distance", "sentence"]
        assert told.startswith("1 run alone" if found else "No single run decides")


def test_without_degrees_of_freedom_beyond_the_terms_no_cell_has_a_mean_square():
    """Four cells, and as many coefficients: nothing is left that the model could lack."""
    study, settings = made_study(lambda a, b: a, levels=(1, 2), noise=0.1, formula="a + b + a:b")
    fits, _ = fit_all(study, settings)
    fit = fits["y", "absolute", "ols"]
    rows = analysis_of_variance(fit, study.runs).set_index("source")
    assert rows["df"].to_dict() == {
        **{"FO": 2, "TWI": 1, "residual": 8, "lack_of_fit": 0, "pure_error": 8},
    }
    assert rows.loc["lack_of_fit", ["mean_square", "f_statistic", "p_value"]].isna().all()
    assert rows.loc["pure_error", "mean_square"] == pytest.approx(fit.residual_variance)


def test_a_run_that_alone_tells_a_term_has_no_influence_that_could_be_told():
    runs = pd.DataFrame({"a": [0.0, 1] * 4 + [0], "b": [0.0] * 8 + [1]})
    runs["loss"] = np.random.default_rng(0).normal(size=9)
    settings = Settings.from_config(
        {"factors": {"a": {}, "b": {}}, "analysis": {"metrics": {"loss": {}}, "degree": 1}}
    )
    study = study_of(runs, settings)
    fit = ordinary_least_squares(study, settings, "loss", "absolute")
    own = module.leverage(fit)
    assert np.isnan(own.cooks_distance).tolist() == [False] * 8 + [True]
    assert own.leverage.tolist() == pytest.approx([0.25] * 8 + [1])
    others = np.linalg.lstsq(fit.design[:8, :2], fit.response[:8], rcond=None)[0]
    left = fit.response[:8] - fit.design[:8, :2] @ others
    assert own.prediction_error[:8] == pytest.approx(left / 0.75)
    variance = left @ left / 6
    assert own.standardised_residual[:8] == pytest.approx(left / np.sqrt(0.75 * variance))
    told = diagnosed(study, settings, "loss", "absolute")
    for name in ("predicted_r_squared", "predicted_r_squared_within_blocks"):
        assert told.loc[name, "sentence"].startswith("Some run alone determines a term")
    distance = told.loc["largest_cooks_distance", "value"]
    expected = (left / 0.75) ** 2 * 0.25 / variance / 3
    assert distance == pytest.approx(expected.max())
