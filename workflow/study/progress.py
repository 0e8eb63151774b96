"""How far the grid is, and roughly how long it still takes."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from common.errors import UserError
from finetuning.files import read_json

LATEST = 100  # cells that the time left is told by: reading all, after each job, would be quadratic


def describe(cells: Iterable[Path]) -> str:
    """One line such as "36 of 54 cells done, about 4 minutes left".

    cells: the folders of all cells; those with a timing.json are done. The time left is the mean
    time of the latest finished cells, divided by the number of jobs that ran at a time.
    """
    cells = list(cells)
    written = []
    for cell in cells:
        with suppress(FileNotFoundError):
            written.append(((cell / "timing.json").stat().st_mtime_ns, cell))
    # One training run's cells share the time it started.
    runs: dict[tuple[float, int], list[float]] = {}
    for _, cell in sorted(written)[-LATEST:]:
        with suppress(FileNotFoundError, UserError):  # a damaged one is told when all is gathered
            timing = read_json(cell / "timing.json")
            runs.setdefault((timing["started"], timing["process"]), []).append(timing["finished"])
    if not runs:
        return f"{len(written)} of {len(cells)} cells done"
    spans = sorted((started, max(finished)) for (started, _), finished in runs.items())
    busy, until = 0.0, 0.0
    for started, finished in spans:  # the length of the union of the spans
        busy += max(0.0, finished - max(started, until))
        until = max(until, finished)
    mean = busy / sum(map(len, runs.values()))
    left = mean * (len(cells) - len(written))
    return f"{len(written)} of {len(cells)} cells done, about {_readable(left)} left"


def _readable(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
