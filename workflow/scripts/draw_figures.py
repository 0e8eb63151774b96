"""Draws every figure from the tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from analysis import figures, tables
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from finetuning.files import read_digests, write_digests
from study.gather import check_gathered

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":  # the processes that draw read this file too
    with job(snakemake.log[0]):
        check_gathered(Path(snakemake.input.runs).parent)
        read_digests(Path(snakemake.input.tables[0]))
        study = read_study(snakemake.input.runs, Settings.from_config(snakemake.config))
        computed = tables.read_tables(snakemake.input.tables[0])
        drawn = Path(snakemake.output[0])
        figures.draw_all(computed, study, study.settings, drawn, snakemake.threads)
        write_digests(drawn, made_with={})
