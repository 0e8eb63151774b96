import csv
import logging
import re

from snakemake.exceptions import WorkflowError

from analysis import words
from common.errors import UserError
from design.grid import Grid
from study import made_with
from common.lock import lock
from finetuning import augmentation

# On a full disk Snakemake cannot write its log. What it says is in the terminal all the same.
logging.raiseExceptions = False

GRID = Grid.from_config(config)
SECTIONS = {kind: config[kind] for kind in SOURCES if kind in config}
CELLS = f"{RESULTS}/cells"
COPIES = f"{RESULTS}/data/copies/{{copies}}/replicate={{replicate}}"
LOGS = f"{RESULTS}/logs"


onstart:
    try:
        lock(Path(RESULTS))  # to the end of this process
        overwriting.keep_configuration(Path(RESULTS), config)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    Path(LOGS, "errors.txt").unlink(missing_ok=True)


onerror:
    # Again at the end: above it Snakemake names every input of a failed job, and what a job tells
    # on a cluster is in another log.
    if Path(LOGS, "errors.txt").exists():
        print(
            f"What went wrong:{Path(LOGS, 'errors.txt').read_text()}",
            file=sys.stderr,
        )
    print(
        "Finished work is kept. Run the same command again to resume.",
        file=sys.stderr,
    )


wildcard_constraints:
    **GRID.constraints,
    replicate=r"\d+",
    copies="|".join(map(re.escape, GRID.copies)) or "none",


def every_cell(file):
    """An input function: a file of each cell of the grid.

    As a list, Snakemake would hash it again for each of its files, and each job on a cluster would
    make it.
    """
    return lambda _: [f"{CELLS}/{GRID.folder(cell)}/{file}" for cell in GRID.cells()]


def every_replicate(file):
    """A file of each replicate, by its path in the results.

    Without rules.NAME.output, which expand() refuses where files go through a storage.
    """
    return expand(f"{RESULTS}/{file}", replicate=range(GRID.replicates))


def all_copies(ending):
    """A file of every way of copying the training texts, in each replicate."""
    return expand(
        f"{COPIES}.{ending}", copies=GRID.copies, replicate=range(GRID.replicates)
    )


# How the page of snakemake --report names its items.


def table_labels(wildcards):
    return {"table": wildcards.table.replace("_", " ").capitalize()}


def figure_labels(wildcards, output):
    """Its kind and metric from the list that is written with the figures."""
    with open(Path(output[0], "captions.csv"), encoding="utf-8", newline="") as file:
        listed = {row["name"]: row for row in csv.DictReader(file)}
    figure = listed[wildcards.figure]
    return {"figure": figure["kind"], "metric": words.name(figure["metric"])}
