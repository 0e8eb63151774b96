"""Fine-tunes one trajectory and writes the cells it was asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from design.grid import Grid, replicate_seeds
from finetuning import runtime
from finetuning.tally import Tally

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]), Tally(Path(snakemake.log[0])) as tally:
    runtime.start(**snakemake.params.runtime)

    from finetuning.augmentation.copied import read_copied
    from finetuning.cells import computed_from
    from finetuning.dataset import read_split
    from finetuning.state import State
    from finetuning.trajectory import deliver_cells

    # From the log's own path: with a storage, a job works in a folder of its own.
    study, _, run = snakemake.log[0].rpartition("/logs/cells/")
    checkpoint, split = Path(snakemake.input.checkpoint[0]), Path(snakemake.input.split[0])
    copies = Path(snakemake.input.copies[0]) if snakemake.input.copies else None
    grid = Grid.from_config(snakemake.config)
    folders = [Path(metrics).parent for metrics in snakemake.output.metrics]
    cells = [grid.parse(folder) for folder in folders]
    trained = [grid.hyperparameters(cell) for cell in cells]
    hyperparameters = max(trained, key=lambda trained: trained.epochs)
    seeds = replicate_seeds(snakemake.params.seed, cells[0]["replicate"], cells[0].get("repeat", 0))
    provenance = runtime.provenance(**snakemake.params.runtime)
    provenance |= {"computed_from": computed_from(checkpoint, split, copies)}
    levels = {cell.epochs: folder for cell, folder in zip(trained, folders, strict=True)}
    made_with = {
        "hyperparameters": hyperparameters.record(),
        "epochs": sorted(levels),
        "seeds": seeds,
        **provenance,
    }
    state = State(
        Path(study, "states", run).with_suffix(".safetensors"),
        made_with,
        snakemake.config["training"]["save_state_seconds"],
    )
    deliver_cells(
        checkpoint,
        read_split(split),
        hyperparameters,
        seeds,
        provenance,
        levels,
        state,
        tally,
        copied=read_copied(copies) if copies else None,
    )
