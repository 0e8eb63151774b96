"""Evaluates the baseline on a replicate's evaluation set."""

from pathlib import Path

from job import job  # isort: split

from finetuning import runtime

with job(snakemake.log[0]):
    runtime.start(**snakemake.params.runtime)

    from finetuning.baseline import evaluate_baseline
    from finetuning.dataset import read_split

    evaluate_baseline(
        Path(snakemake.input.checkpoint[0]),
        read_split(Path(snakemake.input.split[0])).evaluation,
        Path(snakemake.output.metrics).parent,
        runtime.provenance(**snakemake.params.runtime),
    )
