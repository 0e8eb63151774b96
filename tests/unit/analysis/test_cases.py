"""Tables that people really have (tests/cases): each gives what its README says it must."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import preparation, tables, words
from analysis.fit.estimators import coefficients, fit_all, p_values
from analysis.fit.least_squares import lack_of_fit, ordinary_least_squares
from analysis.questions import models as by_degree
from analysis.runs.settings import Settings
from common.configuration import read_config
from common.errors import UserError

CASES = Path(__file__).parents[2] / "cases"


def study_of(case, **analysis):
    config = read_config(CASES / case / "config.yaml")
    config["analysis"].update(analysis)
    return preparation.read_study(CASES / case / "runs.csv", Settings.from_config(config))


def fits_of(case, **analysis):
    study = study_of(case, **analysis)
    return study, fit_all(study, study.settings)[0]


def main_fit(case, metric, **analysis):
    return fits_of(case, **analysis)[1][metric, "absolute", "split_plot"]


def said(study):
    return " ".join(map(str, study.notes))


def raw(case):
    return pd.read_csv(CASES / case / "runs.csv")


@pytest.mark.parametrize(("case", "metric"), [("crash-aicc-2x2", 2), ("crash-aicc-4lr", 2)])
def test_a_table_too_small_for_aicc_has_none_and_a_reason(case, metric):
    study = study_of(case)
    models, notes = by_degree.models(study, study.settings)
    assert models["aicc"].isna().any()
    assert any("no AICc of degree" in note.sentence for note in notes)


def test_durations_are_read():
    study = study_of("seconds-text")
    assert study.runs["seconds"].tolist() == list(range(10, 28))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7.6s", 7.6),
        ("0 days 00:00:24.5", 24.5),
        ("1:02:03", 3723),
        ("PT1M30S", 90),
        ("P0DT0H0M10S", 10),
        ("2 min", 120),
        ("250ms", 0.25),
        ("12.5", 12.5),
    ],
)
def test_each_way_to_write_a_duration(text, seconds):
    runs = raw("seconds-text").assign(cost=[text] * 9 + ["1s"] * 9)
    config = read_config(CASES / "seconds-text" / "config.yaml")
    config["analysis"]["metrics"] = {"cost": {"better": "lower", "unit": "s"}}
    study = preparation.study_of(runs.drop(columns="seconds"), Settings.from_config(config))
    assert study.runs["cost"].tolist() == pytest.approx([seconds] * 9 + [1] * 9)


def test_a_failed_run_at_an_extreme_changes_no_coefficient():
    study, fits = fits_of("failed-at-extreme")
    _, without = fits_of("failed-at-extreme-without")
    assert fits.keys() == without.keys()
    for key, fit in fits.items():
        assert fit.coefficients.tolist() == without[key].coefficients.tolist()
        assert fit.std_errors == pytest.approx(without[key].std_errors, rel=1e-12)
    assert "learning rate: no run with 0.01 has a result (1 run failed)" in said(study)


def test_a_level_whose_runs_were_all_pruned_is_said_and_the_rest_analysed():
    study, fits = fits_of("pruned")
    assert "no run with A has a result (14 runs pruned)" in said(study)
    assert "14 of 28 runs were pruned" in said(study)
    assert study.settings.factor_names == ("f2",)
    finished = raw("pruned").query("state == 'COMPLETE'")
    fit = fits["value", "absolute", "split_plot"]
    means = finished.groupby("f2")["value"].mean()
    half = (means["Y"] - means["X"]) / 2
    assert fit.coefficients[fit.names.index("f2[Y]")] == pytest.approx(half)


def test_names_of_runs_are_no_replicates():
    study = study_of("replicate-is-name")
    assert set(study.runs["replicate"]) == {0}
    assert study.runs["run_label"].tolist() == [f"sweep-{number}" for number in range(18)]
    assert "they are no block" in said(study)


def test_repeated_centre_points_are_pure_error():
    study, fits = fits_of("ccd-centre-points")
    fit = fits["conversion", "absolute", "split_plot"]
    assert fit.residual_df == 10
    p_value = p_values(fit)
    assert p_value[fit.names.index("catalyst^2")] == pytest.approx(0.0009, abs=0.00005)
    test = lack_of_fit(fits["conversion", "absolute", "ols"], study.runs)
    assert (test.df, test.pure_error_df) == (5, 5)
    assert 0 < test.p_value < 1


def test_a_rerun_after_a_crash_counts_and_the_crash_is_counted():
    study, fits = fits_of("rerun-after-crash")
    assert "1 of 19 runs failed and enters no regression" in said(study)
    assert len(fits["accuracy", "absolute", "ols"].response) == 18


def test_runs_that_are_still_running_are_left_out_and_counted():
    study = study_of("running")
    assert len(study.runs) == 17
    assert "1 of 18 runs had not ended when the table was written and is left out" in said(study)


def test_the_default_model_is_the_largest_that_can_be_estimated():
    study, fits = fits_of("two-level-default")
    names = {term.name for term in study.terms["micro_f1"]}
    levels = study.runs[list(study.settings.factor_names)].nunique()
    squares = {f"{name}^2" for name in levels.index if levels[name] > 2}
    assert {name for name in names if name.endswith("^2")} == squares
    assert len([name for name in names if ":" in name]) == 6
    (note,) = [each for each in study.notes if each.topic == "model" and each.metric == "micro_f1"]
    without = [f"{words.name(name)}²" for name in levels.index if levels[name] == 2]
    assert f"without {words.listed(without)}, for which there are too few levels." in note.sentence
    assert fits["micro_f1", "absolute", "split_plot"].residual_df > 0


def test_a_degree_asked_for_is_refused_naming_every_term_at_once():
    with pytest.raises(UserError) as error:
        study_of("two-level-default", degree=2)
    for name in ("learning_rate^2", "max_len^2", "dropout^2", "analysis.degree: null"):
        assert name in str(error.value)


def test_percentages_are_noticed():
    study = study_of("percent-points")
    assert study.runs["accuracy"].tolist() == (raw("percent-points")["accuracy"] / 100).tolist()
    assert "read as percentages" in said(study)


@pytest.mark.parametrize("values", [[0.9] * 17 + [1.2], [0.9] * 17 + [-0.1], [90.0] * 17 + [120.0]])
def test_neither_proportions_nor_percentages_are_refused(values):
    config = read_config(CASES / "percent-points" / "config.yaml")
    with pytest.raises(UserError, match=r"row \d+ .* is no proportion .*unit: ''"):
        preparation.study_of(
            raw("percent-points").assign(accuracy=values), Settings.from_config(config)
        )


def test_numeric_categories_are_in_numeric_order():
    fit = main_fit("numeric-categories", "score")
    levels = next(coding.levels for coding in fit.model.codings if coding.name == "y")
    assert levels == tuple(sorted(levels, key=float))
    assert float(levels[0]) < 0


def test_names_with_numbers_are_in_natural_order():
    runs = raw("many-levels")
    runs["config"] = runs["config"].str.replace("cfg-0", "cfg-")
    settings = Settings.from_config(read_config(CASES / "many-levels" / "config.yaml"))
    study = preparation.study_of(runs, settings)
    fit = fit_all(study, study.settings)[0]["accuracy", "absolute", "ols"]
    (coding,) = fit.model.codings
    assert coding.levels == tuple(f"cfg-{number}" for number in range(40))


def test_levels_that_differ_in_case_alone_are_said():
    assert "'Adam' and 'adam' are levels of their own" in said(study_of("case-levels"))


def test_one_number_is_one_level():
    study = study_of("int-as-float")
    assert set(study.runs["layers"]) == {"2", "3", "4"}
    assert "layers: '2.0' counts as the level that is the same number" in said(study)


@pytest.mark.parametrize(("case", "level"), [("none-mixed", "None"), ("none-blank", "(blank)")])
def test_none_or_nothing_is_a_level(case, level):
    study, fits = fits_of(case)
    fit = fits["accuracy", "absolute", "ols"]
    levels = next(coding.levels for coding in fit.model.codings if coding.name == "max_depth")
    assert set(levels) == {level, "0", "5"}
    assert ("empty in 6 runs" in said(study)) == (level == "(blank)")


def test_a_factor_that_exists_under_another_level_is_analysed_within_it():
    """The value is x1² where foo, |x2| where bar: each half's fit is that half's own."""
    study = study_of("conditional")
    fit = ordinary_least_squares(study, study.settings, "value", "absolute")
    fits, notes = fit_all(study, study.settings)
    assert not fits
    assert study.determined == {"value"}
    assert "value: the settings determine it exactly" in " ".join(map(str, notes))
    assert "x1 has values only where category is foo" in said(study)
    runs = raw("conditional")
    foo = runs[runs["category"] == "foo"]
    fitted = np.polyval(np.polyfit(foo["x1"], foo["value"], 2), foo["x1"])
    own = fit.fitted[(runs["category"] == "foo").to_numpy()]
    assert own == pytest.approx(fitted, abs=1e-6 * np.abs(fitted).max())
    points = pd.DataFrame({"category": ["bar", "bar"], "x1": [1.0, 9.0], "x2": [-3.0, -3.0]})
    estimate, _ = fit.predict(points)
    assert estimate[0] == pytest.approx(estimate[1])  # x1 is nothing there


def test_any_text_is_a_level():
    study, fits = fits_of("list-levels")
    levels = set(study.runs["layers"])
    assert levels == set(raw("list-levels")["layers"])
    assert "layers[[128,128]]" in fits["accuracy", "absolute", "ols"].names


def test_what_cannot_be_printed_and_very_long_texts_are_levels_too():
    runs = raw("list-levels")
    long = "x" * 500
    runs["layers"] = runs["layers"].map(
        dict(zip(runs["layers"].unique(), ["a\nb\x00", f"{long}y", f"{long}z"], strict=True))
    )
    settings = Settings.from_config(read_config(CASES / "list-levels" / "config.yaml"))
    study = preparation.study_of(runs, settings)
    levels = set(study.runs["layers"])
    assert len(levels) == 3
    assert all(level.isprintable() and len(level) <= 64 for level in levels)


def test_a_run_with_an_infinite_metric_diverged():
    study, fits = fits_of("inf-nan")
    infinite = np.isinf(raw("inf-nan")["loss"])
    assert (study.runs["status"] == "diverged").tolist() == infinite.tolist()
    assert "1 of 18 runs diverged" in said(study)
    assert len(fits["loss", "absolute", "ols"].response) == 16  # and one is missing


def test_zero_on_a_logarithmic_scale_is_refused_with_what_would_do():
    with pytest.raises(UserError) as error:
        study_of("log-zero")
    for word in ("weight_decay, row 1", "no logarithm", "scale: linear", "categorical factor that"):
        assert word in str(error.value)


def test_zero_apart_on_a_logarithmic_scale():
    """What the message says: the factor is empty where it is zero, beside one that says so."""
    runs = raw("log-zero")
    runs["decays"] = np.where(runs["weight_decay"] > 0, "yes", "no")
    runs["weight_decay"] = runs["weight_decay"].where(runs["weight_decay"] > 0)
    runs.loc[runs.index[-2:], "weight_decay"] = 0.1
    config = read_config(CASES / "log-zero" / "config.yaml")
    config["factors"]["decays"] = {"scale": "categorical"}
    study = preparation.study_of(runs, Settings.from_config(config))
    assert study.settings.factor("weight_decay").within == ("decays", ("yes",))
    assert fit_all(study, study.settings)[0]


@pytest.mark.parametrize(
    ("case", "column", "values"),
    [
        ("thousands", "steps", [16000, 32000, 64000]),
        ("semicolon", "accuracy", [0.90043, 0.90094, 0.90207]),
    ],
)
def test_separators_and_decimal_commas_are_recognised(case, column, values):
    study = study_of(case)
    assert set(values) <= set(study.runs[column])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1.234,5", "2.000,25"], [1234.5, 2000.25]),
        (["1,234,567", "2,000,000"], [1234567, 2000000]),
        (["12,5", "3,25"], [12.5, 3.25]),
        (["93.5%", "90 %"], [93.5, 90]),
    ],
)
def test_each_way_to_write_a_number(texts, expected):
    config = {
        "factors": {"a": {}},
        "analysis": {"metrics": {"y": {"better": "higher"}}, "degree": 1},
    }
    runs = pd.DataFrame({"a": [1, 2] * 3, "y": texts * 3})
    runs.loc[5, "y"] = texts[0]  # else the settings would determine it
    study = preparation.study_of(runs, Settings.from_config(config))
    assert study.runs["y"].tolist()[:2] == expected


def test_a_number_that_could_be_two_is_refused():
    runs = raw("thousands").assign(accuracy=range(18), learning_rate=[1, 2, 3] * 6)
    settings = Settings.from_config(read_config(CASES / "thousands" / "config.yaml"))
    with pytest.raises(UserError, match=r"steps, row 1 .*'16,000' can be thousands or a decimal"):
        preparation.study_of(runs, settings)


def test_metrics_that_the_settings_determine_have_no_p_values():
    study = study_of("deterministic-metric")
    found = tables.compute(study, study.settings)
    assert study.determined == {"act_mem", "size", "ratio"}
    for name in ("coefficients", "joint", "effects", "differences", "power"):
        assert found[name].empty, name
    assert not found["findings"]["sentence"].str.contains(r"\bp [<=]|interval").any()
    best = found["best"].query("metric == 'act_mem'")
    own = raw("deterministic-metric").sort_values("activation_mem_q_mb")
    assert best["mean"].tolist() == own["activation_mem_q_mb"].tolist()
    assert best[["std_error", "lower", "upper"]].isna().all(axis=None)
    assert best["could_be_best"].tolist() == [True] + [False] * (len(best) - 1)
    chosen = found["recommendation"].iloc[0]
    assert (chosen["weight_bits"], chosen["act_bits"]) == (4, 2)


def test_a_metric_that_the_settings_determine_beside_one_that_they_do_not():
    metrics = {
        "ratio": {"better": "higher"},
        "accuracy": {"better": "higher", "unit": "points"},
    }
    columns = {"ratio": "compression_ratio_activations", "accuracy": "quant_test_acc"}
    study = study_of("deterministic-metric", metrics=metrics, columns=columns)
    fits, notes = fit_all(study, study.settings)
    assert study.determined == {"ratio"}
    assert {metric for metric, _, _ in fits} == {"accuracy"}
    assert "ratio: the settings determine it exactly" in " ".join(map(str, notes))


def test_a_factor_within_another_level_with_noise():
    """Its slope is that of the half of the runs where it exists."""
    runs = raw("conditional")
    runs["value"] += np.random.default_rng(3).normal(0, 1, len(runs))
    config = read_config(CASES / "conditional" / "config.yaml")
    config["analysis"]["degree"] = 1
    study = preparation.study_of(runs, Settings.from_config(config))
    assert study.determined == frozenset()
    fit = fit_all(study, study.settings)[0]["value", "absolute", "ols"]
    foo = runs[runs["category"] == "foo"]
    slope = np.polyfit(foo["x1"], foo["value"], 1)[0]
    half_range = np.ptp(foo["x1"]) / 2
    assert fit.coefficients[fit.names.index("x1")] == pytest.approx(slope * half_range)


def test_few_different_values_are_not_taken_for_a_function_of_the_settings():
    runs = pd.DataFrame({"a": [1, 2, 3] * 4, "y": [1, 1, 1] * 3 + [1, 1, 0]})
    config = {"factors": {"a": {}}, "analysis": {"metrics": {"y": {"better": "higher"}}}}
    assert preparation.study_of(runs, Settings.from_config(config)).determined == frozenset()


def test_names_in_any_alphabet():
    _, fits = fits_of("unicode")
    assert fits["точность", "absolute", "ols"].names[1:3] == ("학습률", "größe")


def test_empty_cells_and_booleans_are_read():
    assert main_fit("empty-cells", "accuracy").residual_df > 0
    booleans = main_fit("booleans", "f1")
    levels = next(c.levels for c in booleans.model.codings if c.name == "binary")
    assert levels == ("False", "True")


def test_nobody_assigned_the_settings_of_a_table_that_is_no_grid():
    assert not study_of("q-family").settings.observational
    assert study_of("one-outlier").settings.observational
    assert not study_of("one-outlier", observational=False).settings.observational


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir() if path.is_dir()))
def test_every_case_is_fitted_or_refused_in_one_line(case):
    try:
        study, fits = fits_of(case)
    except UserError as error:
        assert case == "log-zero"
        assert str(error).isprintable()
        return
    rows = coefficients(fits, study.settings)
    assert np.isfinite(rows["estimate"].astype(float)).all()
    assert rows["p_value"].dropna().between(0, 1).all()
