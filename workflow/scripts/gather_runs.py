"""Gathers all cells into runs.csv, histories.csv and provenance.json."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from study.gather import gather_tables

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    study = Path(snakemake.output.runs).parent
    gather_tables(study, snakemake.config)
    # Every cell is there: a state that is left is of a run that the grid no longer has.
    shutil.rmtree(study / "states", ignore_errors=True)
