"""How long Snakemake plans studies of many cells, and how much memory that takes.

    python -m tests.benchmarks.planning_scale [CELLS ...]

Prints JSON: for each study what `snakemake -n` takes before anything ran, and where all is done
and nothing is left to do; between them `snakemake --touch`, which records empty files as made, so
that nothing trains. See docs/scale.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import yaml

from tests.benchmarks.measuring import MACHINE, PROJECT, run
from tests.tiny import whole_config

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
SNAKEMAKE += ["--configfile", "config.yaml"]
# Levels of learning rate, batch size and epochs, and replicates.
STUDIES = {100: (5, 2, 5, 2), 1000: (10, 4, 5, 5), 10_000: (20, 10, 5, 10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", type=int, nargs="*", choices=STUDIES, default=list(STUDIES))
    measured = [measure(cells) for cells in parser.parse_args().cells]
    print(json.dumps({"machine": MACHINE, "planning": measured}, indent=1))


def measure(cells: int) -> dict:
    """What planning a study of so many cells takes: seconds, and MB (2**20 bytes) of memory."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        config = configuration(*STUDIES[cells])
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        fresh = run([*SNAKEMAKE, "-n"], folder)
        make_empty_results(folder)
        recording = run([*SNAKEMAKE, "--touch", "--cores", "1"], folder)
        if "Nothing to be done" not in printed(folder, "-n"):
            sys.exit(f"The study of {cells} cells was not taken for complete.")
        nothing_to_do = run([*SNAKEMAKE, "-n"], folder)
    return {
        "cells": cells,
        "fresh": asdict(fresh),
        "recording": asdict(recording),
        "nothing_to_do": asdict(nothing_to_do),
    }


def configuration(rates: int, sizes: int, epochs: int, replicates: int) -> dict:
    """A study with so many levels of each factor, which is never run."""
    config = whole_config()
    levels = {
        "learning_rate": [round(1e-5 * 1.2**level, 9) for level in range(rates)],
        "batch_size": list(range(4, 4 + sizes)),
        "epochs": list(range(1, 1 + epochs)),
    }
    for name, values in levels.items():
        config["factors"][name]["levels"] = values
    return config | {"replicates": replicates}


def make_empty_results(folder: Path) -> None:
    """Every file that a rule makes, and every folder, which is an output without a suffix."""
    listed = printed(folder, "--summary").splitlines()
    outputs = [folder / line.split("\t")[0] for line in listed if line.startswith("results/")]
    for output in outputs:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix:
            output.touch()
        else:
            output.mkdir(exist_ok=True)
    # Read while planning, where it exists.
    (folder / "results/tiny/pretrained/config.json").write_text('{"n_layers": 2}')


def printed(folder: Path, argument: str) -> str:
    """What the project's Snakefile prints."""
    command = [*SNAKEMAKE, argument]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
