"""Whether a GPU computes what the processor does, the same twice, and how fast: make gpu-check.

    python -m tests.benchmarks.gpu_check                    # 66 million random weights, on a GPU
    python -m tests.benchmarks.gpu_check --gpus 0 --tiny    # the check itself, without one

Each job is a process of its own that trains one cell, as a study does. docs/gpu.md has what has to
be there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from common.errors import UserError
from finetuning import runtime
from finetuning.dataset import Examples, Split, write_split
from finetuning.files import write_digests
from tests.benchmarks.full_size import WORDS
from tests.tiny import SPECIAL, VOCABULARY, write_tiny_distilbert

LENGTHS, TRAINED, EVALUATED, BATCH = (64, 128), 64, 64, 16
TOGETHER = 2  # jobs that share the GPU
TOLERANCE = 1e-3  # of logits: a GPU adds in another order, and Adam divides by small numbers
SAME = ("metrics.json", "predictions.safetensors", "history.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gpus", type=int, choices=(0, 1), default=1, help="default: 1")
    parser.add_argument("--tiny", action="store_true", help="a model that takes seconds")
    parser.add_argument("--job", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        train(*asked.job, asked.gpus)
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(check(Path(folder), asked.gpus, asked.tiny))


def check(folder: Path, gpus: int, tiny: bool) -> int:
    """Prints what was found; returns 0 if all of it is as it must be."""
    write_inputs(folder, tiny)
    (reference,) = run(folder, ["processor"], 0)
    (first,) = run(folder, ["first"], gpus)
    run(folder, ["second"], gpus)
    together = run(folder, [f"together{number}" for number in range(TOGETHER)], gpus)

    logits = [load_file(folder / name / SAME[1])["logits"] for name in ("processor", "first")]
    difference = float(np.abs(logits[0] - logits[1]).max())
    same = all(
        (folder / "first" / name).read_bytes() == (folder / other / name).read_bytes()
        for name in SAME
        for other in ("second", *(f"together{number}" for number in range(TOGETHER)))
    )
    print(f"logits after training, from the processor's: {difference:.1e}, {TOLERANCE} allowed")
    print(f"the same cell again, alone and beside another: {'same' if same else 'OTHER'} bytes")
    print(f"one job: {first['tokens_per_second']:,} tokens/s, {first['memory_mb']:,} MB")
    rates = [f"{job['tokens_per_second']:,}" for job in together]
    print(f"{TOGETHER} jobs at once: {' and '.join(rates)} tokens/s")
    print(f"the processor, one thread: {reference['tokens_per_second']:,} tokens/s")
    return 0 if same and difference <= TOLERANCE else 1


def write_inputs(folder: Path, tiny: bool) -> None:
    """Random weights and random texts of two lengths."""
    fillers = [f"filler{number}" for number in range(WORDS - len(VOCABULARY))]
    large = {"layers": 6, "dim": 768, "heads": 12, "vocabulary": [*VOCABULARY, *fillers]}
    write_tiny_distilbert(folder / "checkpoint", positions=LENGTHS[-1], **({} if tiny else large))
    write_digests(folder / "checkpoint", {})
    draw = np.random.default_rng(0)

    def examples(number: int) -> Examples:
        lengths = draw.integers(16, LENGTHS[-1] + 1, number)
        return Examples(
            draw.integers(len(SPECIAL), len(VOCABULARY), lengths.sum()).astype(np.int32),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            draw.integers(0, 2, number).astype(np.int32),
            np.arange(number, dtype=np.int32),
            np.array(LENGTHS, np.int32),
        )

    split = Split(examples(TRAINED), examples(0), examples(EVALUATED))
    write_split(folder / "split.safetensors", split, {})


def run(folder: Path, names: list[str], gpus: int) -> list[dict]:
    """Runs equal jobs at once, one for each name; what each of them measured."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.gpu_check",
        "--gpus",
        str(gpus),
        "--job",
        str(folder),
    ]
    jobs = [subprocess.Popen([*command, str(folder / name)]) for name in names]
    ended = [job.wait() for job in jobs]
    if any(ended):
        sys.exit(1)
    return [json.loads((folder / name / "measured.json").read_text()) for name in names]


def train(folder: Path, cell: Path, gpus: int) -> None:
    """Trains two epochs; writes the cell of the second, and measured.json: of that epoch alone,
    since programs are compiled in the first.
    """
    try:
        runtime.start(1, gpus=gpus)
    except UserError as error:
        sys.exit(f"Error: {error}")
    import tensorflow as tf

    from common.hyperparameters import Hyperparameters
    from finetuning.dataset import read_split
    from finetuning.state import State
    from finetuning.tally import Tally
    from finetuning.trajectory import deliver_cells

    ends: list[float] = []
    state = State(cell.with_suffix(".safetensors"), {}, every=float("inf"))
    with Tally(cell.with_suffix(".log")) as tally:
        deliver_cells(
            folder / "checkpoint",
            read_split(folder / "split.safetensors"),
            Hyperparameters(3e-5, BATCH, 2, 0.01, 0.1, 0.0, 0, "constant"),
            {"order": 1, "dropout": 2},
            {},
            {2: cell},
            state,
            tally,
            say=lambda _: ends.append(time.monotonic()),
        )
        tokens = tally.count.tokens // 2
    if gpus:
        memory = tf.config.experimental.get_memory_info("GPU:0")["peak"] // 2**20
    else:
        memory = json.loads((cell / "timing.json").read_text())["peak_memory_mb"]
    measured = {"tokens_per_second": round(tokens / (ends[1] - ends[0])), "memory_mb": memory}
    (cell / "measured.json").write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
