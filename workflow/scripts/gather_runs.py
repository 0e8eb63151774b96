"""Gathers all cells into runs.csv, histories.csv and provenance.json."""

from pathlib import Path

from job import job  # isort: split

from finetuning.files import read_json, replace_atomically, sha256, write_json
from finetuning.gather import gather_histories, gather_provenance, gather_runs, read_study
from finetuning.grid import Grid

with job(snakemake.log[0]):
    config = snakemake.config
    grid = Grid.from_config(config)
    source = read_json(Path(snakemake.input.source[0]))
    folder = Path(snakemake.output.runs).parent
    study = read_study(folder, grid, config, source)
    runs = gather_runs(study, config[source["kind"]]["baseline"])
    replace_atomically(Path(snakemake.output.runs), runs.to_csv(index=False))
    histories = gather_histories(folder, study)
    replace_atomically(Path(snakemake.output.histories), histories.to_csv(index=False))
    tables = (Path(snakemake.output.runs), Path(snakemake.output.histories))
    digests = {table.name: sha256(table) for table in tables}
    provenance = gather_provenance(study, config, source, digests)
    write_json(Path(snakemake.output.provenance), provenance)
