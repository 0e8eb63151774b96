"""What a study will cost, said before it is spent."""

import heapq
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetuning import sources
from finetuning.architecture import Architecture
from finetuning.dataset import read_split
from finetuning.files import read_json
from study.machine import Machine
from study.memory import most_memory
from study.progress import readable
from study.work import PASSES, Task, tasks

# What docs/full-size.md and docs/benchmarks.md measured: the shares of the fastest matrix product
# that training and evaluation reach, and seconds.
TRAINING, EVALUATION = 0.70, 0.80
START = 8  # of a job, before its first step
COMPILING = 8  # for a new padded length or batch size, once for a machine
SOURCE = 20  # to find, check and read checkpoint and texts, without their download
ANALYSIS = 60  # tables, figures and report


@dataclass(frozen=True)
class Known:
    """What a plan rests on.

    source: source.json, or its kind alone; padded: mean padded length of the texts, in tokens;
    downloads: what has to be fetched, to bytes.
    """

    source: Mapping[str, Any]
    architecture: Architecture
    padded: float
    downloads: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """known: what it rests on; todo: the tasks that are not done; memory: of the largest job, and
    available for all, MB (None: a cluster's); at_once: runs side by side; wanted: as many as cores
    and runs would allow; cores: asked for; seconds: to the report, None where nothing tells (a
    GPU before its first run).
    """

    known: Known
    todo: Sequence[Task]
    memory: int
    available: int | None
    at_once: int
    wanted: int
    cores: int
    seconds: float | None


def look_around(folder: Path, config: Mapping[str, Any]) -> Known:
    """What is known of the source of the study in results/<study>: from what is there already,
    else from the source. Raises UserError where it does not answer or fit.
    """
    checkpoint, split = folder / "pretrained", folder / "data" / "replicate=0.safetensors"
    resolved = folder / "source.json"
    source = read_json(resolved) if resolved.exists() else None
    if source and source["kind"] not in sources.candidates(config):
        source = None  # of a configuration that asked for another
    if source and checkpoint.exists():
        tokens = read_split(split).training.lengths.tolist() if split.exists() else []
        padded = _mean_padded(tokens, config[source["kind"]]["padded_lengths"])
        return Known(source, Architecture.read(checkpoint), padded, {})
    kind, seen = sources.preview(config, source)
    padded = _mean_padded(seen.tokens, config[kind]["padded_lengths"])
    return Known(source or {"kind": kind}, Architecture.of(seen.settings), padded, seen.downloads)


def _mean_padded(tokens: Sequence[int], lengths: Sequence[int]) -> float:
    """Of texts with so many tokens, or where that is not known at most, by the padded lengths."""
    places = np.searchsorted(lengths, np.minimum(tokens, lengths[-1]))
    return float(np.array(lengths)[places].mean()) if len(tokens) else float(lengths[-1])


def make_plan(
    folder: Path,
    config: Mapping[str, Any],
    known: Known,
    machine: Machine,
    cores: int,
    available: int | None,
) -> Plan:
    """The plan of what is left to do of a study.

    available: memory for its jobs, MB; None where there is no saying.
    """
    every = tasks(folder, config, known.source)
    todo = [task for task in every if not task.done.exists()]
    threads = config["training"]["threads"]
    memory = most_memory(config, known.source["kind"], known.architecture)
    runs = [task for task in todo if task.cells]
    wanted = max(1, min(cores // threads, len(runs)))
    at_once = wanted if available is None else min(wanted, max(1, available // memory))

    def seconds(task: Task, beside: int) -> float:
        """Of one of so many jobs side by side; those without a core slow all others down."""
        rate = machine.rate * threads * min(1, machine.cores / (beside * threads))
        passes = PASSES * task.trained / TRAINING + task.evaluated / EVALUATION
        return START + passes * known.architecture.operations(known.padded) / rate

    finished = [
        (timing["finished"] - timing["started"]) / seconds(task, at_once)
        for task in every
        if task.cells and task.done.exists()
        for timing in [read_json(task.done)]
    ]
    if config["training"]["gpus"] and not finished:
        return Plan(known, todo, memory, available, at_once, wanted, cores, None)
    slowness = statistics.median(finished) if finished else 1.0
    training = _side_by_side([slowness * seconds(t, at_once) for t in runs], at_once)
    alone = [seconds(task, 1) for task in todo if not task.cells]
    sizes = {task.batch_size for task in runs}
    programs = (len(sizes) + 1) * len(config[known.source["kind"]]["padded_lengths"])
    compiling = 0 if finished else programs * COMPILING / at_once
    source = 0 if "texts" in known.source else SOURCE
    total = source + sum(alone) + compiling + training + ANALYSIS
    return Plan(known, todo, memory, available, at_once, wanted, cores, total)


def _side_by_side(seconds: Sequence[float], at_once: int) -> float:
    """When the last of several jobs ends, so many of which run at a time."""
    ends = [0.0] * at_once
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def in_words(plan: Plan, config: Mapping[str, Any]) -> list[str]:
    """The plan in words."""
    runs = [task for task in plan.todo if task.cells]
    cells, steps = sum(t.cells for t in runs), sum(t.steps for t in runs)
    longest = max((task.epochs for task in runs), default=0)
    sizes = [f"{name} ({size / 1e6:,.0f} MB)" for name, size in plan.known.downloads.items()]
    source = plan.known.source["kind"]
    told = [
        f"Plan of {config['study']} (source: {source}, "
        f"{plan.known.architecture.parameters / 1e6:.3g} million parameters)",
        f"  download  {', '.join(sizes) or 'nothing'}",
        f"  to train  {cells:,} cells by {len(runs):,} runs of at most {longest} epochs, "
        f"{steps:,} steps",
        f"  memory    {plan.memory:,} MB a job; {_together(plan)}",
    ]
    if plan.seconds is None:
        time = "not known for a GPU before the first run has finished"
    else:
        time = f"about {readable(plan.seconds)} with --cores {plan.cores}"
    return [*told, f"  time      {time}"]


def _together(plan: Plan) -> str:
    together = "one run at a time" if plan.at_once == 1 else f"{plan.at_once} runs side by side"
    if plan.available is None:
        return together
    if plan.memory > plan.available:
        return f"more than the {plan.available:,} MB available"
    few = f": no more fit, for {plan.wanted} there are cores" if plan.at_once < plan.wanted else ""
    return f"{together} in the {plan.available:,} MB available{few}"
