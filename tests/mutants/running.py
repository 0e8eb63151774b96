"""Runs tests of a copy of the project, each time in a process of its own that starts fast."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

# Every run is forked from a process that has imported what takes longest.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "hypothesis",
        "matplotlib.figure",
        "pandas",
        "pytest",
        "scipy.optimize",
        "sklearn.ensemble",
        "statsmodels.stats.diagnostic",
    ]
)
ORIGINAL = Path(__file__).parents[2]


def passes(project: Path, test: str, timeout: float) -> bool:
    """Whether the tests of a copy's file pass, and do so in time (seconds)."""
    process = SERVER.Process(target=run_tests, args=(project, test))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    return process.exitcode == 0


def run_tests(project: Path, test: str) -> None:
    """Ends this process with what pytest says of the file, of this copy of the project alone."""
    os.setsid()  # what the tests start ends with them
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.dup2(nothing, sys.stderr.fileno())
    os.chdir(project)
    sys.path = [str(project) if entry in ("", str(ORIGINAL)) else entry for entry in sys.path]
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    sys.dont_write_bytecode = True
    sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", test]))
