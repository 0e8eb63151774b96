"""Draws a replicate's training and evaluation sets and tokenises them."""

from pathlib import Path

import pandas as pd

from job import job  # isort: split

from finetuning.dataset import Split, draw_split, tokenised_examples, write_split

with job(snakemake.log[0]):
    config = snakemake.config
    texts = pd.read_parquet(snakemake.input.texts[0])
    drawn = draw_split(texts, config, int(snakemake.wildcards.replicate))
    checkpoint = Path(snakemake.input.checkpoint[0])
    longest = config["data"]["padded_lengths"][-1]
    split = Split(*(tokenised_examples(texts, rows, checkpoint, longest) for rows in drawn))
    write_split(Path(snakemake.output[0]), split)
