"""The example of an optimal design says of itself what is true."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.evidence import Evidence
from analysis.preparation import read_study
from analysis.questions.joint import joint
from analysis.runs.settings import Settings
from common.configuration import read_config
from design import settings_of
from study.configuration import resolved

ROOT = Path(__file__).parents[3]
FOLDERS = {"grid": ROOT / "results" / "example", "design": ROOT / "docs" / "example-design"}
FACTORS = ["learning_rate", "batch_size", "epochs"]


@pytest.fixture(scope="module")
def given():
    """Of both the evidence, by name."""
    found = {}
    for name, folder in FOLDERS.items():
        settings = Settings.from_config(read_config(folder / "config.yaml"))
        study = read_study(folder / "runs.csv", settings)
        found[name] = Evidence(study, study.settings)
    return found


def test_the_runs_are_those_that_the_configuration_chooses():
    config = resolved(read_config(FOLDERS["design"] / "config.yaml"))
    runs = pd.read_csv(FOLDERS["design"] / "runs.csv")
    chosen = pd.DataFrame(settings_of(config))
    ran = runs[["learning_rate", "batch_size"]].drop_duplicates()
    assert sorted(map(tuple, ran.to_numpy())) == sorted(map(tuple, chosen.to_numpy()))


def test_every_run_is_one_of_the_grids():
    grid, design = (
        pd.read_csv(folder / "runs.csv").set_index([*FACTORS, "replicate"])
        for folder in FOLDERS.values()
    )
    assert len(design) == 14 * 3
    results = ["accuracy", "f1", "loss", "tokens"]
    assert design[results].equals(grid.loc[design.index, results])
    for path in design["predictions"]:
        contents = [(folder / path).read_bytes() for folder in FOLDERS.values()]
        assert contents[0] == contents[1]


def test_what_the_grid_was_sure_of_has_the_same_direction(given):
    q_values, slopes = {}, {}
    for name, evidence in given.items():
        tests = joint(evidence.joint_tests)
        own = (tests["framing"] == "absolute") & (tests["estimator"] == "split_plot")
        factors = tests[own & (tests["kind"] == "factor")]
        q_values[name] = factors.set_index(["metric", "tested"])["q_value"]
        slopes[name] = {
            (metric, factor): fit.coefficients[fit.names.index(factor)]
            for metric, fit in evidence.main.items()
            for factor in FACTORS
        }
    sure = q_values["grid"][q_values["grid"] < 0.05].index
    assert list(sure) == [("loss", "learning_rate"), ("loss", "epochs")]
    assert all(slopes["grid"][each] * slopes["design"][each] > 0 for each in sure)
    readme = (FOLDERS["design"] / "README.md").read_text()
    for name, digits in (("loss", 4), ("accuracy", 2)):
        shown = round(q_values["design"][name, "learning_rate"], digits)
        assert f"{shown:.{digits}f}" in readme
