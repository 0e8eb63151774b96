"""What a training job of the real size takes: 66 million parameters, 256 tokens a text.

    python -m tests.benchmarks.full_size --out full_size.json

Makes a checkpoint with DistilBERT's sizes and random weights, and texts that all fill 256 tokens;
trains one run of two cells by the project's own Snakefile, with no compiled program in the cache;
tells what was measured, and what follows from it. Takes 6 minutes on an idle machine and, on disk,
2 GB in the temporary folder. See docs/full-size.md.
"""

import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.benchmarks.measuring import line, report, run
from tests.benchmarks.options import parser
from tests.benchmarks.studies import snakemake
from tests.tiny import NOUNS, VOCABULARY, whole_config, write_tiny_distilbert

WORDS, TOKENS, BATCH = 30_522, 256, 16
STEPS = 10  # of an epoch; the run has two
EVALUATED = 64
REVIEWS = 25_000  # in each of IMDB's two halves
# The shape of the study that the project starts from, in two replicates.
LEARNING_RATES, BATCH_SIZES, EPOCHS, REPLICATES = 3, 3, 3, 2
CORES = (2, 16, 64)


def main() -> None:
    asked = parser(__doc__, threads=1).parse_args()
    threads = asked.threads
    with tempfile.TemporaryDirectory() as directory:
        first, second = train_two_epochs(Path(directory), threads)
    measured = rates(first, second)
    hours = {cores: study_hours(measured, cores // threads) for cores in CORES}
    reviews = imdb(measured)
    table = [
        line("a step", measured["seconds_a_step"], None, "s"),
        line("training", measured["training_tokens_a_second"], None, "tokens/s"),
        line("evaluation", measured["evaluation_tokens_a_second"], None, "tokens/s"),
        line(
            "longer first epoch, nothing compiled before", measured["start_up_seconds"], None, "s"
        ),
        line("peak memory", measured["peak_memory_mb"], None, "MB"),
        line("an epoch of IMDB's reviews", reviews["hours_an_epoch"], None, "h"),
        line("an evaluation on IMDB's reviews", reviews["hours_an_evaluation"], None, "h"),
    ]
    for cores, study in hours.items():
        what = f"a study on {cores} cores (estimate), epochs shared, against not"
        table.append(line(what, study["shared"], study["unshared"], "h"))
    raw = {"timing": [first, second], "study_hours": hours}
    report(asked.out, "full_size", {"threads": threads}, table, raw)


def train_two_epochs(folder: Path, threads: int) -> tuple[dict, dict]:
    """Trains one run of two epochs; gives what timing.json says after each of them."""
    write_inputs(folder, STEPS * BATCH + EVALUATED, TOKENS)
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(threads), sort_keys=False))

    cells = [
        f"results/tiny/cells/learning_rate=1e-05/epochs={epochs}/replicate=0" for epochs in (1, 2)
    ]
    targets = [f"{cell}/metrics.json" for cell in cells]
    command = snakemake("--cores", str(os.cpu_count()), *targets)
    run(command, folder, XDG_CACHE_HOME=str(folder / "cache"))
    first, second = (json.loads((folder / cell / "timing.json").read_text()) for cell in cells)
    return first, second


def write_inputs(folder: Path, texts: int, tokens: int) -> None:
    """A checkpoint with DistilBERT's sizes and random weights, and texts of so many tokens."""
    fillers = [f"filler{number}" for number in range(WORDS - len(VOCABULARY))]
    write_tiny_distilbert(
        folder / "checkpoint",
        layers=6,
        dim=768,
        heads=12,
        vocabulary=[*VOCABULARY, *fillers],
        positions=512,
    )
    draw = np.random.default_rng(0)
    rows = {
        "text": [" ".join(draw.choice(NOUNS, tokens)) for _ in range(texts)],
        "label": ["negative", "positive"] * (texts // 2),
    }
    pd.DataFrame(rows).to_csv(folder / "texts.csv", index=False)


def configuration(threads: int) -> dict:
    """One batch size, two learning rates of which one is trained, and two epochs."""
    config = whole_config()
    del config["factors"]["batch_size"]
    config["factors"]["learning_rate"]["levels"] = [1e-5, 3e-5]
    config["factors"]["epochs"]["levels"] = [1, 2]
    config["hub"] |= {"dataset": "texts.csv", "group_column": None, "padded_lengths": [TOKENS]}
    config["data"] |= {"training_examples": STEPS * BATCH, "evaluation_examples": EVALUATED}
    config["training"] |= {"batch_size": BATCH, "threads": threads}
    config["analysis"]["formula"] = "learning_rate + epochs"
    return config


def rates(first: dict, second: dict) -> dict:
    """What the two epochs took: the second needs no start-up, the first does besides."""
    epoch = second["seconds"] - first["seconds"]
    evaluation = second["finished"] - first["finished"] - epoch
    return {
        "seconds_a_step": round(epoch / STEPS, 2),
        "training_tokens_a_second": round(STEPS * BATCH * TOKENS / epoch),
        "evaluation_tokens_a_second": round(EVALUATED * TOKENS / evaluation),
        "start_up_seconds": round(first["seconds"] - epoch, 1),
        "peak_memory_mb": second["peak_memory_mb"],
    }


def imdb(measured: dict) -> dict:
    """Hours of one epoch on, and of one evaluation on, IMDB's reviews, were all 256 tokens long."""
    tokens = REVIEWS * TOKENS / 3600
    return {
        "hours_an_epoch": round(tokens / measured["training_tokens_a_second"], 2),
        "hours_an_evaluation": round(tokens / measured["evaluation_tokens_a_second"], 2),
    }


def study_hours(measured: dict, jobs_at_a_time: int) -> dict:
    """An estimate: rounds of jobs, each as fast as the one measured.

    Shared, a run of three epochs delivers the cells of one and two; unshared, each cell is a run.
    """
    hours = imdb(measured)
    settings = LEARNING_RATES * BATCH_SIZES * REPLICATES
    longest = EPOCHS * (hours["hours_an_epoch"] + hours["hours_an_evaluation"])
    rounds = math.ceil(settings / jobs_at_a_time)
    epochs = settings * sum(range(1, EPOCHS + 1))
    evaluations = settings * EPOCHS
    work = epochs * hours["hours_an_epoch"] + evaluations * hours["hours_an_evaluation"]
    unshared = max(longest, work / min(jobs_at_a_time, evaluations))
    return {"shared": round(rounds * longest, 1), "unshared": round(unshared, 1)}


if __name__ == "__main__":
    main()
