"""Peak memory of training jobs, against what finetuning/memory.py expects of them.

    python -m tests.benchmarks.memory --out memory.json

Each job is a process that does what a training job does, at its worst: it starts without compiled
programs, trains one batch of each padded length on texts that fill it, writes its state after every
step, and evaluates a batch of each length. A job that ends before its state is due needs less. The
weights are random; that changes nothing. Takes a quarter of an hour on one core, and 13 GB.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from common.hyperparameters import Hyperparameters
from finetuning import runtime
from finetuning.architecture import Architecture
from finetuning.batches import ROWS
from finetuning.dataset import Examples, Split
from finetuning.files import write_digests
from finetuning.memory import training_memory
from tests.benchmarks.full_size import WORDS
from tests.benchmarks.measuring import line, report
from tests.benchmarks.options import parser
from tests.tiny import SPECIAL, VOCABULARY, write_tiny_distilbert

BATCH_SIZES = (8, 16, 32)
# Hidden size and padded lengths: those of the embedded source, and of 66 million parameters.
MODELS = {
    "embedded": (384, (24, 36, 48)),
    "66 million parameters, 128 tokens": (768, (64, 128)),
    "66 million parameters, 256 tokens": (768, (128, 256)),
}


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="default: all")
    found.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES, help="8 16 32")
    asked = found.parse_args()
    table = []
    for model in asked.models:
        dim, lengths = MODELS[model]
        with tempfile.TemporaryDirectory() as temporary:
            checkpoint = write_checkpoint(Path(temporary) / "checkpoint", dim)
            for size in asked.batch_sizes:
                expected = training_memory(Architecture.read(checkpoint), size, lengths).total
                peak = measure(checkpoint, lengths, size)
                table.append(line(f"{model}, batch {size}: expected", expected, peak, "MB"))
                print(table[-1], flush=True)
    settings = {"batch sizes": list(asked.batch_sizes), "compared with": "the measured peak"}
    report(asked.out, "memory", settings, table, {})


def write_checkpoint(folder: Path, dim: int) -> Path:
    """Six layers of the hidden size, twelve heads, and a vocabulary of the usual size."""
    fillers = [f"filler{number}" for number in range(WORDS - len(VOCABULARY))]
    vocabulary = [*VOCABULARY, *fillers]
    write_tiny_distilbert(folder, layers=6, dim=dim, heads=12, vocabulary=vocabulary, positions=512)
    write_digests(folder, {})
    return folder


def measure(checkpoint: Path, lengths: tuple[int, ...], batch_size: int) -> int:
    """The peak of a job in a process of its own, MB (2**20 bytes)."""
    code = f"from tests.benchmarks.memory import train; train({str(checkpoint)!r}, {lengths}, "
    subprocess.run([sys.executable, "-c", f"{code}{batch_size})"], check=True)
    timing = checkpoint.parent / "cell" / "timing.json"
    return json.loads(timing.read_text())["peak_memory_mb"]


def train(checkpoint: str, lengths: tuple[int, ...], batch_size: int) -> None:
    """Trains an epoch and writes its cell beside the checkpoint."""
    folder = Path(checkpoint).parent
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        runtime.start(threads=1)

        from finetuning.state import State
        from finetuning.tally import Tally
        from finetuning.trajectory import deliver_cells

        with Tally(folder / "run.log") as tally:
            deliver_cells(
                Path(checkpoint),
                Split(texts(lengths, batch_size), texts(lengths, 0), texts(lengths, ROWS)),
                Hyperparameters(1e-5, batch_size, 1, 0.01, 0.1, 0.0, 0, "constant"),
                {"order": 1, "dropout": 2},
                {},
                {1: folder / "cell"},
                State(folder / "state.safetensors", {}, every=0),
                tally,
            )


def texts(lengths: tuple[int, ...], of_each: int) -> Examples:
    """So many random texts of each length."""
    draw = np.random.default_rng(0)
    tokens = np.repeat(lengths, of_each)
    return Examples(
        draw.integers(len(SPECIAL), WORDS, tokens.sum()).astype(np.int32),
        np.concatenate([[0], np.cumsum(tokens)]).astype(np.int64),
        draw.integers(0, 2, len(tokens)).astype(np.int32),
        np.arange(len(tokens), dtype=np.int32),
        np.array(lengths, np.int32),
    )


if __name__ == "__main__":
    main()
