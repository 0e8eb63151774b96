"""Writes the table of all texts with their labels, groups and parts."""

import json
from pathlib import Path

from job import job  # isort: split

from finetuning import sources
from finetuning.files import replace_atomically

with job(snakemake.log[0]):
    source = json.loads(Path(snakemake.input.source[0]).read_text())
    texts = sources.read_texts(source, snakemake.config)
    replace_atomically(Path(snakemake.output[0]), texts.to_parquet(index=False))
