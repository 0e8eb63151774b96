"""python -m analysis RUNS.csv --out DIR --config CONFIG: a table of runs explained."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from analysis import figures, pages, report, tables
from analysis.figures import side_by_side
from analysis.runs import table
from analysis.runs.settings import Settings
from common.configuration import read_config
from common.errors import UserError


# More threads cost such small matrices far more time than they save, and would make the last bits
# depend on the number of cores; a Snakemake job has one, too.
@threadpool_limits.wrap(limits=1)
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description="Regressions, surfaces and trade-offs of a table of fine-tuning runs.",
    )
    parser.add_argument("runs", type=Path, help="the table, one row a run")
    parser.add_argument("--out", type=Path, required=True, help="where the results go")
    parser.add_argument("--config", type=Path, required=True, help="factors and metrics (YAML)")
    given = parser.parse_args(arguments)
    try:
        study = table.read(given.runs, Settings.from_config(read_config(given.config)))
        settings = study.settings
        side_by_side.prepare()
        computed = tables.compute(study, settings)
        tables.write(computed, given.out / "analysis")
        drawn = given.out / "figures"
        figures.draw_all(computed, study, settings, drawn, side_by_side.available())
        pages.write(computed, study, settings, given.out / "interactive")
        report.write(computed, study, settings, drawn, given.out / "report.pdf")
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:  # --out is a file, the disk is full
        print(f"error: {error.filename or given.out}: {error.strerror}.", file=sys.stderr)
        return 2
    print(given.out / "report.pdf")
    return 0


if __name__ == "__main__":
    sys.exit(main())
