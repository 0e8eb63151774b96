"""A new user's first study, against what its plan says: time and memory.

    python -m tests.benchmarks.first_run embedded --out first_run_embedded.json
    python -m tests.benchmarks.first_run hub --out first_run_hub.json

embedded: the default study on the embedded source. hub: a smaller one, on a checkpoint of
DistilBERT's sizes with random weights and on long texts, from a Hub on the loopback, with empty
caches, by a process that may have 10 GB of address space. Both run the project's own Snakefile from
the source to the report, as `make study` does.
"""

import json
import resource
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from study.machine import available_memory, this_machine
from study.plan import look_around, make_plan
from study.sections import complete
from tests.benchmarks.full_size import write_inputs
from tests.benchmarks.measuring import PROJECT, Run, line, report, run
from tests.benchmarks.options import parser
from tests.benchmarks.studies import snakemake
from tests.hub_server import HubServer
from tests.tiny import CHECKPOINT, DATASET, NOUNS, hub_checkpoint, hub_dataset

GIGABYTES = 10  # of address space, for the study on the Hub
TEXTS, WORDS = 400, 200
CORES = 4  # as `make study` asks for


def main() -> None:
    found = parser(__doc__)
    found.add_argument("source", choices=("embedded", "hub"))
    asked = found.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = {"embedded": embedded, "hub": hub}[asked.source]()
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        measured = {"embedded": run_study, "hub": run_from_hub}[asked.source](folder)
        results = folder / "results" / config["study"]
        # From the beginning, of a source that is known: what the study itself said when it began.
        known = look_around(results, complete(config))
        plan = make_plan(folder, complete(config), known, this_machine(), CORES, available_memory())
        timings = [json.loads(path.read_text()) for path in results.rglob("timing.json")]
        shutil.copy(results / "report.pdf", asked.out.with_suffix(".pdf"))
    peak = max(timing["peak_memory_mb"] for timing in timings)
    busy = measured.processor_seconds / this_machine().cores
    table = [
        line("a study, from an empty cache to the report", measured.seconds, plan.seconds, "s"),
        line("the same, processor time by cores", busy, plan.seconds, "s"),
        line("peak memory of a run", peak, plan.memory, "MB"),
    ]
    settings = {"source": asked.source, "cores asked for": CORES, "compared with": "the plan"}
    report(asked.out, f"first_run_{asked.source}", settings, table, {"timings": timings})


def embedded() -> dict:
    """The default study, on the source that needs no Hub."""
    return yaml.safe_load((PROJECT / "config.yaml").read_text()) | {"source": "embedded"}


def hub() -> dict:
    """The default study with fewer and smaller runs on longer texts: 4 cells of 2 runs."""
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    config["hub"] |= {"checkpoint_revision": "main", "dataset_revision": "main"}
    config["data"] |= {"training_examples": 128, "evaluation_examples": 200}
    config["hub"]["padded_lengths"] = [64, 128]
    config["factors"]["learning_rate"]["levels"] = [1e-5, 3e-5]
    config["factors"]["epochs"]["levels"] = [1, 2]
    del config["factors"]["batch_size"], config["analysis"]["degree"]
    config["training"]["batch_size"] = 16
    config["analysis"]["formula"] = "learning_rate + epochs"
    return config | {"source": "hub", "replicates": 1}


def run_study(folder: Path, **environment: str) -> Run:
    """Everything, with an empty cache of compiled programs."""
    cache = str(folder / "cache")
    command = snakemake("--cores", str(CORES))
    return run(command, folder, XDG_CACHE_HOME=cache, **environment)


def run_from_hub(folder: Path) -> Run:
    """The same from the Hub, with an empty cache of its files, within limits."""
    write_inputs(folder, 2, WORDS)
    draw = np.random.default_rng(0)
    texts = {
        "text": [" ".join(draw.choice(NOUNS, WORDS)) for _ in range(TEXTS)],
        "label": [n % 2 for n in range(TEXTS)],
    }
    limit = GIGABYTES * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with HubServer() as server:
        server.publish("model", CHECKPOINT, hub_checkpoint(folder / "checkpoint"))
        server.publish("dataset", DATASET, hub_dataset(pd.DataFrame(texts)))
        home = str(folder / "hub")
        return run_study(folder, HF_ENDPOINT=server.endpoint, HF_HOME=home)


if __name__ == "__main__":
    main()
