"""Single training jobs, started several at once where asked for, and the models they train.

A job is a JSON file: checkpoint and split (paths), hyperparameters, seeds, threads, steps (how
many to train), started (when its process was), together_from (after so many steps it waits for the
others; 0: never), present (the folder in which they wait), jobs (how many they are), evaluates
(whether it also keeps its state, as a long cell does, evaluates its texts, and measures matrix
multiplication), out (the file it writes).
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from common.hyperparameters import Hyperparameters
from finetuning.dataset import Examples, Split, write_split
from finetuning.files import write_digests
from tests.benchmarks.measuring import median, module
from tests.benchmarks.studies import Study
from tests.tiny import SPECIAL, write_tiny_distilbert

FULL_SIZE = {"layers": 6, "dim": 768, "heads": 12, "positions": 512}
VOCABULARY = [*SPECIAL, *(f"word{number}" for number in range(30522 - len(SPECIAL)))]
FULL_LENGTHS = (64, 128)
WARM_STEPS = 2  # of each length, before its steps count


def prepare(model: str, study: Study, folder: Path) -> tuple[Path, Path]:
    """Checkpoint folder and split file of a model to train.

    embedded: the study's own baseline and replicate 0. full: 66 million random weights in
    DistilBERT's layout, and texts of random words, from 16 to 128 tokens.
    """
    if model == "embedded":
        return study.checkpoint, study.split(0)
    checkpoint = write_tiny_distilbert(folder / "full", vocabulary=VOCABULARY, **FULL_SIZE)
    write_digests(checkpoint, {})
    split = folder / "full.safetensors"
    write_split(split, Split(_random_texts(256), _random_texts(0), _random_texts(96)), {})
    return checkpoint, split


def _random_texts(number: int) -> Examples:
    draw = np.random.default_rng(number)
    lengths = draw.integers(16, FULL_LENGTHS[-1] + 1, number)
    return Examples(
        draw.integers(len(SPECIAL), len(VOCABULARY), lengths.sum()).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        draw.integers(0, 2, number).astype(np.int32),
        np.arange(number, dtype=np.int32),
        np.array(FULL_LENGTHS, np.int32),
    )


def train(
    folder: Path,
    checkpoint: Path,
    split: Path,
    batch_size: int,
    threads: int,
    steps: int,
    worker: str = "training_job",
    jobs: int = 1,
    together_from: int = 0,
    evaluates: bool = False,
    cache: Path | None = None,
) -> list[dict]:
    """Runs equal jobs at once in processes of their own; returns what each of them measured.

    Each gets the peak memory of its process, peak_memory_mb (2**20 bytes), besides.
    """
    hyperparameters = Hyperparameters(
        learning_rate=1e-5,
        batch_size=batch_size,
        epochs=10**6,
        weight_decay=0.01,
        dropout=0.1,
        warmup=0.0,
        frozen_layers=0,
        schedule="constant",
    )
    present = folder / "present"
    present.mkdir(parents=True, exist_ok=True)
    for waiting in present.iterdir():
        waiting.unlink()
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    if cache:
        environment["XDG_CACHE_HOME"] = str(cache)
    started = []
    for number in range(jobs):
        job = {
            "checkpoint": str(checkpoint),
            "split": str(split),
            "hyperparameters": asdict(hyperparameters),
            "seeds": {"order": number, "dropout": number},
            "threads": threads,
            "steps": steps,
            "together_from": together_from,
            "present": str(present),
            "jobs": jobs,
            "evaluates": evaluates,
            "out": str(folder / f"measured{number}.json"),
            "started": time.monotonic(),
        }
        path = folder / f"job{number}.json"
        path.write_text(json.dumps(job))
        process = subprocess.Popen(module(worker, str(path)), env=environment)
        started.append((process, job["out"]))
    measured = []
    for process, out in started:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{worker} failed: its error is above")
        memory = {"peak_memory_mb": usage.ru_maxrss // 1024}
        measured.append(json.loads(Path(out).read_text()) | memory)
    return measured


def wait_for_all(job: dict) -> None:
    """Returns when every job has come here."""
    present = Path(job["present"])
    (present / str(os.getpid())).touch()
    while len(list(present.iterdir())) < job["jobs"]:
        time.sleep(0.01)


def steady(steps: list[dict]) -> list[dict]:
    """The steps after the first few of each length."""
    seen: dict[int, int] = {}
    kept = []
    for step in steps:
        seen[step["length"]] = seen.get(step["length"], 0) + 1
        if seen[step["length"]] > WARM_STEPS:
            kept.append(step)
    return kept


def tokens_per_second(steps: list[dict]) -> float:
    """Tokens that are no padding, over the seconds of the given steps."""
    return sum(step["tokens"] for step in steps) / sum(step["seconds"] for step in steps)


def seconds_per_example(steps: list[dict], epoch: list[tuple[int, int]]) -> float:
    """Seconds of training in an epoch over its examples.

    epoch: padded length and examples of each of its batches, which takes the median time of the
    steady steps of its length. Batches of a length without such a step are left out.
    """
    seconds: dict[int, list[float]] = {}
    for step in steady(steps):
        seconds.setdefault(step["length"], []).append(step["seconds"])
    counted = [(length, examples) for length, examples in epoch if length in seconds]
    total = sum(median(seconds[length]) for length, _ in counted)
    return total / sum(examples for _, examples in counted)


def best_gflops(make: Callable, multiply: Callable, finish: Callable) -> float:
    """The fastest of some products of square float32 matrices, 10^9 operations a second."""
    best = 0.0
    for size in (512, 1024, 2048):
        left, right = make(size), make(size)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            started = time.monotonic()
            finish(multiply(left, right))
            best = max(best, 2 * size**3 / (time.monotonic() - started) / 1e9)
    return best
