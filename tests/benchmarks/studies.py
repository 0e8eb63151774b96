"""A study's inputs, and its grid computed again by Snakemake in a copy without cells."""

import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from design.grid import Grid
from tests.benchmarks.measuring import PROJECT, Run, run

# Made from the cells, or by running: what a study is before its grid has none of it.
MADE_OF_CELLS = (
    *("cells", "states", "logs", "runs.csv", "histories.csv", "provenance.json"),
    *("analysis", "figures", "interactive", "report.pdf"),
)


@dataclass(frozen=True)
class Study:
    """folder: results/<study>, with checkpoint and data; cells: those to compute."""

    folder: Path
    config: dict
    cells: list[dict]
    trajectories: int
    whole: bool

    @property
    def grid(self) -> Grid:
        return Grid.from_config(self.config)

    @property
    def checkpoint(self) -> Path:
        return self.folder / "baseline" / "checkpoint"

    def split(self, replicate: int) -> Path:
        return self.folder / "data" / f"replicate={replicate}.safetensors"

    def hyperparameters(self, cell: dict) -> dict:
        return asdict(self.grid.hyperparameters(cell))


def read_study(
    folder: Path, config_file: Path, replicates: int | None = None, limit: int | None = None
) -> Study:
    """A study with its first replicates, or with some of their trajectories.

    limit: how many trajectories, taken at even distances over the grid. Ends this program if the
    study has no checkpoint or no data.
    """
    config = yaml.safe_load(config_file.read_text())
    whole = limit is None and replicates in (None, config["replicates"])
    config["replicates"] = replicates or config["replicates"]
    grid = Grid.from_config(config)
    by_trajectory: dict[str, list[dict]] = {}
    for cell in grid.cells():
        by_trajectory.setdefault(grid.trajectory(cell), []).append(cell)
    names = list(by_trajectory)
    if limit:
        names = [names[i] for i in np.linspace(0, len(names) - 1, limit).round().astype(int)]
    cells = [cell for name in names for cell in by_trajectory[name]]
    study = Study(folder.resolve(), config, cells, len(names), whole)
    for path in (study.checkpoint, *map(study.split, range(config["replicates"]))):
        if not path.exists():
            sys.exit(
                f"{path.relative_to(study.folder)} is not in {folder}. To make it: "
                f"snakemake --cores 4 --configfile {config_file} --until make_baseline draw_split"
            )
    return study


def compute_grid(study: Study, folder: Path, cores: int, cache: Path | None) -> tuple[Run, Path]:
    """Times `snakemake --cores N grid` in a new folder; returns the run and the folder of cells.

    Checkpoint and data of the study are copied there. cache: where compiled programs are kept,
    instead of the user's own folder.
    """
    name = study.config["study"]
    shutil.copytree(
        study.folder, folder / "results" / name, ignore=shutil.ignore_patterns(*MADE_OF_CELLS)
    )
    (folder / "config.yaml").write_text(yaml.safe_dump(study.config, sort_keys=False))
    cells = Path("results", name, "cells")
    targets = ["grid"]
    if not study.whole:
        targets = [str(cells / study.grid.folder(cell) / "metrics.json") for cell in study.cells]
    environment = {} if cache is None else {"XDG_CACHE_HOME": str(cache)}
    return run(snakemake("--cores", str(cores), *targets), folder, **environment), folder / cells


def snakemake(*arguments: str) -> list[str]:
    """The command that runs the project's Snakefile on config.yaml of the current folder."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
    # Targets would be taken for further configuration files if these came last.
    return [*command, "--configfile", "config.yaml", *arguments]


def read_metrics(cell: Path) -> dict:
    return json.loads((cell / "metrics.json").read_text())
