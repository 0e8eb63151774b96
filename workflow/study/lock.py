"""One Snakemake at a time works on a study.

Snakemake's own lock is a file that outlives a killed Snakemake and does not say whether its owner
still runs. This one is an flock: the kernel gives it back however its process ends.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from common.errors import UserError
from common.files import UNFINISHED


def lock_study(folder: Path) -> None:
    """Keeps results/<study> for this process until it ends, and clears what a killed one left.

    Where the file system has no locks, two processes cannot be told apart and nothing is refused.

    Raises:
        UserError: another process has it, or the folder cannot be written.
    """
    path = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # stays open, and locked, to the end
        with suppress(OSError):
            _take(lock, folder)
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        for unfinished in folder.rglob(UNFINISHED):
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"Another Snakemake (process {os.read(lock, 20).decode()}) is working on {folder}. "
            "Wait until it ends, or stop it; nothing was changed."
        ) from None
