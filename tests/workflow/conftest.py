"""A whole study on a tiny DistilBERT, run once by the real Snakefile, and copies of it to spoil."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.tiny import whole_config, write_tiny_distilbert, write_tiny_sentences

PROJECT = Path(__file__).parents[2]
ANY_FOLDER = "a folder/with 'quotes' é"

Study = Path
Result = subprocess.CompletedProcess


def snakemake(
    study: Study,
    *arguments: str,
    project: Path = PROJECT,
    python: str = sys.executable,
    **environment: str,
) -> Result:
    """Runs the project's Snakefile in a folder that holds config.yaml."""
    command = [python, "-m", "snakemake", "--snakefile", str(project / "Snakefile")]
    command += ["--configfile", "config.yaml", *arguments]
    return subprocess.run(
        command, cwd=study, env=os.environ | environment, capture_output=True, text=True
    )


def configure(study: Study, change: Callable[[dict], None]) -> None:
    """Changes the configuration of a study."""
    path = study / "config.yaml"
    config = yaml.safe_load(path.read_text())
    change(config)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.fixture(scope="session")
def new_study(tmp_path_factory) -> Study:
    """A folder with a configuration, a checkpoint and texts, of which nothing was run.

    Its path has everything that a shell takes for its own.
    """
    study = tmp_path_factory.mktemp("study") / ANY_FOLDER / "new"
    write_tiny_distilbert(study / "checkpoint")
    write_tiny_sentences(study / "sentences.csv", films=24)
    (study / "config.yaml").write_text(yaml.safe_dump(whole_config(), sort_keys=False))
    return study


@pytest.fixture(scope="session")
def finished_study(new_study) -> Study:
    """The same folder after snakemake --cores 4, by a project with its environment beside it."""
    project = new_study.with_name("project")
    for part in ("analysis", "common", "profiles", "workflow"):
        shutil.copytree(PROJECT / part, project / part)
    for file in ("Snakefile", "config.yaml"):
        shutil.copy(PROJECT / file, project)
    (project / ".venv").symlink_to(sys.prefix)
    python = project / ".venv" / "bin" / Path(sys.executable).name
    done = snakemake(new_study, "--cores", "4", project=project, python=str(python))
    assert done.returncode == 0, done.stderr
    return new_study


@pytest.fixture(scope="session")
def report_page(finished_study) -> Path:
    """The page that snakemake --report writes of the finished study."""
    done = snakemake(finished_study, "--report", "report.html")
    assert done.returncode == 0, done.stderr
    return finished_study / "report.html"


@pytest.fixture
def copy(finished_study, tmp_path) -> Study:
    """A finished study to do things to; file times and Snakemake's records are kept."""
    shutil.copytree(finished_study, tmp_path / "copy", dirs_exist_ok=True)
    return tmp_path / "copy"


@pytest.fixture
def no_tensorflow(tmp_path) -> dict[str, str]:
    """An environment in which importing TensorFlow or Keras fails."""
    for package in ("tensorflow", "keras", "keras_hub"):
        folder = tmp_path / "blocked" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise ImportError('this must not be imported')\n")
    return {"PYTHONPATH": str(tmp_path / "blocked")}
