"""What every job does around its work: a log, and the user's mistakes told without a traceback.

Imported first, it makes the two packages known to the script.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "workflow")]

from analysis.settings import InputError  # noqa: E402
from finetuning.errors import StudyError  # noqa: E402


@contextmanager
def job(log: str) -> Iterator[Callable[[str], None]]:
    """Sends all that is printed, by C++ too, to the log; yields a function to tell the terminal."""
    terminal = os.fdopen(os.dup(2), "w")
    with Path(log).open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)

    def tell(message: str) -> None:
        print(message, file=terminal, flush=True)
        print(message)

    try:
        yield tell
    except (StudyError, InputError) as error:
        tell(f"\nError: {error}\n")
        sys.exit(1)
