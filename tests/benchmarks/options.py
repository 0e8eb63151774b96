"""The command-line options that several benchmarks have."""

import argparse
from pathlib import Path

from tests.benchmarks.measuring import PROJECT

MODELS = ("embedded", "full")
NUMBERS = {
    "batch_size": "examples of a training step",
    "steps": "training steps of each job",
    "threads": "of each job",
    "rounds": "of which the medians are told",
}


def parser(doc: str, **numbers: int) -> argparse.ArgumentParser:
    """A benchmark's parser: --out, and those of NUMBERS that it has, by their defaults.

    doc: the module's docstring, of which the first line is its description.
    """
    found = argparse.ArgumentParser(description=doc.split("\n")[0])
    found.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    for name, default in numbers.items():
        option = f"--{name.replace('_', '-')}"
        told = f"{NUMBERS[name]} (default {default})"
        found.add_argument(option, type=int, default=default, help=told)
    return found


def study_parser(doc: str, **numbers: int) -> argparse.ArgumentParser:
    """The same for a benchmark on a study."""
    found = parser(doc, **numbers)
    found.add_argument("study", type=Path, help="results/<study>: at least its checkpoint and data")
    found.add_argument("--config", type=Path, default=PROJECT / "config.yaml", help="its config")
    return found


def job_parser(doc: str, **numbers: int) -> argparse.ArgumentParser:
    """The same for a benchmark of jobs that train one of MODELS on a study."""
    found = study_parser(doc, **numbers)
    found.add_argument("--model", choices=MODELS, default=MODELS[0], help="default: embedded")
    return found
