"""Makes the checkpoint that every cell starts from.

From the Hub it is the checkpoint as fetched. The embedded encoder is fine-tuned first, with a new
head, on its own part of the films.
"""

import shutil
from pathlib import Path

from job import job  # isort: split

from finetuning import made_with
from finetuning.files import read_digests, read_json, read_table, write_digests


def finetune_on_own_films(checkpoint: Path, source: dict) -> None:
    from finetuning import runtime

    embedded = snakemake.params.embedded
    runtime.start(embedded["threads"])

    import numpy as np

    from common.hyperparameters import Hyperparameters
    from design.grid import baseline_seeds
    from finetuning.baseline import finetune_encoder
    from finetuning.dataset import examples_of, tokenise

    texts = read_table(Path(snakemake.input.texts[0]), made_with.texts(snakemake.config, source))
    rows = np.flatnonzero(texts["part"] == "baseline")
    tokenised = tokenise(texts["text"], checkpoint, embedded["padded_lengths"][-1])
    finetune_encoder(
        checkpoint,
        examples_of(texts, tokenised, rows, embedded["padded_lengths"]),
        Hyperparameters(**embedded["baseline"]),
        baseline_seeds(snakemake.params.seed),
    )


with job(snakemake.log[0]):
    source = read_json(Path(snakemake.input.source[0]))
    checkpoint = Path(snakemake.output[0])
    read_digests(Path(snakemake.input.checkpoint[0]), made_with.pretrained(source))
    shutil.copytree(snakemake.input.checkpoint[0], checkpoint, dirs_exist_ok=True)
    if source["kind"] == "embedded":
        finetune_on_own_films(checkpoint, source)
    write_digests(checkpoint, made_with.checkpoint(snakemake.config, source))
