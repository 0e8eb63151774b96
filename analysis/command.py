"""python -m analysis RUNS.csv --out DIR --config CONFIG: a table of runs explained."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from analysis import figures, pages, report, side_by_side, tables
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common.configuration import read_config
from common.defaults import resolve
from common.errors import UserError
from common.files import DIGESTS, STARTED_WITH
from common.lock import lock


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
        config = read_config(given.config)
        if "study" in config:  # the configuration of one made here
            config = resolve(config)
        study = read_study(given.runs, Settings.from_config(config))
        refuse_results_of_the_workflow(given.out)
        held = lock(given.out)
        try:
            write_all(study, given.out)
        finally:
            os.close(held)
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:  # --out is a file, the disk is full
        print(f"error: {error.filename or given.out}: {error.strerror}.", file=sys.stderr)
        return 2
    print(given.out / "report.pdf")
    return 0


def write_all(study: Study, out: Path) -> None:
    """Tables, figures, interactive pages and the report of a study, below the folder ``out``."""
    with figures.Drawing(
        study, study.settings, out / "figures", side_by_side.available()
    ) as drawing:
        computed = tables.compute(study, study.settings, drawing.offer)
        tables.write(computed, out / "analysis")
        pages.write(computed, study, study.settings, out / "interactive")
        drawing.finish(computed)
    report.write(computed, study, study.settings, out / "figures", out / "report.pdf")


def refuse_results_of_the_workflow(out: Path) -> None:
    """Raises UserError in the folder of a study, where Snakemake would take them for its own."""
    for name in (STARTED_WITH, f"analysis/{DIGESTS}", f"figures/{DIGESTS}"):
        if (out / name).exists():
            raise UserError(
                f"--out {out} is the folder of a study that Snakemake makes ({name}); its results "
                "would be overwritten, and Snakemake would not notice. Choose another folder, or "
                "run snakemake to recreate them."
            )
