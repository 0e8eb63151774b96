"""From the start of a training job's process to its first training step done.

    python -m tests.benchmarks.startup results/reviews --out startup.json

One job alone and two starting together, each with an empty cache of compiled programs and with
the programs in it. Where two start together, the slower one counts.
"""

import tempfile
from pathlib import Path

from tests.benchmarks.jobs import prepare, train
from tests.benchmarks.measuring import line, median, report
from tests.benchmarks.options import job_parser
from tests.benchmarks.studies import read_study


def first_step(measured: list[dict]) -> float:
    return max(job["steps"][0]["done"] - job["started"] for job in measured)


def breakdown(job: dict) -> dict[str, float]:
    """Seconds of each part, up to the first step of the second padded length."""
    parts, before = {}, job["started"]
    for name, stamp in job["stamps"].items():
        parts[name], before = stamp - before, stamp
    first, *later = job["steps"]
    parts[f"gradients of the first length ({first['length']})"] = first["gradients"]
    parts["AdamW, first time"] = first["seconds"] - first["gradients"]
    for step in later:
        if step["length"] != first["length"]:
            parts[f"gradients of the second length ({step['length']})"] = step["gradients"]
            break
    return parts


def main() -> None:
    asked = job_parser(__doc__, batch_size=16, threads=1, rounds=5).parse_args()

    study = read_study(asked.study, asked.config)
    measured: dict[str, list[list[dict]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = prepare(asked.model, study, folder)
        for number in range(asked.rounds):
            for jobs in (1, 2):
                cache = folder / f"cache {number} {jobs}"
                for kind in ("cold", "warm"):
                    name = f"{'two jobs' if jobs == 2 else 'one job'}, {kind} cache"
                    print(f"round {number + 1}: {name} …", flush=True)
                    done = train(
                        folder, *model, asked.batch_size, asked.threads, 12, jobs=jobs, cache=cache
                    )
                    measured.setdefault(name, []).append(done)
    table = []
    for name, rounds in measured.items():
        seconds = median([first_step(jobs) for jobs in rounds])
        table.append(line(f"{name}: to the end of the first step", seconds, None, "s"))
    for name in ("one job, warm cache", "two jobs, warm cache"):
        parts = [breakdown(max(jobs, key=lambda j: first_step([j]))) for jobs in measured[name]]
        for part in parts[0]:
            found = [p[part] for p in parts if part in p]
            table.append(line(f"{name}: {part}", median(found), None, "s"))
    settings = {
        "model": asked.model,
        "batch_size": asked.batch_size,
        "threads_per_job": asked.threads,
        "rounds": asked.rounds,
    }
    report(asked.out, "startup", settings, table, measured)


if __name__ == "__main__":
    main()
