"""Draws every figure from the tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from analysis import figures
from finetuning.files import write_digests
from study.analysed import read_analysed

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":  # the processes that draw read this file too
    with job(snakemake.log[0]):
        study, computed = read_analysed(
            snakemake.input.runs, snakemake.input.tables[0], snakemake.config
        )
        drawn = Path(snakemake.output[0])
        figures.draw_all(computed, study, study.settings, drawn, snakemake.threads)
        write_digests(drawn, made_with={})
