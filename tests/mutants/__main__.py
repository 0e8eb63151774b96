"""Puts small faults into the code, one at a time, and counts those that a unit test notices.

    python -m tests.mutants [--number 150] [--seed 1] [--processes 2] [PATH ...]
    python -m tests.mutants --named     # those of named.py, of which every one has to be noticed

A fault counts as noticed if a file of unit tests that imports its module fails or no longer ends,
which passes without the fault; so does the file that computes all numbers of the analysis.
docs/testing.md says which are not, and why.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.faults import Fault, faults
from tests.mutants.named import NAMED
from tests.mutants.running import passes

PROJECT = Path(__file__).parents[2]
MODULES = (
    "analysis/fit",
    "analysis/questions",
    "workflow/finetuning/trainer.py",
    "workflow/finetuning/trajectory.py",
    "workflow/finetuning/state.py",
    "workflow/finetuning/dataset.py",
    "workflow/finetuning/draws.py",
    "workflow/finetuning/sameness.py",
    "workflow/finetuning/files.py",
    "workflow/study/gather.py",
    "common/files.py",
    "common/metrics.py",
)
EVERY_NUMBER = "tests/unit/analysis/test_numbers.py"
WANTED = 0.9  # share that has to be noticed
SECONDS = 300  # a file of tests takes less, or does not end


@dataclass(frozen=True)
class Mutant:
    """A fault in a file, which is a path below the project."""

    file: Path
    fault: Fault

    def __str__(self) -> str:
        return f"{self.file}:{self.fault.line}: {self.fault.was}  →  {self.fault.became}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("paths", nargs="*", default=MODULES, metavar="PATH")
    parser.add_argument("--number", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--named", action="store_true")
    given = parser.parse_args()
    os.nice(10)
    os.environ["OMP_NUM_THREADS"] = "1"
    if given.named:
        drawn, wanted = [Mutant(Path(each.file), each.fault(PROJECT)) for each in NAMED], 1.0
    else:
        drawn, wanted = random_mutants(given.paths, given.number, given.seed), WANTED
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.processes):
            copies.put(copy_of_the_project(Path(folder) / str(number)))
        untouched = copy_of_the_project(Path(folder) / "untouched")
        sound = cache(lambda test: passes(untouched, test, SECONDS))
        with ThreadPoolExecutor(given.processes) as pool:
            noticed = list(pool.map(lambda mutant: is_noticed(mutant, copies, sound), drawn))
    survivors = [str(mutant) for mutant, found in zip(drawn, noticed, strict=True) if not found]
    share = 1 - len(survivors) / len(drawn)
    print(f"{len(drawn) - len(survivors)} of {len(drawn)} are noticed ({share:.0%}). Not:")
    print("\n".join(survivors))
    return 0 if share >= wanted else 1


def random_mutants(paths: Sequence[str], number: int, seed: int) -> list[Mutant]:
    """So many of the faults of these files and folders, in random order: of a run that was broken
    off, what it did is a sample, too."""
    mutants = [
        Mutant(file, fault)
        for path in paths
        for file in python_files(Path(path))
        for fault in faults((PROJECT / file).read_text())
    ]
    drawn = random.Random(seed).sample(mutants, min(number, len(mutants)))
    print(f"{len(drawn)} of {len(mutants)} faults", flush=True)
    return drawn


def python_files(path: Path) -> list[Path]:
    """The file, or the files of the folder, as paths below the project."""
    whole = PROJECT / path
    found = sorted(whole.glob("*.py")) if whole.is_dir() else [whole]
    return [file.relative_to(PROJECT) for file in found]


@cache
def tests_of(file: Path) -> tuple[str, ...]:
    """The unit tests that import a module, or else those of what imports it, its own first.

    Of the analysis, EVERY_NUMBER comes before them all.
    """
    users = [user for user in every_file() if module_of(file) in imported_by(user)]
    tests = {str(user) for user in users if user.name.startswith("test_")}
    if not tests:
        tests = {test for user in users for test in tests_of(user)}

    def last(test: str) -> tuple[bool, bool, int]:
        path = PROJECT / test
        return test != EVERY_NUMBER, path.name != f"test_{file.name}", path.stat().st_size

    every_number = {EVERY_NUMBER} if file.parts[0] == "analysis" else set()
    return tuple(sorted(tests | every_number, key=last))


@cache
def every_file() -> tuple[Path, ...]:
    """The code, its unit tests and what helps them, as paths below the project."""
    folders = ("analysis", "common", "workflow", "tests/unit", "tests/simulation")
    found = (file for folder in folders for file in sorted((PROJECT / folder).rglob("*.py")))
    return tuple(file.relative_to(PROJECT) for file in found)


def module_of(file: Path) -> str:
    """The name by which a file is imported; helpers of unit tests by their own."""
    name = ".".join(file.with_suffix("").parts)
    own = file.stem if file.parts[:2] == ("tests", "unit") else name
    return own.removeprefix("workflow.").removesuffix(".__init__")


@cache
def imported_by(file: Path) -> frozenset[str]:
    """Every name that a file imports, from somewhere or as a whole, and that place."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PROJECT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def copy_of_the_project(folder: Path) -> Path:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    return folder


def is_noticed(mutant: Mutant, copies: SimpleQueue[Path], sound: Callable[[str], bool]) -> bool:
    """Whether tests that are sound fail in a copy with the fault."""
    project = copies.get()
    whole = (project / mutant.file).read_text()
    try:
        (project / mutant.file).write_text(mutant.fault.source)
        noticed = any(
            not passes(project, test, SECONDS) and sound(test) for test in tests_of(mutant.file)
        )
    finally:
        (project / mutant.file).write_text(whole)
        copies.put(project)
    print("noticed " if noticed else "SURVIVED", mutant, flush=True)
    return noticed


if __name__ == "__main__":
    sys.exit(main())
