"""Writes the checkpoint, or the embedded encoder, as a Hugging Face directory."""

import json
from pathlib import Path

from job import job  # isort: split

from finetuning import sources

with job(snakemake.log[0]):
    source = json.loads(Path(snakemake.input.source[0]).read_text())
    sources.write_checkpoint(source, Path(snakemake.output[0]))
