"""Writes the report in PDF from tables and figures."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from analysis import report
from finetuning.files import read_digests
from study.analysed import read_analysed

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    study, computed = read_analysed(
        snakemake.input.runs, snakemake.input.tables[0], snakemake.config
    )
    figures = Path(snakemake.input.figures[0])
    read_digests(figures)
    report.write(computed, study, study.settings, figures, Path(snakemake.output[0]))
