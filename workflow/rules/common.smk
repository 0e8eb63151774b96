import csv
import errno
import gc
import logging
from contextlib import suppress
import re
import shlex

from analysis import words
from common.errors import UserError
from design.grid import Grid, level_name
from study import made_with
from common.lock import lock
from finetuning import augmentation
from finetuning.architecture import Architecture
from finetuning.files import read_json
from finetuning.tally import TALLIES
from study import memory
from study.machine import available_memory, this_machine
from study.plan import in_words, look_around, make_plan
from study.progress import Watch, show
from study.sections import AUTO_MEMORY
from study.work import tasks

# On a full disk Snakemake cannot write its log. What it says is in the terminal all the same.
logging.raiseExceptions = False
# Planning makes millions of objects, few of them in cycles, which Python else looks for all along.
gc.set_threshold(100_000)
# Snakemake 9 starts its jobs by a line for the shell in which the interpreter stands as it is.
sys.executable = shlex.quote(sys.executable)

GRID = Grid.from_config(config)
SECTIONS = {kind: config[kind] for kind in SOURCES if kind in config}
CELLS = f"{RESULTS}/cells"
COPIES = f"{RESULTS}/data/copies/{{copies}}/replicate={{replicate}}"
LOGS = f"{RESULTS}/logs"


# As many jobs together as the memory of this machine allows. On a cluster others see to that.
LOCAL = workflow.resource_settings.nodes is None
if LOCAL and workflow.is_main_process and "mem_mb" not in workflow.global_resources:
    try:
        workflow.global_resources["mem_mb"] = available_memory()
    except UserError as error:
        sys.exit(str(error))


def plan_study():
    """What is left to do of the study, and what it will cost here."""
    given = workflow.global_resources.get("mem_mb")
    return make_plan(
        Path(RESULTS),
        config,
        look_around(Path(RESULTS), config),
        this_machine(),
        workflow.cores if LOCAL else workflow.nodes,
        given.value if LOCAL else None,
    )


def or_refuse(function, *arguments):
    """What a function returns; what a user has to put right ends Snakemake in one message."""
    try:
        return function(*arguments)
    except UserError as error:
        sys.exit(str(error))


def tell_plan(plan):
    """Says what is left to do, and refuses it where not even one run fits."""
    print(*in_words(plan, config), sep="\n", file=sys.stderr)
    if plan.available is not None:
        source = plan.known.source["kind"]
        or_refuse(
            memory.check_fits, config, source, plan.known.architecture, plan.available
        )


onstart:
    planned_only = {job.rule.name for job in workflow.dag.needrun_jobs()} <= {
        "plan",
        "plan_design",
    }
    if planned_only:
        tell_plan(or_refuse(plan_study))
    else:
        or_refuse(lock, Path(RESULTS))  # to the end of this process
        or_refuse(overwriting.keep_configuration, Path(RESULTS), config)
        for left in (Path(LOGS, "errors.txt"), *Path(LOGS).rglob(TALLIES)):
            left.unlink(missing_ok=True)
        # What is wrong with a source or a cache, the job that needs it says.
        with suppress(UserError, OSError):
            plan = plan_study()
            if plan.todo:
                tell_plan(plan)
                show(Watch(tasks(Path(RESULTS), config, plan.known.source)))


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


# What jobs ask for follows from the checkpoint: until that is there, Snakemake does not know it.
# On a cluster, a job also holds the two processes of Snakemake that start it.
AUTO = config["training"]["memory_mb"] == AUTO_MEMORY
BESIDE = 400 if AUTO and not LOCAL else 0  # MB
if AUTO and workflow.storage_settings.default_storage_provider:
    sys.exit(
        "The configuration cannot be used: training.memory_mb: auto follows from a checkpoint that "
        "is in a storage, where Snakemake cannot look before the jobs run. Write a number of MB."
    )


def sizes_of(checkpoint):
    """The kind of the source and the sizes of its checkpoint.

    Raises FileNotFoundError for the checkpoint, from which Snakemake knows to ask again later.
    """
    resolved, found = Path(RESULTS, "source.json"), Path(checkpoint, "config.json")
    if not (resolved.exists() and found.exists()):
        raise FileNotFoundError(errno.ENOENT, "not there yet", checkpoint)
    kind = read_json(resolved)["kind"]
    if kind not in candidates(config):  # of a configuration that asked for another
        raise FileNotFoundError(errno.ENOENT, "not there yet", checkpoint)
    return kind, Architecture.read(Path(checkpoint))


def memory_of_run(wildcards, input):
    batch_size = getattr(wildcards, "batch_size", GRID.fixed.get("batch_size"))
    sizes = sizes_of(input.checkpoint[0])
    return BESIDE + memory.run_memory(config, *sizes, int(batch_size))


def memory_of_making_the_baseline(wildcards, input):
    return BESIDE + memory.most_memory(config, *sizes_of(input.checkpoint[0]))


def memory_of_evaluating_the_baseline(wildcards, input):
    return BESIDE + memory.evaluation_memory(config, *sizes_of(input.checkpoint[0]))


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


def copies_to_train_on(wildcards):
    """The copies that a trajectory asks for, if it does."""
    any_epochs = {"epochs": level_name(n) for n in GRID.levels.get("epochs", ())}
    folder = GRID.folder_pattern.format(**{**any_epochs, **wildcards})
    copies = GRID.copies_of(GRID.parse(Path(folder)))
    if copies is None:
        return []
    return expand(
        f"{COPIES}.safetensors", copies=copies.name, replicate=wildcards.replicate
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
