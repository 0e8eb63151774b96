"""Writes the table of all texts with their labels, groups and parts."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning import sources
from finetuning.files import read_json, write_table
from study import made_with

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    source = read_json(Path(snakemake.input.source[0]))
    texts = sources.read_texts(source, snakemake.config)
    write_table(Path(snakemake.output[0]), texts, made_with.texts(snakemake.config, source))
