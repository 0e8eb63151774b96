"""Peak memory of a training job: training, its state written, evaluation.

python -m tests.benchmarks.memory results/reviews --out memory.json
"""

import tempfile
from pathlib import Path

from tests.benchmarks.jobs import prepare, train
from tests.benchmarks.measuring import line, report
from tests.benchmarks.options import MODELS, study_parser
from tests.benchmarks.studies import read_study


def main() -> None:
    # Eight steps are an epoch of the default study: every padded length is among them.
    parser = study_parser(__doc__, batch_size=32, threads=1, steps=8)
    parser.add_argument("--models", choices=MODELS, nargs="+", default=MODELS, help="default: all")
    asked = parser.parse_args()

    study = read_study(asked.study, asked.config)
    measured, table = {}, []
    for model in asked.models:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            checkpoint_and_split = prepare(model, study, folder)
            for cache in ("cold", "warm"):
                print(f"{model} model, {cache} cache …", flush=True)
                (job,) = train(
                    folder,
                    *checkpoint_and_split,
                    asked.batch_size,
                    asked.threads,
                    asked.steps,
                    evaluates=True,
                    cache=folder / "cache",
                )
                name = f"{model} model, batch {asked.batch_size}, {cache} cache: peak memory"
                measured[name] = job["peak_memory_mb"]
                table.append(line(name, job["peak_memory_mb"], None, "MB"))
    settings = {"batch_size": asked.batch_size, "threads": asked.threads, "steps": asked.steps}
    report(asked.out, "memory", settings, table, measured)


if __name__ == "__main__":
    main()
