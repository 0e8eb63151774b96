"""A whole grid by this project and by another program that trains every cell from the baseline."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from common.metrics import measure
from finetuning.dataset import read_split
from tests.benchmarks.measuring import Run, line, module, report, run
from tests.benchmarks.options import study_parser
from tests.benchmarks.studies import Study, compute_grid, read_metrics, read_study


def arguments(doc: str) -> argparse.Namespace:
    parser = study_parser(doc)
    parser.add_argument("--cores", type=int, default=4, help="of `snakemake --cores` (default 4)")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of the other side (default: all cores)"
    )
    parser.add_argument("--replicates", type=int, help="only so many of the replicates")
    parser.add_argument("--limit", type=int, help="only so many trajectories, spread over the grid")
    parser.add_argument(
        "--warm-only",
        action="store_true",
        help="not from an empty cache of compiled programs first, but with the user's own cache",
    )
    return parser.parse_args()


def compare(
    benchmark: str, name: str, loop: str, refuse: Callable[[dict], str | None], asked: object
) -> None:
    """Runs both sides one after the other and reports them.

    loop: the module of this folder that is the other side; refuse: says what in a cell's
    hyperparameters the other side cannot do.
    """
    study = read_study(asked.study, asked.config, asked.replicates, asked.limit)
    for key, value in (("precision", "float32"), ("gpus", 0)):
        if study.config["training"][key] != value:
            sys.exit(f"training.{key}: grids are compared with {value}")
    for cell in study.cells:
        if reason := refuse(study.hyperparameters(cell)):
            sys.exit(f"{name} is not asked to do this study: {reason}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cache = None if asked.warm_only else folder / "cache"
        ours = {}
        if cache:
            print(f"{len(study.cells)} cells, no program compiled yet …", flush=True)
            ours["cold"], _ = compute_grid(study, folder / "cold", asked.cores, cache)
        print(f"{len(study.cells)} cells by {name} …", flush=True)
        theirs, logits = run_loop(study, loop, asked.threads, folder)
        compiled = count_programs(cache)
        print(f"{len(study.cells)} cells, programs compiled before …", flush=True)
        ours["warm"], cells = compute_grid(study, folder / "warm", asked.cores, cache)
        results = compare_results(study, cells, logits)
        newly_compiled = count_programs(cache) - compiled
    settings = {
        "study": study.config["study"],
        "source": json.loads((study.folder / "source.json").read_text())["kind"],
        "whole_grid": study.whole,
        "cells": len(study.cells),
        "trajectories": study.trajectories,
        "snakemake_cores": asked.cores,
        "threads_per_job": study.config["training"]["threads"],
        "threads_of_other_side": asked.threads,
        "other_side": name,
        "data": study.config["data"],
        "factors": {name: list(levels) for name, levels in study.grid.levels.items()},
        "fixed": study.grid.fixed,
        "programs_compiled_in_warm_run": newly_compiled,
    }
    what = f"{'whole' if study.whole else 'part of the'} grid, {len(study.cells)} cells"
    caches = {"cold": "cold cache", "warm": "warm cache"}
    if newly_compiled:
        caches["warm"] = f"{newly_compiled} programs compiled"  # not what a warm cache costs
    table = [
        line(f"{what}, {caches[cache]}", run.seconds, theirs.seconds, "s")
        for cache, run in ours.items()
    ]
    processor_seconds = (ours["warm"].processor_seconds, theirs.processor_seconds)
    table.append(line(f"{what}, processor time", *processor_seconds, "s"))
    for metric, means in results["means"].items():
        table.append(line(f"mean {metric} of the cells", *means, "", ratio=False))
    padding = results["padding_share"].values()
    table.append(line("share of padding in training", *padding, "", ratio=False))
    raw = {"ours": ours, "theirs": theirs, **results}
    report(asked.out, benchmark, settings, table, raw)


def run_loop(study: Study, loop: str, threads: int, folder: Path) -> tuple[Run, dict]:
    """Times the other side; returns the arrays that it leaves."""
    replicates = sorted(_replicates(study.cells))
    job = {
        "checkpoint": str(study.checkpoint),
        "splits": {replicate: str(study.split(replicate)) for replicate in replicates},
        "cells": [
            {"hyperparameters": study.hyperparameters(cell), "replicate": cell["replicate"]}
            for cell in study.cells
        ],
        "threads": threads,
        "out": str(folder / "theirs.safetensors"),
    }
    (folder / "job.json").write_text(json.dumps(job))
    timed = run(module(loop, str(folder / "job.json")), OMP_NUM_THREADS=str(threads))
    return timed, load_file(job["out"])


def count_programs(cache: Path | None) -> int:
    """Compiled programs kept in a cache folder (of the user, if None)."""
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache or user, "hyperparameter-tradeoffs")
    return sum(path.is_file() for path in folder.rglob("*"))


def compare_results(study: Study, cells: Path, theirs: dict[str, np.ndarray]) -> dict:
    """What both sides computed: metrics of every cell, their means, padding and tokens."""
    labels = {r: read_split(study.split(r)).evaluation.labels for r in _replicates(study.cells)}
    rows, longest = [], {}
    for number, cell in enumerate(study.cells):
        ours = read_metrics(cells / study.grid.folder(cell))
        other = measure(theirs[str(number)], labels[cell["replicate"]])
        rows.append({**cell, "ours": ours.get("metrics"), "theirs": other})
        if ours["status"] != "diverged":
            longest[study.grid.trajectory(cell)] = ours  # epochs rise within a trajectory
    done = [row for row in rows if row["ours"]]
    means = {
        metric: [float(np.mean([row[side][metric] for row in done])) for side in ("ours", "theirs")]
        for metric in ("accuracy", "f1", "loss")
    }
    tokens = sum(metrics["tokens"] for metrics in longest.values())
    padded = sum(m["tokens"] / (1 - m["padding_share"]) for m in longest.values())
    their_tokens, their_padded = (int(number) for number in theirs["trained"])
    return {
        "means": means,
        "diverged_cells": len(rows) - len(done),
        "padding_share": {
            "ours": round(1 - tokens / padded, 4),
            "theirs": round(1 - their_tokens / their_padded, 4),
        },
        "tokens_trained": {"ours": tokens, "theirs": their_tokens},
        "cells": rows,
    }


def _replicates(cells: Sequence[dict]) -> set[int]:
    return {cell["replicate"] for cell in cells}
