"""Any histories or provenance beside the runs are refused in one message, or can be told."""

import copy
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hostile import cases, values
from hypothesis import given
from hypothesis import strategies as st
from test_run_tables import written

from analysis import figures, findings, report
from analysis.figures.training import learning_curves
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from common.configuration import read_config
from common.errors import UserError

EXAMPLE = Path(__file__).parents[2] / "results" / "example"
SETTINGS = Settings.from_config(read_config(EXAMPLE / "config.yaml"))
PROVENANCE = json.loads((EXAMPLE / "provenance.json").read_text())
HISTORIES = (EXAMPLE / "histories.csv").read_text().splitlines()[:40]
NO_FIGURES = pd.DataFrame(columns=["name", "kind", "metric", "title", "caption", "left_out"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    shutil.copy(EXAMPLE / "runs.csv", folder)
    return folder


def study_of(folder):
    """The runs with what lies beside them; None and a message checked where it is refused."""
    try:
        return read_study(folder / "runs.csv", SETTINGS)
    except UserError as error:
        assert str(error).isprintable()
        assert 10 < len(str(error)) < 3000
        return None


@st.composite
def spoilt_provenance(draw):
    """The example's with a few values replaced, as JSON."""
    content = copy.deepcopy(PROVENANCE)
    for _ in range(draw(st.integers(1, 3))):
        place = content
        while True:
            keys = list(range(len(place)) if isinstance(place, list) else place)
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(place[key], dict | list) and draw(st.integers(0, 3))
            if not deeper:
                place[key] = draw(values)
                break
            place = place[key]
    return json.dumps(content, default=str, skipkeys=True)


@st.composite
def spoilt_histories(draw):
    """The example's first lines with a few fields replaced."""
    table = [line.split(",") for line in HISTORIES]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.sampled_from([0, 0, 1, draw(st.integers(1, len(table) - 1))]))
        column = draw(st.integers(0, len(table[0]) - 1))
        value = str(draw(values))
        if row == 1:  # a whole column
            for line in table[1:]:
                line[column] = value
        else:
            table[row][column] = value
    return written(table)


@cases(10, 200)
@given(spoilt_provenance())
def test_a_spoilt_provenance(folder, content):
    (folder / "provenance.json").write_text(content)
    study = study_of(folder)
    (folder / "provenance.json").unlink()
    if study is not None:
        computed = {"findings": findings.find({}, study, SETTINGS)}
        told = report.context(computed, study, SETTINGS, NO_FIGURES)
        json.dumps(told, allow_nan=False, ensure_ascii=False).encode()


@cases(3, 60)
@given(spoilt_histories())
def test_spoilt_histories(folder, content):
    (folder / "histories.csv").write_bytes(content)
    study = study_of(folder)
    (folder / "histories.csv").unlink()
    if study is not None:
        try:
            figure = learning_curves({}, study, SETTINGS)
        except figures.CannotDraw as error:
            assert str(error).endswith(".")
        else:
            figure.draw_without_rendering()
