"""Peak memory of a training job: training, its state written, evaluation.

python -m tests.benchmarks.memory results/reviews --out memory.json
"""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.jobs import MODELS, prepare, train
from tests.benchmarks.measuring import PROJECT, line, report
from tests.benchmarks.studies import read_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", type=Path, help="results/<study> of a finished study")
    parser.add_argument("--config", type=Path, default=PROJECT / "config.yaml", help="its config")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--models", choices=MODELS, nargs="+", default=MODELS)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8, help="both lengths are among them")
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
