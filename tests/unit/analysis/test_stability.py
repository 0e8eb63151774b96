"""What one run, trajectory, block or variant decides; models of other degrees."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from scipy import stats

from analysis.evidence import Evidence
from analysis.findings.robustness import about_robustness
from analysis.fit.estimators import fit_all
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.wald import FTests
from analysis.preparation import study_of
from analysis.questions import stability as module
from analysis.questions.joint import hypotheses
from analysis.questions.models import estimable_polynomial, models
from analysis.questions.stability import notes, p_values_without_each, stability
from analysis.runs.study import Note

SETTINGS = reference.settings()
TWO_FACTORS = {
    "factors": {"a": {}, "b": {}},
    "analysis": {"metrics": {"score": {"better": "higher"}}, "degree": 1, "observational": False},
}


def two_factors(effect=0.0, outlier=0.0):
    """Sixteen settings, twice; ``effect`` of a, and one run that is ``outlier`` off."""
    rng = np.random.default_rng(5)
    rows = [
        {"a": a, "b": b, "replicate": r, "score": effect * a + 0.1 * rng.normal()}
        for a in range(4)
        for b in range(4)
        for r in range(2)
    ]
    rows[31]["score"] += outlier
    settings = reference.settings(TWO_FACTORS)
    return study_of(pd.DataFrame(rows), settings), settings


def varied(study, settings):
    given = Evidence(study, settings)
    return stability(given.fits, given.models[0], study, settings)


def test_leaving_one_run_out_equals_fitting_without_it():
    study = reference.study("splitplot_unbalanced")
    fit = ordinary_least_squares(study, SETTINGS, "loss", "absolute")
    names = next(n for kind, tested, n in hypotheses(fit.model) if tested == "epochs")
    p_values = p_values_without_each(fit, names)
    for at in (0, 17, 40):
        kept = replace(study, runs=study.runs.drop(fit.rows[at]))
        # the same coding, whatever the range of the rest
        again = ordinary_least_squares(kept, SETTINGS, "loss", "absolute")
        assert p_values[at] == pytest.approx(FTests(again).zero(names).p_value, rel=1e-8)


def test_a_factor_that_one_run_alone_brings_about_is_found_with_the_run():
    study, settings = two_factors(outlier=3.0)
    assert varied(study, settings)["agrees"].all()  # so far off it only adds to the error
    study, settings = two_factors(effect=0.05, outlier=-3.0)
    rows = varied(study, settings)
    gained = rows[(rows["variation"] == "run") & ~rows["agrees"] & rows["matters"]]
    assert gained["factor"].tolist() == ["a"]
    assert gained["name"].tolist() == ["a 3, b 3, replicate 1"]


def test_a_strong_factor_stands_whatever_is_left_out():
    study, settings = two_factors(effect=1.0)
    rows = varied(study, settings)
    assert rows["agrees"].all()
    assert set(rows["variation"]) >= {"run", "replicate"}
    assert rows.loc[rows["factor"] == "a", "matters"].all()


def test_where_nothing_is_shown_nothing_is_said_of_factors_that_are():
    for effect, said in ((1.0, "The factors shown for score are"), (0.0, "No factor is shown")):
        study, settings = two_factors(effect=effect)
        tables = {"stability": varied(study, settings)}
        tables |= {name: pd.DataFrame() for name in ("notes", "coefficients")}
        (found,) = about_robustness(tables, study, settings)
        assert found.sentence.startswith(said)


def test_variants_are_only_those_that_describe_the_runs_about_as_well():
    rng = np.random.default_rng(1)
    study, settings = two_factors(effect=1.0)
    study.runs["score"] = study.runs["a"] ** 2 + 0.01 * rng.normal(size=len(study.runs))
    settings = replace(settings, degree=2)
    study = study_of(study.runs, settings)
    names = set(varied(study, settings).query("variation == 'analysis'")["name"])
    assert "degree 1" not in names  # no line describes a parabola


def test_what_leaves_a_factor_nothing_to_compare_is_no_variation():
    study, settings = two_factors()
    first = study.runs["replicate"] == 0
    study = study_of(study.runs[first | (study.runs["a"] == 1)], settings)
    # without replicate 0 there is one level of a
    assert variations(study, settings)["replicate"] == ["1"]


def test_nothing_is_concluded_from_what_hardly_any_degrees_of_freedom_are_left_of():
    """Of 12 runs in two replicates one leaves 6, for three coefficients."""
    study, settings = two_factors(effect=1.0)
    study = study_of(study.runs[(study.runs["a"] < 3) & (study.runs["b"] < 2)], settings)
    rows = varied(study, settings)
    assert set(rows["variation"]) == {"run"}
    (note,) = [each for each in notes(fit_all(study, settings)[0]) if each.topic == "stability"]
    assert note.sentence == (
        "no replicate was left out that would have left fewer than 5 residual degrees of freedom."
    )


def variations(study, settings):
    """The kinds of variations with the names of each."""
    rows = varied(study, settings)
    return rows.groupby("variation")["name"].unique().map(sorted).to_dict()


def test_up_to_a_number_of_runs_and_of_levels_of_a_block_each_is_left_out(monkeypatch):
    study, settings = two_factors(effect=1.0)
    fits, _ = fit_all(study, settings)
    monkeypatch.setattr(module, "RUNS_MOST", 32)
    monkeypatch.setattr(module, "BLOCKS_MOST", 2)
    found = variations(study, settings)
    assert found["replicate"] == ["0", "1"] and len(found["run"]) in (1, 2)
    assert notes(fits) == []
    monkeypatch.setattr(module, "RUNS_MOST", 31)
    monkeypatch.setattr(module, "BLOCKS_MOST", 1)
    assert set(variations(study, settings)) == {"analysis"}
    assert [note.sentence for note in notes(fits)] == [
        "with 32 runs, no single one was left out in turn.",
        "replicate has 2 levels, so none was left out in turn.",
    ]


@pytest.mark.parametrize(
    ("metric", "scores", "other"),
    [
        ({"unit": "points"}, lambda a: 0.2 + a / 10, "log-odds"),
        ({"unit": "points"}, lambda a: a / 5, None),  # a proportion of exactly 0 has no log-odds
        ({"unit": "points"}, lambda a: 0.4 + a / 5, None),  # nor has one of 1
        ({"unit": "points", "transform": "logit"}, lambda a: 0.2 + a / 10, "no transform"),
        ({}, lambda a: 2 + a, "logarithm"),
        ({}, lambda a: a, None),  # 0 has no logarithm
        ({"transform": "log"}, lambda a: 2 + a, "no transform"),
    ],
)
def test_the_metric_is_also_analysed_on_another_scale_that_all_of_it_has(metric, scores, other):
    noise = 1e-3 * np.abs(np.random.default_rng(0).normal(size=32))
    runs = two_factors()[0].runs
    exact = scores(runs["a"])
    score = exact.where(exact.isin([0, 1]), exact + noise)
    analysis = {**TWO_FACTORS["analysis"], "metrics": {"score": {"better": "higher", **metric}}}
    settings = reference.settings({**TWO_FACTORS, "analysis": analysis})
    study = study_of(runs.assign(score=score), settings)
    names = variations(study, settings).get("analysis", [])
    assert [name for name in names if not name.startswith("degree")] == ([other] if other else [])


def test_a_run_is_named_by_its_line_where_its_setting_is_long_or_not_its_own(monkeypatch):
    study, settings = two_factors(effect=0.05, outlier=-3.0)
    assert "a 3, b 3, replicate 1" in variations(study, settings)["run"]
    twice = replace(study, runs=study.runs.assign(replicate=0))  # two runs of each setting
    assert any(
        name.startswith("in line ") and name.endswith("of the table (a 3, b 3)")
        for name in variations(twice, settings)["run"]
    )
    monkeypatch.setattr(module, "NAMED_FACTORS", 2)
    assert "a 3, b 3, replicate 1" in variations(study, settings)["run"]
    monkeypatch.setattr(module, "NAMED_FACTORS", 1)
    assert "in line 33 of the table" in variations(study, settings)["run"]


def test_a_trajectory_of_several_runs_is_left_out_as_a_whole_too():
    study = reference.study("splitplot_unbalanced")
    found = varied(study, SETTINGS).query("metric == 'loss'")
    trajectories = found[found["variation"] == "trajectory"]["name"].unique()
    assert len(trajectories) in (1, 2, 3)
    assert all(
        name.startswith("learning rate ") and "epoch" not in name and "replicate" in name
        for name in trajectories
    )
    alone, settings = two_factors(effect=1.0)
    assert "trajectory" not in variations(alone, settings)


def test_too_much_to_leave_out_is_said():
    study = reference.study()
    copies = [study.runs.assign(replicate=study.runs["replicate"] + 3 * k) for k in range(4)]
    many = replace(study, runs=pd.concat(copies, ignore_index=True))
    many.runs["trajectory"] += "/" + many.runs["replicate"].astype(str)
    fits, _ = fit_all(many, SETTINGS)
    assert Note(
        "stability", "replicate has 12 levels, so none was left out in turn.", "loss"
    ) in notes(fits)


@pytest.mark.parametrize("design", reference.DESIGNS)
def test_models_equal_r(design):
    study = reference.study(design)
    found = models(study, SETTINGS)[0].set_index(["metric", "degree"])
    for metric in reference.METRICS:
        fit = reference.answers(design)[metric]["absolute"]["fit"]
        row = found.loc[metric, 2]
        parameters = 11  # ten coefficients and the variance
        correction = 2 * parameters * (parameters + 1) / (fit["n"] - parameters - 1)
        assert row["aicc"] == pytest.approx(fit["aic_r"] + correction, rel=1e-10)
        assert row["adjusted_r_squared"] == pytest.approx(fit["adj_r_squared"], rel=1e-8)
        assert row["parameters"] == 10
        # three levels allow no cubes, and the simulation had none
        assert found.loc[(metric, 3), "parameters"] == 17
        assert found["aicc"][metric].idxmin() == 2


def test_powers_need_more_levels_than_their_degree():
    names = [term.name for term in estimable_polynomial(reference.study(), SETTINGS, 3)]
    assert "epochs^3" not in names
    assert "learning_rate^2:epochs" in names
    assert [note.sentence for note in models(reference.study(), SETTINGS)[1]] == [
        "The model of degree 3 is fitted without learning rate³, batch size³ and epochs³, for "
        "which there are too few levels."
    ]


def test_a_degree_without_terms_of_its_own_is_no_model_and_no_variant():
    settings = reference.settings(
        {
            "factors": {"depth": {"scale": "linear"}},
            "analysis": {"metrics": {"loss": {"better": "lower"}}},
        }
    )
    runs = pd.DataFrame({"depth": [1, 2, 3] * 4, "replicate": np.repeat(range(4), 3)})
    runs["loss"] = runs["depth"] ** 2 + np.random.default_rng(0).normal(size=12)
    study = study_of(runs, settings)
    found, told = models(study, settings)
    assert list(found["degree"]) == [1, 2]
    assert told == [
        Note(
            "models",
            "There is no model of degree 3: without depth³, for which there are too few levels, "
            "it has no terms of its own.",
        )
    ]


def test_a_metric_of_two_values_has_models_and_one_that_never_varies_has_none():
    study, settings = two_factors()
    halves = study.runs["replicate"].to_numpy() % 2 * 1.0  # no setting determines it
    for scores, count in ((halves, 2), (np.ones(32), 0)):
        changed = replace(study, runs=study.runs.assign(score=scores))
        assert len(models(changed, settings)[0].query("degree < 3")) == count


def test_with_just_enough_degrees_of_freedom_left_a_block_is_left_out():
    """Of 16 runs in two replicates one leaves 8, and 5 degrees of freedom beside three
    coefficients."""
    study, settings = two_factors(effect=1.0)
    enough = study_of(study.runs[study.runs["b"] < 2], settings)
    assert variations(enough, settings)["replicate"] == ["0", "1"]
    assert notes(fit_all(enough, settings)[0]) == []
    fewer = study_of(enough.runs[(enough.runs["a"] > 0) | (enough.runs["b"] > 0)], settings)
    assert "replicate" not in variations(fewer, settings)
    assert len(notes(fit_all(fewer, settings)[0])) == 1
    # replicates of 16 and 8 runs: it is the larger one that must not be left out
    uneven = study_of(study.runs[(study.runs["replicate"] == 0) | (study.runs["b"] < 2)], settings)
    assert variations(uneven, settings)["replicate"] == ["0", "1"]
    short = (study.runs["replicate"] == 0) | ((study.runs["b"] < 2) & (study.runs["a"] > 0))
    assert variations(study_of(study.runs[short], settings), settings)["replicate"] == ["1"]


def test_one_replicate_is_no_block_that_could_be_left_out():
    study, settings = two_factors(effect=1.0)
    alone = study_of(study.runs[study.runs["replicate"] == 0], settings)
    found = variations(alone, settings)
    assert "replicate" not in found and notes(fit_all(alone, settings)[0]) == []
    assert all("replicate" not in name for name in found["run"])


def test_a_factor_matters_whose_q_is_below_alpha_not_at_it():
    study, settings = two_factors(effect=0.03)
    fit = fit_all(study, settings)[0]["score", "absolute", "split_plot"]
    tests = module.factor_tests(fit, settings)
    tested = [FTests(fit).zero((name,)).p_value for name in "ab"]
    assert tests["p_value"].tolist() == pytest.approx(tested)
    assert tests["q_value"].tolist() == stats.false_discovery_control(tested).tolist()
    for q_value in tests["q_value"]:
        at = module.factor_tests(fit, replace(settings, alpha=q_value))["matters"]
        above = module.factor_tests(fit, replace(settings, alpha=np.nextafter(q_value, 1)))
        assert (at == (tests["q_value"] < q_value)).all()
        assert (above["matters"] == (tests["q_value"] <= q_value)).all()


@pytest.mark.parametrize(("aicc", "names"), [(10.0, {"degree 2"}), (10.001, set())])
def test_a_model_of_another_degree_may_have_an_aicc_ten_higher(aicc, names):
    study, settings = two_factors(effect=1.0)
    fits, _ = fit_all(study, settings)
    table = pd.DataFrame({"metric": "score", "degree": [1, 2, 3], "aicc": [0.0, aicc, 11.0]})
    rows = stability(fits, table, study, settings).query("variation == 'analysis'")
    assert {name for name in rows["name"] if name.startswith("degree")} == names


def test_the_last_degree_of_freedom_tests_and_a_run_that_alone_tells_a_term_does_not():
    runs = pd.DataFrame(
        {"a": [0.0, 1, 2, 3, 0], "b": [0.0, 0, 0, 0, 1], "score": [1, 3, 2, 5, 4.0]}
    )
    study = study_of(runs, reference.settings(TWO_FACTORS))
    fit = ordinary_least_squares(study, study.settings, "score", "absolute")
    p_values = p_values_without_each(fit, ("a",))
    assert np.isnan(p_values).tolist() == [False] * 4 + [True]
    without = ordinary_least_squares(
        replace(study, runs=study.runs.drop(index=2)), study.settings, "score", "absolute"
    )
    assert p_values[2] == pytest.approx(FTests(without).zero(("a",)).p_value)
    four = replace(study, runs=study.runs.drop(index=2))
    fit = ordinary_least_squares(four, study.settings, "score", "absolute")
    assert np.isnan(p_values_without_each(fit, ("a",))).all()


@pytest.mark.parametrize("runs", [4, 5])
def test_aicc_needs_two_runs_more_than_parameters(runs):
    """Of a line: an intercept, a slope and a variance. By Hurvich & Tsai's formula."""
    a = np.arange(float(runs))
    score = np.array([0.0, 2, 1, 3, 2])[:runs]
    settings = reference.settings(
        {"factors": {"a": {}}, "analysis": {"metrics": {"score": {"better": "higher"}}}}, degree=1
    )
    found, told = models(study_of(pd.DataFrame({"a": a, "score": score}), settings), settings)
    row = found.set_index("degree").loc[1]
    left = score - np.polyval(np.polyfit(a, score, 1), a)
    aic = runs * (np.log(2 * np.pi * (left @ left) / runs) + 1) + 2 * 3
    expected = aic + 2 * 3 * 4 / (runs - 4) if runs == 5 else np.nan
    assert row["aicc"] == pytest.approx(expected, nan_ok=True)
    assert any("no AICc of degree 1: 4 runs are too few" in each.sentence for each in told) == (
        runs == 4
    )
    total = ((score - score.mean()) ** 2).sum()
    assert row["adjusted_r_squared"] == pytest.approx(
        1 - (left @ left / (runs - 2)) / (total / (runs - 1))
    )
