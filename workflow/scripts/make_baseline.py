"""Makes the checkpoint that every cell starts from.

It is the checkpoint as fetched or, of a source that has an encoder only, the encoder fine-tuned
with a new head on the texts of part "baseline".
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning import sources
from finetuning.files import read_digests, read_json, read_table, write_digests
from finetuning.tally import Tally
from study import made_with

if TYPE_CHECKING:
    from snakemake.script import snakemake


def finetune_on_own_texts(checkpoint: Path, source: dict, tally: Tally) -> None:
    from finetuning import runtime

    settings = snakemake.config[source["kind"]]
    runtime.start(settings["threads"])

    import numpy as np

    from common.hyperparameters import Hyperparameters
    from design.grid import baseline_seeds
    from finetuning.baseline import finetune_encoder
    from finetuning.dataset import examples_of, tokenise

    texts = read_table(Path(snakemake.input.texts[0]), made_with.texts(snakemake.config, source))
    rows = np.flatnonzero(texts["part"] == "baseline")
    tokenised = tokenise(texts["text"].tolist(), checkpoint, settings["padded_lengths"][-1])
    finetune_encoder(
        checkpoint,
        examples_of(texts, tokenised, rows, settings["padded_lengths"]),
        Hyperparameters(**settings["baseline"]),
        baseline_seeds(snakemake.params.seed),
        tally,
    )


with job(snakemake.log[0]):
    source = read_json(Path(snakemake.input.source[0]))
    checkpoint = Path(snakemake.output[0])
    read_digests(Path(snakemake.input.checkpoint[0]), made_with.pretrained(source))
    shutil.copytree(snakemake.input.checkpoint[0], checkpoint, dirs_exist_ok=True)
    if sources.makes_baseline(source):
        with Tally(Path(snakemake.log[0])) as tally:
            finetune_on_own_texts(checkpoint, source, tally)
    write_digests(checkpoint, made_with.checkpoint(snakemake.config, source))
