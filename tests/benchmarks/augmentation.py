"""How fast copies of training texts are made.

    python -m tests.benchmarks.augmentation --out augmentation.json

For synonyms, insertion and deletion, the processor time of one core for sentences of 25 words at a
rate of 0.1, and the process's peak memory. For back translation, reviews of ten such sentences a
second by apertium (which has to be installed), with so many cores and as many processes: apertium
is several programs in a row, so that one process of it can use two cores. The words are those of
the embedded source's sentences, in their order.
"""

import itertools
import os
import resource
import time
from dataclasses import replace

from common.hyperparameters import Copies
from finetuning.augmentation import wordnet
from finetuning.augmentation.operators import Identity, changed
from finetuning.augmentation.settings import Settings
from finetuning.augmentation.thesaurus import Thesaurus
from finetuning.augmentation.translation import translated_back
from finetuning.sources import embedded
from tests.benchmarks.measuring import line, report
from tests.benchmarks.options import parser

WORDS, SENTENCES, RATE = 25, 10, 0.1
SHOWN = 100_000  # sentences that the table tells the time of
NONE = Copies(0.0, 0.0, 0.0, 0.0, 1)
CONFIG = {
    "seed": 1,
    "embedded": {
        "baseline_films": 0.5,
        "baseline_examples": None,
        "padded_lengths": [24],
        "threads": 1,
        "baseline": {},
    },
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sentences", type=int, default=SHOWN)
    options.add_argument("--reviews", type=int, default=400)
    options.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    asked = options.parse_args()
    words = itertools.cycle(" ".join(embedded.read_sentences(CONFIG)["text"]).split())
    sentences = [" ".join(itertools.islice(words, WORDS)) for _ in range(asked.sentences)]
    files = wordnet.read_files("benchmark")
    thesaurus = Thesaurus(wordnet.senses(files), wordnet.exceptions(files))
    seconds = {
        method: seconds_of(replace(NONE, **{method: RATE}), sentences, thesaurus)
        for method in ("synonyms", "insertion", "deletion")
    }
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    reviews = [
        " ".join(sentences[SENTENCES * number : SENTENCES * (number + 1)])
        for number in range(asked.reviews)
    ]
    translated = {number: seconds_translating(reviews, number) for number in asked.cores}
    table = [
        *(
            line(
                f"{SHOWN:,} sentences: {method}, rate {RATE}",
                each * SHOWN / len(sentences),
                None,
                "s",
            )
            for method, each in seconds.items()
        ),
        line("peak memory of the process", memory, None, "MB"),
        *(
            line(
                f"back translation, cores: {number}, against {asked.cores[0]}",
                len(reviews) / each,
                len(reviews) / translated[asked.cores[0]],
                "reviews/s",
            )
            for number, each in translated.items()
        ),
    ]
    measured = {"processor_seconds": seconds, "seconds_translating": translated, "memory": memory}
    settings = {"sentences": asked.sentences, "reviews": len(reviews), "rate": RATE}
    report(asked.out, "augmentation", settings, table, measured)


def seconds_of(copies: Copies, sentences: list[str], thesaurus: Thesaurus) -> float:
    """Processor time of changing every sentence."""
    started = time.process_time()
    for row, sentence in enumerate(sentences):
        changed(sentence, copies, Identity(1, 0, row, 0), thesaurus)
    return time.process_time() - started


def seconds_translating(reviews: list[str], cores: int) -> float:
    """Time that passes while reviews are translated back by so many processes on as many cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    started = time.monotonic()
    translated_back(reviews, Settings(translator_processes=cores))
    seconds = time.monotonic() - started
    os.sched_setaffinity(0, allowed)
    return seconds


if __name__ == "__main__":
    main()
