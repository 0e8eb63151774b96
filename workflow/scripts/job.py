"""What every job does around its work: a log, and the user's mistakes told without a traceback.

Imported first, it makes the two packages known to the script.
"""

import errno
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "workflow")]

from common.errors import UserError  # noqa: E402

# What the disk refuses, as opposed to what is wrong in a program.
REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def job(log: str) -> Iterator[Callable[[str], None]]:
    """Sends all that is printed, by C++ too, to the log; yields a function to tell the terminal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the job, within TensorFlow too
    _end_with_snakemake()
    terminal = os.fdopen(os.dup(2), "w")

    def tell(message: str) -> None:
        print(message, file=terminal, flush=True)
        with suppress(OSError):  # a full disk has no room for the log either
            print(message)

    try:
        with Path(log).open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        cast(io.TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
        yield tell
    except UserError as error:
        _fail(str(error), tell, log)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        where = error.filename or f"A file of the study {_logs(log).parent.name}"
        _fail(f"{where}: {error.strerror}. Fix this, then rerun.", tell, log)


def _fail(message: str, tell: Callable[[str], None], log: str) -> None:
    """Tells what went wrong, keeps it for the end of Snakemake's own messages, and ends."""
    tell(f"\nError: {message}\n")
    with suppress(OSError), (_logs(log) / "errors.txt").open("a") as errors:
        errors.write(f"\n{message}\n")
    sys.exit(1)


def _logs(log: str) -> Path:
    """The folder results/<study>/logs of a log, wherever results are."""
    return next(folder for folder in Path(log).parents if folder.name == "logs")


def _end_with_snakemake() -> None:
    """Ends this process soon after the Snakemake that started it, killed for instance.

    Else it would go on beside the same job of the next start.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
