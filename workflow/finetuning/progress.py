"""How far the grid is, and roughly how long it still takes."""

from collections.abc import Iterable
from pathlib import Path

from finetuning.errors import StudyError
from finetuning.files import read_json


def describe(cells: Iterable[Path]) -> str:
    """One line such as "36 of 54 cells done, about 4 minutes left".

    cells: the folders of all cells; those with a timing.json are done. The time left is the mean
    time of a finished cell, divided by the number of jobs that ran at a time.
    """
    cells = list(cells)
    runs = {}  # one training run's cells share the time it started
    for cell in cells:
        try:
            timing = read_json(cell / "timing.json")
        except (FileNotFoundError, StudyError):  # a damaged one is told when all is gathered
            continue
        runs.setdefault((timing["started"], timing["process"]), []).append(timing["finished"])
    done = sum(len(finished) for finished in runs.values())
    if not done:
        return f"0 of {len(cells)} cells done"
    spans = sorted((started, max(finished)) for (started, _), finished in runs.items())
    busy, until = 0.0, 0.0
    for started, finished in spans:  # the length of the union of the spans
        busy += max(0.0, finished - max(started, until))
        until = max(until, finished)
    left = busy / done * (len(cells) - done)
    return f"{done} of {len(cells)} cells done, about {_readable(left)} left"


def _readable(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
