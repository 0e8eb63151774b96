"""Makes the copies of a replicate's training texts that augmentation asks for."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from design.grid import Grid
from finetuning.augmentation.making import among, make_copies
from finetuning.augmentation.settings import Settings
from finetuning.augmentation.thesaurus import Thesaurus
from finetuning.augmentation.wordnet import read_wordnet
from finetuning.dataset import read_split, tokenise
from finetuning.files import read_digests, read_json, read_table, write_json, write_table
from study import made_with

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]):
    config = snakemake.config
    started = time.monotonic()
    source = read_json(Path(snakemake.input.source[0]))
    texts = read_table(Path(snakemake.input.texts[0]), made_with.texts(config, source))
    split = read_split(Path(snakemake.input.split[0]))
    checkpoint = Path(snakemake.input.checkpoint[0])
    read_digests(checkpoint, made_with.pretrained(source))
    wordnet = snakemake.input.wordnet
    wanted = Grid.from_config(config).copies[snakemake.wildcards.copies]
    copies = make_copies(
        texts["text"].iloc[split.training.rows].tolist(),
        split.training.rows,
        wanted,
        config["seed"],
        int(snakemake.wildcards.replicate),
        Thesaurus(*read_wordnet(Path(wordnet[0]))) if wordnet else None,
        Settings.of(config),
    )
    # A copy that has become a text the model is judged by is not trained on.
    tokenised = tokenise(
        copies["text"].tolist(), checkpoint, int(split.training.padded_lengths[-1])
    )
    copies["held_out"] = among(tokenised, (split.validation, split.evaluation))
    depends = made_with.copies(config, source, wanted)
    write_table(Path(snakemake.output.copies), copies, depends)
    write_json(Path(snakemake.output.timing), {"seconds": round(time.monotonic() - started, 2)})
