"""Makes the checkpoint that every cell starts from.

From the Hub it is the checkpoint as fetched. The embedded encoder is fine-tuned first, with a new
head, on its own part of the films.
"""

import json
import shutil
from pathlib import Path

from job import job


def finetune_on_own_films(checkpoint: Path) -> None:
    from finetuning import runtime

    embedded = snakemake.params.embedded
    runtime.start(embedded["threads"])

    import numpy as np
    import pandas as pd

    from finetuning.baseline import finetune_encoder
    from finetuning.dataset import tokenised_examples
    from finetuning.grid import baseline_seeds
    from finetuning.hyperparameters import Hyperparameters

    texts = pd.read_parquet(snakemake.input.texts[0])
    rows = np.flatnonzero(texts["part"] == "baseline")
    finetune_encoder(
        checkpoint,
        tokenised_examples(texts, rows, checkpoint, embedded["padded_lengths"]),
        Hyperparameters(**embedded["baseline"]),
        baseline_seeds(snakemake.params.seed),
    )


with job(snakemake.log[0]):
    source = json.loads(Path(snakemake.input.source[0]).read_text())
    shutil.copytree(snakemake.input.checkpoint[0], snakemake.output[0], dirs_exist_ok=True)
    if source["kind"] == "embedded":
        finetune_on_own_films(Path(snakemake.output[0]))
