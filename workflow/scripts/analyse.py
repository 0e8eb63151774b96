"""Computes every table of the analysis."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from analysis import tables
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from design.grid import Grid
from finetuning.files import write_digests
from study.gather import check_gathered, check_predictions

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    folder = Path(snakemake.input.runs).parent
    check_gathered(folder)
    check_predictions(folder, Grid.from_config(snakemake.config))
    study = read_study(snakemake.input.runs, Settings.from_config(snakemake.config))
    computed = Path(snakemake.output[0])
    tables.write(tables.compute(study, study.settings), computed)
    write_digests(computed, made_with={})
