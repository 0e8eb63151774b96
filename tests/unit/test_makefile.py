"""make finds a Python that fits, or says which is needed."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGET = ".venv/study.installed"


@pytest.fixture
def make(tmp_path):
    """Runs make in a folder of its own, where only the Pythons of the folder ``bin`` are found."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "sh", "touch"):
        (tools / tool).symlink_to(shutil.which(tool))

    def run(*arguments):
        environment = os.environ | {"PATH": str(tools)}
        command = ["make", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


def python(folder, name, does):
    """A program that is called like a Python. Returns its path."""
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


def test_none_is_found(make):
    done = make(TARGET)
    assert done.returncode != 0
    told = "Python 3.11, 3.12 or 3.13 is needed, and none was found. Name one: make "
    assert f"{told}{TARGET} PYTHON=/path/to/python3.12" in done.stderr


def test_one_that_is_named_does_not_fit(make, tmp_path):
    unfit = python(tmp_path, "python3.10", "exit 1")
    done = make(TARGET, f"PYTHON={unfit}")
    assert done.returncode != 0
    assert f"is needed, and {unfit} is not such a one. Name one:" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_first_that_fits_makes_the_environment_again(make, tmp_path):
    for path in (tmp_path / "bin" / "python3", tmp_path / ".venv" / "bin" / "python"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    python(tmp_path, "python3.12", f'echo "$@" >> {tmp_path}/asked')
    (tmp_path / ".venv" / "bin" / "pip").symlink_to(shutil.which("true"))
    done = make(TARGET)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "-m venv --clear .venv"


def test_makefile_and_pyproject_say_the_same_of_which_fit():
    fits = re.search(
        r"not \((.+)\) <= sys.version_info < \((.+)\)\)", (ROOT / "Makefile").read_text()
    )
    low, high = (version.replace(", ", ".") for version in fits.groups())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={low},<{high}"
