"""An estimate that also has another term in it says so."""

import itertools

import numpy as np
import pandas as pd

from analysis.evidence import Evidence
from analysis.findings.effects import about_effects
from analysis.findings.summary import about_summary
from analysis.preparation import study_of
from analysis.questions.aliases import aliases_of
from analysis.questions.joint import joint
from analysis.report.content import Content
from analysis.report.regression import aliased
from analysis.runs.settings import Settings


def analysed(runs, names=("a", "b", "c"), **more):
    config = {
        "factors": {name: {} for name in names},
        "analysis": {"metrics": {"y": {"better": "higher"}}, **({"degree": 1} | more)},
    }
    table = pd.DataFrame(np.tile(runs, (4, 1)), columns=list(names))
    table["replicate"] = np.repeat(range(4), len(runs))
    table["y"] = 3 * table["a"] + np.random.default_rng(0).normal(size=len(table))
    study = study_of(table, Settings.from_config(config))
    given = Evidence(study, study.settings)
    found = aliases_of(given.main["y"], study, study.settings)
    tables = {"joint": joint(given.joint_tests), "aliases": found}
    asked = (tables, study, study.settings, study.settings.metric("y"))
    (summary,) = about_summary(*asked)
    told = {each.about: each.sentence for each in about_effects(*asked)}
    tables["findings"] = pd.DataFrame()
    content = Content(tables, study, study.settings, pd.DataFrame())
    return found, told, summary.sentence, aliased(content, asked[-1])


def test_half_of_a_grid_names_the_product_in_each_main_effect():
    half = [(a, b, a * b) for a, b in itertools.product((-1, 1), repeat=2)]
    found, sentences, summary, _ = analysed(half, observational=False)
    assert found[["term", "alias"]].to_numpy().tolist() == [
        ["a", "b:c"],
        ["b", "a:c"],
        ["c", "a:b"],
    ]
    assert np.allclose(found["share"], 1)
    assert "a is aliased with b × c: what that does" in sentences["a"]
    assert "b is aliased with a × c" in sentences["b"]
    assert summary.endswith("In these runs a is aliased with b × c.")  # a alone matters


def test_a_whole_grid_has_none_and_runs_that_nobody_chose_are_not_asked():
    grid = list(itertools.product((-1, 1), repeat=3))
    found, sentences, summary, paragraphs = analysed(grid)
    assert found.empty and not paragraphs
    assert not any("aliased" in sentence for sentence in (*sentences.values(), summary))
    half = [(a, b, a * b) for a, b in itertools.product((-1, 1), repeat=2)]
    assert analysed(half, observational=True)[0].empty


def test_a_product_names_what_it_cannot_be_told_from_and_so_do_its_factors():
    half = [(a, b, c, a * b * c) for a, b, c in itertools.product((-1, 1), repeat=3)]
    found, sentences, _, (paragraph,) = analysed(
        half, ("a", "b", "c", "d"), degree=None, formula="a + b + c + d + a:b", observational=False
    )
    assert found.loc[found["term"] == "a:b", "alias"].to_list() == ["c:d"]
    assert "In these runs a × b is aliased with c × d: what that does" in sentences["a:b"]
    # c × d would show in the test of a, which has a × b in it, not in that of c
    assert "a is aliased with b × c × d and c × d:" in sentences["a"]
    assert "c is aliased with a × b × d:" in sentences["c"]
    assert "; d (a × b × c); a × b (c × d). What those do" in paragraph["text"]
