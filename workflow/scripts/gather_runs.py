"""Gathers all cells into runs.csv, histories.csv and provenance.json."""

from pathlib import Path

from job import job  # isort: split

from finetuning.gather import gather_tables

with job(snakemake.log[0]):
    gather_tables(Path(snakemake.output.runs).parent, snakemake.config)
