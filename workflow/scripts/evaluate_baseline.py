"""Evaluates the baseline on a replicate's evaluation set."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning import runtime
from finetuning.tally import Tally

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]), Tally(Path(snakemake.log[0])) as tally:
    runtime.start(**snakemake.params.runtime)

    from finetuning.baseline import evaluate_baseline
    from finetuning.cells import computed_from
    from finetuning.dataset import read_split

    checkpoint, split = Path(snakemake.input.checkpoint[0]), Path(snakemake.input.split[0])
    evaluate_baseline(
        checkpoint,
        read_split(split).evaluation,
        Path(snakemake.output.metrics).parent,
        runtime.provenance(**snakemake.params.runtime)
        | {"computed_from": computed_from(checkpoint, split)},
        tally,
    )
