import csv

from finetuning.grid import Grid

GRID = Grid.from_config(config)
CELLS = f"{RESULTS}/cells"
LOGS = f"{RESULTS}/logs"


wildcard_constraints:
    **{factor: GRID.constraint(factor) for factor in GRID.levels},
    replicate=r"\d+",


def every_cell(file):
    """A file of each cell of the grid."""
    return [f"{CELLS}/{GRID.folder(cell)}/{file}" for cell in GRID.cells()]


# How the page of snakemake --report names its items.


def table_labels(wildcards):
    return {"table": wildcards.table.replace("_", " ").capitalize()}


def figure_labels(wildcards, output):
    """Its title and metric from the list that is written with the figures."""
    with open(Path(output[0], "captions.csv"), encoding="utf-8", newline="") as file:
        listed = {row["name"]: row for row in csv.DictReader(file)}
    figure = listed[wildcards.figure]
    title, _, metric = figure["title"].partition(": ")
    return {"figure": title, "metric": metric}
