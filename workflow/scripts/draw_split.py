"""Draws a replicate's training and evaluation sets and tokenises them."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning.dataset import Split, draw_split, tokenised_examples, write_split
from finetuning.files import read_digests, read_json, read_table
from study import made_with

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    config = snakemake.config
    source = read_json(Path(snakemake.input.source[0]))
    texts = read_table(Path(snakemake.input.texts[0]), made_with.texts(config, source))
    drawn = draw_split(texts, config, int(snakemake.wildcards.replicate))
    checkpoint = Path(snakemake.input.checkpoint[0])
    read_digests(checkpoint, made_with.pretrained(source))
    lengths = config[source["kind"]]["padded_lengths"]
    split = Split(*(tokenised_examples(texts, rows, checkpoint, lengths) for rows in drawn))
    write_split(Path(snakemake.output[0]), split, made_with.split(config, source))
