"""How long gathering takes, and how much memory.

    python -m tests.benchmarks.gather_scale --out gather_scale.json

Makes 1,000 and 10,000 made-up but valid cells of 400 predictions each, and builds runs.csv,
histories.csv and provenance.json of them with all that is checked on the way. --folder on another
file system than the temporary one shows what that costs.
"""

import os
import resource
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from study.gather import gather_tables
from tests.benchmarks.measuring import line, report
from tests.benchmarks.options import parser
from tests.finished_study import write_finished_study
from tests.tiny import whole_config


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
    options = parser(__doc__)
    options.add_argument("--folder", type=Path, help="where the cells are (default: temporary)")
    asked = options.parse_args()
    os.fsync = lambda descriptor: None  # of no use to what is made up
    table = []
    for replicates in (1, 10):
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            config = config_of(replicates)
            write_finished_study(Path(folder), config)
            seconds = gather(Path(folder), config)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        what = f"{1000 * replicates:,} cells: gathering"
        table.append(line(what, seconds, None, "s"))
        table.append(line(f"{what}, peak memory", memory, None, "MB"))
    report(asked.out, "gather_scale", {"predictions_of_a_cell": 400}, table, {})


if __name__ == "__main__":
    main()
