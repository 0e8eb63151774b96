"""Gathers all cells into runs.csv, histories.csv and provenance.json."""

import json
from pathlib import Path

from job import job  # isort: split

from finetuning.files import replace_atomically, write_json
from finetuning.gather import gather_histories, gather_provenance, gather_runs
from finetuning.grid import Grid

with job(snakemake.log[0]):
    config = snakemake.config
    grid = Grid.from_config(config)
    source = json.loads(Path(snakemake.input.source[0]).read_text())
    study = Path(snakemake.output.runs).parent
    runs = gather_runs(study, grid, config[source["kind"]]["baseline"])
    replace_atomically(Path(snakemake.output.runs), runs.to_csv(index=False))
    histories = gather_histories(study, grid)
    replace_atomically(Path(snakemake.output.histories), histories.to_csv(index=False))
    provenance = gather_provenance(study, grid, config, source)
    write_json(Path(snakemake.output.provenance), provenance)
