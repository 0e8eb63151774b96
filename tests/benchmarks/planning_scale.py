"""How long Snakemake plans studies of many cells, and how much memory that takes.

    python -m tests.benchmarks.planning_scale --out planning_scale.json

For each study what `snakemake -n` takes before anything ran, and where all is done and nothing is
left to do; between them `snakemake --touch`, which records empty files as made, so
that nothing trains. See docs/scale.md.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from common.defaults import resolve
from finetuning.files import write_json
from tests.benchmarks.measuring import Run, line, report, run
from tests.benchmarks.options import parser
from tests.benchmarks.studies import snakemake
from tests.tiny import whole_config, write_tiny_distilbert

# Levels of learning rate, batch size and epochs, and replicates.
STUDIES = {100: (5, 2, 5, 2), 1000: (10, 4, 5, 5), 10_000: (20, 10, 5, 10)}


def main() -> None:
    options = parser(__doc__)
    known = list(STUDIES)
    options.add_argument("--cells", type=int, nargs="+", choices=known, default=known)
    asked = options.parse_args()
    measured = {cells: measure(cells) for cells in asked.cells}
    table = [row for cells, runs in measured.items() for row in summarise(cells, runs)]
    report(asked.out, "planning_scale", {"cells": asked.cells}, table, measured)


def summarise(cells: int, runs: dict[str, Run]) -> list[dict]:
    """Lines of the table for a study."""
    first, nothing_to_do = runs["fresh"], runs["nothing_to_do"]
    what = f"{cells:,} cells: plan with nothing to do"
    memory = max(run.peak_memory_mb for run in (first, nothing_to_do))
    return [
        line(f"{cells:,} cells: first plan", first.seconds, None, "s"),
        line(f"{what}, against the first", nothing_to_do.seconds, first.seconds, "s"),
        line(f"{cells:,} cells: peak memory of a plan", memory, None, "MB"),
    ]


def measure(cells: int) -> dict[str, Run]:
    """What planning a study of so many cells takes."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        config = resolve(configuration(*STUDIES[cells]))
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        fresh = run(snakemake("-n"), folder)
        make_empty_results(folder, config)
        recording = run(snakemake("--touch", "--cores", "1"), folder)
        if "Nothing to be done" not in printed(folder, "-n"):
            sys.exit(f"The study of {cells} cells was not taken for complete.")
        nothing_to_do = run(snakemake("-n"), folder)
    return {"fresh": fresh, "recording": recording, "nothing_to_do": nothing_to_do}


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


def make_empty_results(folder: Path, config: dict) -> None:
    """Every file that a rule makes, and every folder, which is an output without a suffix."""
    listed = printed(folder, "--summary").splitlines()
    outputs = [folder / line.split("\t")[0] for line in listed if line.startswith("results/")]
    for output in outputs:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix:
            output.touch()
        else:
            output.mkdir(exist_ok=True)
    # Read while planning, where they exist.
    results = folder / "results/tiny"
    write_json(results / "source.json", {"kind": config["source"]})
    for checkpoint in ("pretrained", "baseline/checkpoint"):
        write_tiny_distilbert(results / checkpoint)
    write_json(results / "provenance.json", {"settings": config})


def printed(folder: Path, argument: str) -> str:
    """What the project's Snakefile prints."""
    command = snakemake(argument)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
