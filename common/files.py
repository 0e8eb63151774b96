"""Files appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DIGESTS = "digests.json"  # in a folder that the workflow sealed
STARTED_WITH = "started_with.json"  # in the folder of a study that the workflow started
UNFINISHED = ".*.part"  # what a killed job can leave of the files it was writing


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside path; what is written there takes path's place at the end.

    The name is used once: jobs of two starts may write the same file, on two machines even.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # else a crash of the machine can leave the name without bytes
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # writing to a full disk does not say where
        raise
    finally:
        temporary.unlink(missing_ok=True)
