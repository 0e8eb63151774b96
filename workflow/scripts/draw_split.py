"""Draws a replicate's training and evaluation sets and tokenises them."""

import json
from pathlib import Path

import pandas as pd

from job import job  # isort: split

from finetuning.dataset import Split, draw_split, tokenised_examples, write_split

with job(snakemake.log[0]):
    config = snakemake.config
    source = json.loads(Path(snakemake.input.source[0]).read_text())
    texts = pd.read_parquet(snakemake.input.texts[0])
    drawn = draw_split(texts, config, int(snakemake.wildcards.replicate))
    checkpoint = Path(snakemake.input.checkpoint[0])
    lengths = config[source["kind"]]["padded_lengths"]
    split = Split(*(tokenised_examples(texts, rows, checkpoint, lengths) for rows in drawn))
    write_split(Path(snakemake.output[0]), split)
