"""Decides on checkpoint and texts, and checks that they fit the study."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning import sources
from finetuning.files import write_json

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]) as tell:
    source = sources.resolve(snakemake.config)
    tell(source["sentence"])
    write_json(Path(snakemake.output[0]), source)
