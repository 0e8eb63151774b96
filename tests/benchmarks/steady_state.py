"""Training throughput of one cell, after its first steps, against PyTorch on the same batches.

    python -m tests.benchmarks.steady_state results/reviews --model embedded --out steady_state.json

Both sides train in processes of their own, in turn, with the same number of threads, on the arrays
that finetuning/batches.py draws. The first two steps of each padded length do not count.

Operations of a step: three times those of the forward pass's matrix products, that is for each
(padded) token 2 (4 d^2 + 2 d h) + 4 L d a layer, and 2 (d^2 + d classes) a text, where d is the
hidden size, h the feed-forward size and L the padded length. The peak is the fastest product of two
square matrices that either library was seen to compute with as many threads.
"""

import json
import os
import tempfile
from pathlib import Path

from finetuning.architecture import Architecture
from tests.benchmarks.jobs import prepare, seconds_per_example, steady, tokens_per_second, train
from tests.benchmarks.measuring import line, median, paired, report
from tests.benchmarks.options import job_parser
from tests.benchmarks.studies import read_study


def operations(step: dict, config: dict) -> float:
    """Floating-point operations of a training step: the formula above."""
    length = step["length"]
    return 3 * step["padded"] / length * Architecture.of(config).operations(length)


def gflops(steps: list[dict], config: dict) -> float:
    return sum(operations(s, config) for s in steps) / sum(s["seconds"] for s in steps) / 1e9


def main() -> None:
    parser = job_parser(__doc__, steps=32, rounds=3, threads=os.cpu_count())
    parser.add_argument(
        "--batch-sizes", type=int, nargs="+", default=[8, 16, 32], help="default: 8 16 32"
    )
    asked = parser.parse_args()

    study = read_study(asked.study, asked.config)
    raw, table = {}, []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        checkpoint, split = prepare(asked.model, study, folder)
        config = json.loads((checkpoint / "config.json").read_text())
        for batch_size in asked.batch_sizes:
            common = (folder, checkpoint, split, batch_size, asked.threads, asked.steps)
            rounds = []
            for number in range(asked.rounds):
                print(f"batch size {batch_size}, round {number + 1} …", flush=True)
                (ours,) = train(*common, evaluates=True)
                (theirs,) = train(*common, worker="pytorch_job")
                if [s["tokens"] for s in ours["steps"]] != [s["tokens"] for s in theirs["steps"]]:
                    raise SystemExit("the two sides were not trained on the same batches")
                rounds.append({"ours": ours, "theirs": theirs})
            raw[f"batch_size={batch_size}"] = rounds
            table += summarise(asked.model, batch_size, rounds, config)
    settings = {
        "model": asked.model,
        "threads": asked.threads,
        "steps": asked.steps,
        "rounds": asked.rounds,
        "operations_formula": "3 (tokens layers (2 (4 d^2 + 2 d h) + 4 L d) + texts 2 (d^2 + d k))",
    }
    report(asked.out, f"steady_state_{asked.model}", settings, table, raw)


def summarise(model: str, batch_size: int, rounds: list[dict], config: dict) -> list[dict]:
    """Lines of the table for a batch size: medians over the rounds, ratios of paired rounds."""
    what = f"{model} model, batch {batch_size}"
    steps = {side: [steady(r[side]["steps"]) for r in rounds] for side in ("ours", "theirs")}
    speeds = {side: [tokens_per_second(s) for s in steps[side]] for side in steps}
    peak = max(r[side]["peak_gflops"] for r in rounds for side in steps)
    shares = {side: [gflops(s, config) / peak for s in steps[side]] for side in steps}
    ours = [r["ours"] for r in rounds]
    training = [1000 * seconds_per_example(each["steps"], each["epoch"]) for each in ours]
    evaluation = [1000 * each["evaluation_seconds"] for each in ours]
    return [
        paired(f"{what}: training", speeds["ours"], speeds["theirs"], "tokens/s"),
        line(
            f"{what}: share of {peak:.0f} GFLOP/s",
            median(shares["ours"]),
            median(shares["theirs"]),
            "",
            ratio=False,
        ),
        paired(f"{what}: an example evaluated, against one trained", evaluation, training, "ms"),
    ]


if __name__ == "__main__":
    main()
