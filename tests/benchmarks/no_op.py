"""How long `snakemake --cores 4` takes on a finished study, where nothing is to do.

    python -m tests.benchmarks.no_op results/reviews --out no_op.json

In a copy of the study with Snakemake's records of it, after a first run that is not timed.
"""

import shutil
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import line, median, report, run
from tests.benchmarks.options import study_parser
from tests.benchmarks.studies import read_study, snakemake


def main() -> None:
    asked = study_parser(__doc__, rounds=5).parse_args()

    study = read_study(asked.study, asked.config)
    command = snakemake("--cores", "4")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(study.folder, folder / "results" / study.config["study"])
        shutil.copy(asked.config, folder / "config.yaml")
        records = study.folder.parents[1] / ".snakemake" / "metadata"
        if records.exists():
            shutil.copytree(records, folder / ".snakemake" / "metadata")
        print("first run …", flush=True)
        first = run(command, folder)
        runs = [run(command, folder) for _ in range(asked.rounds)]
    seconds = median([r.seconds for r in runs])
    table = [line(f"nothing to do, {len(study.cells)} cells", seconds, None, "s")]
    settings = {"cells": len(study.cells), "rounds": asked.rounds, "cores": 4}
    report(asked.out, "no_op", settings, table, {"first": first, "runs": runs})


if __name__ == "__main__":
    main()
