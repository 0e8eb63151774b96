"""Writes WordNet's words and senses as tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning.augmentation import wordnet

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    files = wordnet.read_files(snakemake.params.key)
    wordnet.write_wordnet(files, Path(snakemake.output[0]))
