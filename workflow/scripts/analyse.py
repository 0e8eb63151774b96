"""Computes every table of the analysis."""

from job import job  # isort: split

from analysis import runs, tables
from analysis.settings import Settings

with job(snakemake.log[0]):
    settings = Settings.from_config(snakemake.config)
    study = runs.read(snakemake.input.runs, settings)
    tables.write(tables.compute(study, settings), snakemake.output[0])
