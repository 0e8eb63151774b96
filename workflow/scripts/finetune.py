"""Fine-tunes one trajectory and writes the cells it was asked for."""

from pathlib import Path

from job import job  # isort: split

from finetuning import runtime
from finetuning.grid import Grid, replicate_seeds
from finetuning.progress import describe

with job(snakemake.log[0]) as tell:
    runtime.start(snakemake.params.threads)

    from finetuning.dataset import read_split
    from finetuning.trajectory import deliver_cells

    grid = Grid.from_config(snakemake.config)
    folders = [Path(metrics).parent for metrics in snakemake.output.metrics]
    trained = [grid.hyperparameters(grid.parse(folder)) for folder in folders]
    deliver_cells(
        Path(snakemake.input.checkpoint[0]),
        read_split(Path(snakemake.input.split[0])),
        max(trained, key=lambda hyperparameters: hyperparameters.epochs),
        {cell.epochs: folder for cell, folder in zip(trained, folders, strict=True)},
        replicate_seeds(snakemake.params.seed, int(snakemake.wildcards.replicate)),
        snakemake.params.threads,
    )
    root = Path(f"results/{snakemake.config['study']}/cells")
    tell(describe(root / grid.folder(cell) for cell in grid.cells()))
