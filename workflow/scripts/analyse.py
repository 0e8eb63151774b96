"""Computes every table of the analysis."""

from pathlib import Path

from job import job  # isort: split

from analysis import runs, tables
from analysis.settings import Settings
from finetuning.files import write_digests
from finetuning.gather import check_gathered, check_predictions
from finetuning.grid import Grid

with job(snakemake.log[0]):
    folder = Path(snakemake.input.runs).parent
    check_gathered(folder)
    check_predictions(folder, Grid.from_config(snakemake.config))
    settings = Settings.from_config(snakemake.config)
    study = runs.read(snakemake.input.runs, settings)
    computed = Path(snakemake.output[0])
    tables.write(tables.compute(study, settings), computed)
    write_digests(computed, made_with={})
