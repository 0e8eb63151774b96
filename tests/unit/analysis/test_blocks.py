"""Blocks, repeats and sub-plots, against R."""

import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.estimators import p_values
from analysis.fit.least_squares import lack_of_fit, ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.preparation import read_study, study_of
from analysis.questions import canonical
from analysis.questions.diagnostics import analysis_of_variance

CAKE = {
    "factors": {"recipe": {"scale": "categorical"}, "temperature": {}},
    "analysis": {
        "metrics": {"angle": {"better": "higher"}},
        "formula": "recipe*temperature",
        "columns": {"trajectory": ["recipe", "replicate"]},
    },
}


def cake(config, **analysis):
    study = read_study(reference.REFERENCE / "cake.csv", reference.settings(config, **analysis))
    return study, study.settings


def test_a_central_composite_design_with_repeated_centre_points_equals_rsm():
    study, settings = reference.central_composite()
    fit = ordinary_least_squares(study, settings, "y", "absolute")
    answer = reference.answers("ccd")
    ours = {"(Intercept)": "intercept", "block2": "block[2]"}
    assert fit.residual_df == answer["df_residual"] == 9
    for row in answer["coef"]:
        at = fit.names.index(ours.get(row["_row"], row["_row"]))
        assert fit.coefficients[at] == pytest.approx(row["Estimate"], rel=1e-9), row["_row"]
        assert fit.std_errors[at] == pytest.approx(row["Std. Error"], rel=1e-9), row["_row"]
    rows = analysis_of_variance(fit, study.runs).set_index("source")
    sources = {"Residuals": "residual", "Lack of fit": "lack_of_fit", "Pure error": "pure_error"}
    for row in answer["anova"]:
        own = rows.loc[sources.get(row["_row"], row["_row"].partition("(")[0])]
        assert own["df"] == row["Df"], row["_row"]
        assert own["sum_of_squares"] == pytest.approx(row["Sum Sq"], rel=1e-9), row["_row"]
        if "Pr(>F)" in row:
            assert own["p_value"] == pytest.approx(row["Pr(>F)"], rel=1e-6), row["_row"]
    test = lack_of_fit(fit, study.runs)
    assert (test.df, test.pure_error_df) == (5, 4)  # 3 + 1 of the centre points within their blocks
    point = canonical.stationary(fit).set_index("factor")["coded"]
    assert point[["x1", "x2", "x3"]].to_numpy() == pytest.approx(answer["xs"], rel=1e-8)


def test_without_a_replicate_column_repeated_settings_are_trajectories_of_their_own():
    study, _ = reference.central_composite()
    assert study.runs["trajectory"].is_unique
    assert not any("pure error" in note.sentence for note in study.notes)


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_declared_blocks_are_fixed_effects_with_their_own_names(metric):
    study, settings = reference.observational()
    fit = ordinary_least_squares(study, settings, metric, "absolute")
    p_value = p_values(fit)
    rows = reference.answers("observational")[metric]["absolute"]["ols"]
    assert len(rows) == len(fit.names) == 15
    for row in rows:
        at = fit.names.index(row["term"].replace("(Intercept)", "intercept"))
        assert fit.coefficients[at] == pytest.approx(row["estimate"], rel=1e-8), row["term"]
        assert fit.std_errors[at] == pytest.approx(row["std_error"], rel=1e-8), row["term"]
        assert p_value[at] == pytest.approx(row["p_value"], rel=1e-6, abs=1e-12), row["term"]
    assert settings.observational
    # several settings of epochs are several models here, not one training run looked at twice
    assert study.subplot_factors(settings) == ()


def test_any_factor_may_vary_within_a_trajectory():
    """Cook's cakes: a batch of one recipe is divided among the temperatures. With replicate as a
    block, three recipes in 15 of them leave 28 degrees of freedom, the temperatures 222. The slope
    is that of lme4's documentation, 0.158 degrees a degree."""
    study, settings = cake(CAKE)
    assert study.subplot_factors(settings) == ("temperature",)
    assert not settings.observational
    fit = split_plot(study, settings, "angle", "absolute")
    df = dict(zip(fit.names, fit.df, strict=True))
    assert df["recipe[B]"] == pytest.approx(28)
    assert df["recipe[C]"] == pytest.approx(28)
    assert df["temperature"] == pytest.approx(222)
    assert df["recipe[B]:temperature"] == pytest.approx(222)
    slope = fit.coefficients[fit.names.index("temperature")]
    assert slope / 25 == pytest.approx(0.15803, abs=1e-5)


def test_the_config_says_which_columns_are_blocks():
    config = {**CAKE, "analysis": {**CAKE["analysis"], "formula": None}}
    study, settings = cake(config, blocks=[])
    assert split_plot(study, settings, "angle", "absolute").model.blocks == ()
    study, settings = cake(config, blocks=["replicate"])
    fit = ordinary_least_squares(study, settings, "angle", "absolute")
    assert len(fit.model.blocks) == 14


RUNS = pd.DataFrame(
    [
        {"depth": d, "width": w, "seed": s, "y": d + np.sin(7 * d + 3 * w + s)}
        for d in (1, 2, 3)
        for w in (4, 8, 16)
        for s in (1, 2)
    ]
)
NETS = {
    "factors": {"depth": {}, "width": {"scale": "log2"}},
    "analysis": {"metrics": {"y": {"better": "higher"}}, "columns": {"replicate": "seed"}},
}


def test_a_seed_that_is_used_for_several_settings_is_a_block():
    study = study_of(RUNS, reference.settings(NETS))
    fit = split_plot(study, study.settings, "y", "absolute")
    assert fit.model.blocks == ("replicate[2]",)


@pytest.mark.parametrize(
    "labels", [[f"sweep-{i}" for i in range(18)], [0] * 16 + [1, 2], list(range(18))]
)
def test_labels_that_do_not_cross_settings_are_no_block(labels):
    study = study_of(RUNS.assign(seed=labels), reference.settings(NETS))
    assert set(study.runs["replicate"]) == {0}
    assert study.runs["run_label"].tolist() == labels
    assert split_plot(study, study.settings, "y", "absolute").model.blocks == ()
    assert any("they are no block" in note.sentence for note in study.notes)


def test_an_empty_block_is_refused():
    settings = reference.settings(NETS, blocks=["task"])
    with pytest.raises(Exception, match=r"Column task, row 3 .*: empty"):
        study_of(RUNS.assign(task=["a", "b", None] * 6), settings)


def test_levels_and_codings_are_those_of_runs_with_results():
    more = pd.DataFrame([{"depth": 90, "width": 4, "seed": 1, "y": None}])
    every = study_of(pd.concat([RUNS, more]), reference.settings(NETS))
    without = study_of(RUNS, reference.settings(NETS))
    fits = [split_plot(s, s.settings, "y", "absolute") for s in (every, without)]
    assert fits[0].coefficients.tolist() == fits[1].coefficients.tolist()
    assert "depth: no run with 90 has a result" in " ".join(map(str, every.notes))
