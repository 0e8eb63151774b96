"""Peak memory of training jobs, against what finetuning/memory.py expects of them.

    python -m tests.benchmarks.memory --out memory.json

Each job is one of the project's own Snakefile: it starts without compiled programs, trains on texts
that fill the longest padded length, writes its state after every step, and evaluates. That is the
most that a job of its kind can need; one that ends before its state is due needs less.
"""

import json
import tempfile
from pathlib import Path

import yaml

from tests.benchmarks.full_size import write_inputs
from tests.benchmarks.measuring import PROJECT, line, report, run
from tests.benchmarks.options import parser
from tests.benchmarks.studies import snakemake
from tests.tiny import whole_config

BATCH_SIZES = (8, 16, 32)
EXAMPLES, EVALUATED = 96, 64
TOKENS = (128, 256)  # of a text for the model of full size


def main() -> None:
    asked = parser(__doc__, threads=1).parse_args()
    cases = {"embedded": embedded()} | {f"full, {n} tokens": full(n) for n in TOKENS}
    measured: dict[str, dict[int, int]] = {}
    for name, config in cases.items():
        config["training"]["threads"] = asked.threads
        with tempfile.TemporaryDirectory() as folder:
            measured[name] = peaks(Path(folder), config)
        print(name, measured[name], flush=True)
    table = [
        line(f"{name}, batch {size}: peak memory", peak, None, "MB")
        for name, by_size in measured.items()
        for size, peak in by_size.items()
    ]
    report(asked.out, "memory", {"threads": asked.threads}, table, measured)


def embedded() -> dict:
    """The default study's model and texts."""
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    config["embedded"]["padded_lengths"] = config["embedded"]["padded_lengths"][-1:]
    return shaped(config | {"source": "embedded"})


def full(tokens: int) -> dict:
    """66 million random weights in DistilBERT's layout, and texts of so many tokens."""
    config = whole_config()
    hub = {"dataset": "texts.csv", "group_column": None, "padded_lengths": [tokens]}
    return shaped(config | {"hub": config["hub"] | hub})


def shaped(config: dict) -> dict:
    """The configuration with batch size as its one factor, a state after every step."""
    analysis = config["analysis"] | {"formula": "batch_size", "target_effect": None}
    return config | {
        "study": "memory",
        "data": {"training_examples": EXAMPLES, "evaluation_examples": EVALUATED},
        "replicates": 1,
        "factors": {"batch_size": {"levels": list(BATCH_SIZES), "scale": "log2"}},
        "training": config["training"]
        | {"learning_rate": 1e-5, "epochs": 1, "save_state_seconds": 0},
        "analysis": {key: value for key, value in analysis.items() if value and key != "degree"},
    }


def peaks(folder: Path, config: dict) -> dict[int, int]:
    """The peak memory of a job by batch size, MB (2**20 bytes)."""
    if config["source"] == "hub":
        write_inputs(folder, EXAMPLES + EVALUATED, config["hub"]["padded_lengths"][-1])
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    run(snakemake("--cores", "1", "grid"), folder, XDG_CACHE_HOME=str(folder / "cache"))
    cells = folder / "results" / "memory" / "cells"
    timings = {size: cells / f"batch_size={size}/replicate=0/timing.json" for size in BATCH_SIZES}
    return {size: json.loads(path.read_text())["peak_memory_mb"] for size, path in timings.items()}


if __name__ == "__main__":
    main()
