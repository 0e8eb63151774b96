from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.estimators import fit_all
from analysis.questions.robustness import conclusions, estimable_polynomial, models
from analysis.runs import table as runs
from analysis.runs.study import Note

SETTINGS = reference.settings()


def concluded(study, settings):
    return conclusions(study, settings, fit_all(study, settings)[0], models(study, settings)[0])


@pytest.fixture(scope="module")
def found():
    study = reference.study("splitplot_unbalanced")
    return concluded(study, SETTINGS)[0]


def test_every_variant_is_there(found):
    replicates = [f"without replicate {k}" for k in range(3)]
    assert found.query("metric == 'f1'")["variant"].unique().tolist() == [
        "main",
        "logit",
        *replicates,
    ]
    assert "log" in found.query("metric == 'loss'")["variant"].unique()


def test_the_main_conclusions_are_the_split_plot_ones(found):
    answer = reference.answers("splitplot_unbalanced")["loss"]["absolute"]
    main = found.query("metric == 'loss' and variant == 'main'").set_index("term")
    assert len(main) == 9
    assert main["agrees"].isna().all()
    for row in answer["split_plot_satterthwaite"]:
        term = reference.our_term(row["term"])
        if term in main.index:
            assert main.loc[term, "estimate"] == pytest.approx(row["estimate"], rel=1e-5)
            assert main.loc[term, "significant"] == (row["p_value"] < 0.05)


def test_what_flips_is_marked(found):
    rows = found.query("metric == 'loss' and term == 'batch_size'").set_index("variant")
    assert rows.loc["main", "significant"]
    flipped = rows.index[rows["agrees"] == False]  # noqa: E712
    assert set(flipped) == {f"without replicate {k}" for k in range(3)}
    assert rows.loc["log", "agrees"] == True  # noqa: E712


def test_only_degrees_that_the_runs_support_are_variants():
    """By AICc the second degree is best, by far."""
    study = reference.study("splitplot_unbalanced")
    fits, compared = fit_all(study, SETTINGS)[0], models(study, SETTINGS)[0]
    f1 = compared[compared["metric"] == "f1"].set_index("degree")["aicc"]
    assert f1.idxmin() == 2 and f1.drop(2).min() > f1[2] + 10
    every = conclusions(study, SETTINGS, fits, compared.assign(aicc=0.0))[0]
    assert {"degree 1", "degree 3"} <= set(every["variant"])
    cubic = every.query("variant == 'degree 3' and term == 'learning_rate^2:epochs'")
    assert len(cubic) == 3
    assert cubic["agrees"].isna().all()  # nothing to agree with


def test_a_sign_that_turns_is_no_agreement():
    study = reference.study()
    study.runs["loss"] = np.where(study.runs["replicate"] == 2, -9.0, 1.0) * study.runs[
        "epochs"
    ] + 1e-3 * np.sin(np.arange(81))
    fits, _ = fit_all(study, SETTINGS)
    table, _ = conclusions(study, SETTINGS, fits, models(study, SETTINGS)[0])
    rows = table.query("metric == 'loss' and term == 'epochs'").set_index("variant")
    assert rows.loc["main", "estimate"] < 0 < rows.loc["without replicate 2", "estimate"]
    assert not rows.loc["without replicate 2", "agrees"]


@pytest.mark.parametrize("design", reference.DESIGNS)
def test_models_equal_r(design):
    study = reference.study(design)
    table = models(study, SETTINGS)[0].set_index(["metric", "degree"])
    for metric in reference.METRICS:
        fit = reference.answers(design)[metric]["absolute"]["fit"]
        row = table.loc[metric, 2]
        parameters = 11  # ten coefficients and the variance
        correction = 2 * parameters * (parameters + 1) / (fit["n"] - parameters - 1)
        assert row["aicc"] == pytest.approx(fit["aic_r"] + correction, rel=1e-10)
        assert row["adjusted_r_squared"] == pytest.approx(fit["adj_r_squared"], rel=1e-8)
        assert row["parameters"] == 10
        # three levels allow no cubes, and the simulation had none
        assert table.loc[(metric, 3), "parameters"] == 17
        assert table["aicc"][metric].idxmin() == 2


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
    table = pd.DataFrame({"depth": [1, 2, 3] * 4, "replicate": np.repeat(range(4), 3)})
    table["loss"] = table["depth"] ** 2 + np.random.default_rng(0).normal(size=12)
    study = runs.from_table(table, settings)
    found, notes = models(study, settings)
    assert list(found["degree"]) == [1, 2]
    assert notes == [
        Note(
            "models",
            "There is no model of degree 3: without depth³, for which there are too few levels, "
            "it has no terms of its own.",
        )
    ]
    variants = concluded(study, settings)[0]["variant"].unique()
    assert "degree 1" in variants and "degree 3" not in variants


def test_replicates_that_are_too_many_to_leave_out_are_said():
    study = reference.study()
    copies = [study.runs.assign(replicate=study.runs["replicate"] + 3 * k) for k in range(4)]
    many = replace(study, runs=pd.concat(copies, ignore_index=True))
    many.runs["trajectory"] += "/" + many.runs["replicate"].astype(str)
    found, notes = concluded(many, SETTINGS)
    assert not found["variant"].str.startswith("without").any()
    assert [note.sentence for note in notes] == [
        "With 12 replicates, none was left out in turn to see whether it decides a conclusion; "
        "that is done for up to 10."
    ]
