"""The other side of steady_state: the same steps on the very same batches by PyTorch.

    python -m tests.benchmarks.pytorch_job JOB.json

JOB.json: see jobs.py.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from finetuning import batches
from finetuning.dataset import read_split
from tests.benchmarks.jobs import best_gflops
from tests.benchmarks.pytorch_loop import load_model, make_optimizer


def main(job: dict) -> None:
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seeds"]["dropout"])
    hyperparameters = job["hyperparameters"]
    size = hyperparameters["batch_size"]
    examples = read_split(Path(job["split"])).training
    model = load_model(Path(job["checkpoint"]), hyperparameters).train()
    optimizer = make_optimizer(model, hyperparameters)
    order = np.random.default_rng(job["seeds"]["order"])
    steps = []
    while len(steps) < job["steps"]:
        for rows in batches.draw_epoch(examples.lengths, size, order)[: job["steps"] - len(steps)]:
            started = time.monotonic()
            batch = batches.pad(examples, rows, size)
            loss = model(
                input_ids=torch.from_numpy(batch.tokens).long(),
                attention_mask=torch.from_numpy(batch.mask),
                labels=torch.from_numpy(batch.labels).long(),
            ).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss.item()
            steps.append(
                {
                    "length": batch.tokens.shape[1],
                    "examples": len(rows),
                    "tokens": int(examples.lengths[rows].sum()),
                    "padded": batch.tokens.size,
                    "seconds": time.monotonic() - started,
                }
            )
    peak = best_gflops(lambda size: torch.ones(size, size), torch.matmul, lambda product: product)
    Path(job["out"]).write_text(json.dumps({"steps": steps, "peak_gflops": peak}))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
