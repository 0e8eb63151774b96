"""Writes the checkpoint, or the embedded encoder, as a Hugging Face directory."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning import sources
from finetuning.files import read_json, write_digests
from study import made_with

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    source = read_json(Path(snakemake.input.source[0]))
    checkpoint = Path(snakemake.output[0])
    sources.write_checkpoint(source, checkpoint)
    write_digests(checkpoint, made_with.pretrained(source))
