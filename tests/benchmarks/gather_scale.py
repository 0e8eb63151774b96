"""How long gathering takes, and how much memory: python tests/benchmarks/gather_scale.py [FOLDER]

Makes 1,000 and 10,000 made-up but valid cells of 400 predictions each, and builds runs.csv,
histories.csv and provenance.json of them with all that is checked on the way. A FOLDER on another
file system than the temporary one shows what that costs.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "workflow")]

from finetuning.gather import gather_tables  # noqa: E402
from tests.finished_study import write_finished_study  # noqa: E402
from tests.tiny import whole_config  # noqa: E402


def config_of(replicates: int) -> dict:
    """1,000 cells of 100 training runs for every replicate."""
    config = whole_config() | {"replicates": replicates}
    levels = {
        "learning_rate": [round(0.0001 * 1.5**k, 6) for k in range(10)],
        "batch_size": list(range(4, 14)),
        "epochs": list(range(1, 11)),
    }
    for factor, chosen in levels.items():
        config["factors"][factor]["levels"] = chosen
    config["data"]["evaluation_examples"] = 400
    return config


def gather(folder: Path, config: Mapping) -> float:
    """Seconds to gather a study."""
    began = time.perf_counter()
    gather_tables(folder, config)
    return time.perf_counter() - began


def main() -> None:
    os.fsync = lambda descriptor: None  # of no use to what is made up
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    for replicates in (1, 10):
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            config = config_of(replicates)
            write_finished_study(Path(folder), config)
            seconds = gather(Path(folder), config)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{1000 * replicates} cells: {seconds:.1f} s, at most {memory} MB", flush=True)


if __name__ == "__main__":
    main()
