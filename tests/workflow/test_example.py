"""The finished study that comes with the project gives its figures and report without training."""

import os
import subprocess
import sys

import pandas as pd
from pypdf import PdfReader

from analysis.preparation import read_study
from analysis.report.opening import LINES, PARTS
from analysis.runs.settings import Settings
from common.configuration import read_config
from tests.report_pages import MOST_EMPTY, emptiest, lines_of_findings, pictures
from tests.workflow.conftest import PROJECT

EXAMPLE = PROJECT / "results" / "example"


def test_the_example_is_explained_from_its_files_alone(tmp_path, no_tensorflow):
    command = [sys.executable, "-m", "analysis", str(EXAMPLE / "runs.csv")]
    command += ["--config", str(EXAMPLE / "config.yaml"), "--out", str(tmp_path)]
    environment = os.environ | no_tensorflow
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    runs = pd.read_csv(EXAMPLE / "runs.csv")
    first = PdfReader(tmp_path / "report.pdf").pages[0].extract_text()
    assert f"{len(runs)} runs" in first
    assert "embedded model and sentences, not the Hugging Face Hub" in first
    comparisons = pd.read_csv(tmp_path / "analysis" / "comparisons.csv")
    assert (
        len(comparisons[comparisons["metric"] == "accuracy"])
        == runs.groupby(["learning_rate", "batch_size", "epochs"]).ngroups
    )
    lines = lines_of_findings(tmp_path / "report.pdf")
    assert 8 <= len(lines) <= LINES
    assert all(any(line.startswith(f"{part.label}.") for line in lines) for part in PARTS)
    settings = Settings.from_config(read_config(EXAMPLE / "config.yaml"))
    pages = pictures(read_study(EXAMPLE / "runs.csv", settings), tmp_path, dpi=30)
    assert len(pages) > 15
    assert max(map(emptiest, pages[:-1])) < MOST_EMPTY
