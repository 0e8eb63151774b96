"""One training run of this project in a process of its own, with the times of all that it does.

    python -m tests.benchmarks.training_job JOB.json

It does what workflow/scripts/finetune.py does, but for a number of steps, and writes no cell.
JOB.json: see jobs.py. All times are seconds of the system's monotonic clock.
"""

import json
import sys
import time
from pathlib import Path

stamps = {"interpreter": time.monotonic()}

import numpy as np  # noqa: E402

from finetuning import runtime  # noqa: E402
from tests.benchmarks.jobs import best_gflops, wait_for_all  # noqa: E402


class Enough(Exception):
    """As many steps are done as were asked for."""


def main(job: dict) -> None:
    runtime.start(job["threads"])
    stamps["TensorFlow and Keras"] = time.monotonic()
    import tensorflow as tf

    from common.hyperparameters import Hyperparameters
    from finetuning import batches
    from finetuning.cells import computed_from
    from finetuning.dataset import read_split
    from finetuning.state import State
    from finetuning.trainer import Run

    stamps["KerasHub and this project"] = time.monotonic()
    computed_from(Path(job["checkpoint"]), Path(job["split"]))
    split = read_split(Path(job["split"]))
    stamps["reading the data, digests"] = time.monotonic()
    run = Run(
        Path(job["checkpoint"]),
        split.training,
        Hyperparameters(**job["hyperparameters"]),
        job["seeds"],
    )
    stamps["building and loading the model"] = time.monotonic()

    steps = []
    gradients = run.gradients

    def timed_gradients(
        tokens: np.ndarray, mask: np.ndarray, labels: np.ndarray, weights: np.ndarray
    ) -> tuple:
        started = time.monotonic()
        loss, found = gradients(tokens, mask, labels, weights)
        float(loss)
        steps.append(
            {
                "length": tokens.shape[1],
                "examples": int(weights.sum()),
                "gradients": time.monotonic() - started,
            }
        )
        return loss, found

    def after_step() -> None:
        nonlocal before
        now = time.monotonic()
        done = run.progress.tokens, run.progress.padded
        step = steps[-1]
        step["tokens"], step["padded"] = done[0] - counted[0], done[1] - counted[1]
        step["seconds"], step["done"] = now - before, now
        counted[:] = done
        if len(steps) == job["steps"]:
            raise Enough
        if len(steps) == job["together_from"]:
            wait_for_all(job)
            stamps["all jobs are ready"] = time.monotonic()
        before = time.monotonic()

    run.gradients = timed_gradients
    counted, before = [0, 0], time.monotonic()
    try:
        for _ in run.epochs(after_step):
            pass
    except Enough:
        pass
    measured = {"started": job["started"], "stamps": stamps, "steps": steps}
    if job["evaluates"]:
        kept = State(Path(job["out"]).with_suffix(".safetensors"), {}, every=0)
        kept.write(*run.state())
        texts, size = split.training, job["hyperparameters"]["batch_size"]
        run.logits(texts)  # compiles
        started = time.monotonic()
        run.logits(texts)  # of the same texts, to be compared with an epoch's training
        measured["evaluation_seconds"] = (time.monotonic() - started) / len(texts)
        drawn = batches.draw_epoch(texts.lengths, size, np.random.default_rng(0))
        padded = [batches.pad(texts, rows, size).tokens.shape[1] for rows in drawn]
        measured["epoch"] = list(zip(padded, map(len, drawn), strict=True))
        measured["peak_gflops"] = best_gflops(
            lambda size: tf.ones([size, size]), tf.matmul, lambda product: product.numpy()
        )
    Path(job["out"]).write_text(json.dumps(measured))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
