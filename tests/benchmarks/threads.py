"""How many jobs with how many threads each train the most tokens in a second, all of them together.

    python -m tests.benchmarks.threads results/reviews --out threads.json

Equal jobs wait for each other after their first steps, when everything is compiled, and then train
the same number of steps. The time is that from their waiting to the last one's end.
"""

import tempfile
from pathlib import Path

from tests.benchmarks.jobs import prepare, train
from tests.benchmarks.measuring import line, median, paired, report
from tests.benchmarks.options import job_parser
from tests.benchmarks.studies import read_study

WARM_STEPS = 16  # an epoch of the default study: every padded length is among them


def throughput(measured: list[dict]) -> float:
    """Tokens without padding a second, of all jobs together."""
    tokens = sum(s["tokens"] for job in measured for s in job["steps"][WARM_STEPS:])
    ready = min(job["stamps"]["all jobs are ready"] for job in measured)
    return tokens / (max(job["steps"][-1]["done"] for job in measured) - ready)


def jobs_and_threads(text: str) -> tuple[int, int]:
    jobs, threads = text.split("x")
    return int(jobs), int(threads)


def main() -> None:
    parser = job_parser(__doc__, batch_size=16, steps=48, rounds=3)
    parser.add_argument(
        "--jobs",
        type=jobs_and_threads,
        nargs="+",
        default=[(1, 2), (2, 1), (4, 1)],
        metavar="JOBSxTHREADS",
        help="default: 1x2 2x1 4x1; the others are compared with the first",
    )
    asked = parser.parse_args()

    study = read_study(asked.study, asked.config)
    measured: dict[str, list[list[dict]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = prepare(asked.model, study, folder)
        for number in range(asked.rounds):
            for jobs, threads in asked.jobs:
                name = f"{jobs} × {threads}"
                print(f"round {number + 1}: jobs × threads {name} …", flush=True)
                steps = WARM_STEPS + asked.steps
                done = train(
                    folder,
                    *model,
                    asked.batch_size,
                    threads,
                    steps,
                    jobs=jobs,
                    together_from=WARM_STEPS,
                )
                measured.setdefault(name, []).append(done)
    speeds = {name: [throughput(jobs) for jobs in rounds] for name, rounds in measured.items()}
    (first, base), *others = speeds.items()
    table = [line(f"jobs × threads {first}", median(base), None, "tokens/s")]
    for name, found in others:
        table.append(paired(f"jobs × threads {name}, against {first}", found, base, "tokens/s"))
    settings = {
        "model": asked.model,
        "batch_size": asked.batch_size,
        "steps": asked.steps,
        "rounds": asked.rounds,
    }
    report(asked.out, "threads", settings, table, measured)


if __name__ == "__main__":
    main()
