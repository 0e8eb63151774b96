"""Tokenises the copies of a replicate's training texts and asks the baseline for their labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from design.grid import Grid
from finetuning import runtime
from finetuning.tally import Tally

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]), Tally(Path(snakemake.log[0])) as tally:
    runtime.start(**snakemake.params.runtime)

    from finetuning.augmentation.copied import write_copied
    from finetuning.augmentation.judging import judged
    from finetuning.augmentation.settings import Settings
    from finetuning.dataset import read_split
    from finetuning.files import read_digests, read_json, read_table
    from study import made_with

    config = snakemake.config
    source = read_json(Path(snakemake.input.source[0]))
    checkpoint = Path(snakemake.input.checkpoint[0])
    read_digests(checkpoint, made_with.checkpoint(config, source))
    wanted = Grid.from_config(config).copies[snakemake.wildcards.copies]
    copies = read_table(Path(snakemake.input.copies), made_with.copies(config, source, wanted))
    training = read_split(Path(snakemake.input.split[0])).training
    only_agreeing = Settings.of(config).keep_if_baseline_agrees
    copied = judged(checkpoint, training, copies, only_agreeing, tally)
    write_copied(Path(snakemake.output[0]), copied, made_with.copied(config, source, wanted))
