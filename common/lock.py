"""One process at a time writes to a folder of results.

Snakemake's own lock is a file that outlives a killed Snakemake and does not say whether its owner
still runs. This one is an flock: the kernel gives it back however its process ends.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from common.errors import UserError
from common.files import UNFINISHED


def lock(folder: Path) -> int:
    """Keeps a folder for this process, and clears what a killed one left in it.

    Where the file system has no locks, two processes cannot be told apart and nothing is refused.

    Returns:
        A file descriptor; the folder is free again when it is closed or the process ends.

    Raises:
        UserError: another process has it, or the folder cannot be written.
    """
    path = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with suppress(OSError):
            _take(held, folder)
        os.ftruncate(held, 0)
        os.write(held, str(os.getpid()).encode())
        for unfinished in folder.rglob(UNFINISHED):
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
    return held


def _take(held: int, folder: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        process = os.read(held, 20).decode()
        os.close(held)
        raise UserError(
            f"Another process ({process}) is working on {folder}. Wait until it ends, or stop it; "
            "nothing was changed."
        ) from None
