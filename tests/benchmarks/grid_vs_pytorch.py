"""The whole grid of a study against a plain PyTorch loop over the same cells.

    python -m tests.benchmarks.grid_vs_pytorch results/reviews --out grid_vs_pytorch.json

Ours is `snakemake --cores 4 grid` in a copy of the study without cells: first with no compiled
programs in the cache, then with all of them. Theirs is pytorch_loop.py, one process with all
cores, between the two. The time of each is that of its whole process, imports included.
"""

from tests.benchmarks.grid_comparison import arguments, compare
from tests.benchmarks.pytorch_loop import SCHEDULES


def refuse(hyperparameters: dict) -> str | None:
    if hyperparameters["schedule"] not in SCHEDULES:
        return f"the schedule {hyperparameters['schedule']}"
    if hyperparameters["early_stopping"]:
        return "early stopping"
    return None


if __name__ == "__main__":
    compare("grid_vs_pytorch", "PyTorch", "pytorch_loop", refuse, arguments(__doc__))
