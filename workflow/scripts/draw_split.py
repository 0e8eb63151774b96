"""Draws a replicate's training and evaluation sets and tokenises them."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning import sources
from finetuning.dataset import Split, examples_of, tokenise, write_split
from finetuning.draws import Candidates, draw_split
from finetuning.files import read_digests, read_json, read_table
from finetuning.sameness import unusable
from study import made_with

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    source = read_json(Path(snakemake.input.source[0]))
    config = sources.sized(snakemake.config, source["kind"])
    texts = read_table(Path(snakemake.input.texts[0]), made_with.texts(config, source))
    checkpoint = Path(snakemake.input.checkpoint[0])
    read_digests(checkpoint, made_with.pretrained(source))
    lengths = config[source["kind"]]["padded_lengths"]
    tokenised = tokenise(texts["text"].tolist(), checkpoint, lengths[-1])
    left_out = unusable(texts, tokenised, checkpoint, config["data"]["contradictions"])
    candidates = Candidates.of(texts, tokenised, left_out)
    drawn = draw_split(candidates, config, int(snakemake.wildcards.replicate))
    split = Split(*(examples_of(texts, tokenised, rows, lengths) for rows in drawn))
    write_split(Path(snakemake.output[0]), split, made_with.split(config, source))
