"""Writes the interactive pages from the tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from analysis import pages
from study.analysed import read_analysed

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    study, computed = read_analysed(
        snakemake.input.runs, snakemake.input.tables[0], snakemake.config
    )
    pages.write(computed, study, study.settings, Path(snakemake.output.surfaces).parent)
