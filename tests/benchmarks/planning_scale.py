"""How long Snakemake plans studies of many cells, and how much memory that takes.

    python tests/benchmarks/planning_scale.py [CELLS ...]

Prints JSON: for each study the seconds and the peak memory of `snakemake -n` before anything ran,
and where all is done and nothing is left to do. Nothing is trained: the results are empty files,
which `snakemake --touch` records as made. See docs/scale.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT)]

from tests.tiny import whole_config  # noqa: E402

# Levels of learning rate, batch size and epochs, and replicates.
STUDIES = {100: (5, 2, 5, 2), 1000: (10, 4, 5, 5), 10_000: (20, 10, 5, 10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", type=int, nargs="*", choices=STUDIES, default=list(STUDIES))
    print(json.dumps([measure(cells) for cells in parser.parse_args().cells], indent=1))


def measure(cells: int) -> dict:
    """Seconds and peak memory (MB, 2**20 bytes) of planning a study of so many cells."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        config = configuration(*STUDIES[cells])
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        fresh = snakemake(folder, "-n")
        make_empty_results(folder)
        recording = snakemake(folder, "--touch", "--cores", "1")
        nothing = snakemake(folder, "-n")
        if "Nothing to be done" not in nothing.pop("output"):
            raise RuntimeError("the study was not taken for complete")
        del fresh["output"], recording["output"]
    return {"cells": cells, "fresh": fresh, "recording": recording, "nothing_to_do": nothing}


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
    listed = snakemake(folder, "--summary")["output"].splitlines()
    outputs = [folder / line.split("\t")[0] for line in listed if line.startswith("results/")]
    for output in outputs:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix:
            output.touch()
        else:
            output.mkdir(exist_ok=True)
    # Read while planning, where it exists.
    (folder / "results/tiny/pretrained/config.json").write_text('{"n_layers": 2}')


def snakemake(folder: Path, *arguments: str) -> dict:
    """Runs the project's Snakefile: seconds, peak memory of the process, and what it printed."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
    command += ["--configfile", "config.yaml", *arguments]
    with tempfile.TemporaryFile("w+") as output:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        output.seek(0)
        printed = output.read()
    if status:
        raise RuntimeError(printed[-2000:])
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_mb": usage.ru_maxrss // 1024,
        "output": printed,
    }


if __name__ == "__main__":
    main()
