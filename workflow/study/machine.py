"""What this machine has to give: memory, and how fast it multiplies matrices."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from common.errors import UserError
from finetuning.files import read_json, write_json
from finetuning.runtime import instruction_set, user_cache

MB = 2**20
# Of a control group, by its version: its limit, what it uses, and what of it can be dropped.
GROUP_FILES = {
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    "": ("memory.max", "memory.current", "inactive_file"),
}
MAPPED = 4600  # MB of address space that TensorFlow takes and never fills
MATRIX = 512  # rows: a product takes milliseconds, so that some run undisturbed on a busy machine
MEASURED_SECONDS = 2


@dataclass(frozen=True)
class Machine:
    """cores: processors that may be used; rate: operations a second of one, in matrix products."""

    cores: int
    rate: float


def this_machine() -> Machine:
    """The machine that this process runs on."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return Machine(len(allowed) or os.cpu_count() or 1, core_rate())


def available_memory() -> int:
    """Memory that training runs can have, in MB (2**20 bytes).

    The least of what is free, what control groups leave (of a container, a service or a job of a
    cluster), and the limit of address space (`ulimit -v`). Raises UserError where that cannot be
    read.
    """
    try:
        free = [psutil.virtual_memory().available, *_left_in_groups()]
    except (OSError, ValueError, psutil.Error) as error:
        raise UserError(
            f"The memory of this machine cannot be read ({error}). Say how much may be used: "
            "--resources mem_mb=8000"
        ) from error
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        free.append(address_space - MAPPED * MB)
    return max(0, min(free)) // MB


def _left_in_groups(root: Path = Path("/")) -> Iterator[int]:
    """Bytes that each control group of this process with a limit, and those above it, leave."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in GROUP_FILES:
            continue
        limit, used, droppable = GROUP_FILES[controllers]
        mount = root / "sys/fs/cgroup" / controllers
        group = mount / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(mount) and (folder / limit).exists():
                allowed = (folder / limit).read_text().strip()
                if allowed != "max":
                    stat = dict(map(str.split, (folder / "memory.stat").read_text().splitlines()))
                    taken = int((folder / used).read_text()) - int(stat[droppable])
                    yield int(allowed) - taken


def core_rate() -> float:
    """Operations a second of one core in products of float32 matrices, the fastest of many.

    Measured once for each kind of processor, then read from the user's cache.
    """
    kept = user_cache() / "core_rate.json"
    known = {"processor": _processor(), "matrix": MATRIX}
    try:
        found = read_json(kept)
        if {key: found[key] for key in known} == known:
            return float(found["operations_a_second"])
    except (OSError, UserError, KeyError):
        pass  # not yet measured, or damaged
    rate = _measure_core()
    with suppress(OSError):  # without a cache it is measured each time
        write_json(kept, known | {"operations_a_second": rate})
    return rate


def _measure_core() -> float:
    one = np.ones((MATRIX, MATRIX), np.float32)
    product = np.empty_like(one)
    fastest = float("inf")
    with threadpool_limits(1):
        until = time.monotonic() + MEASURED_SECONDS
        while fastest == float("inf") or time.monotonic() < until:
            started = time.perf_counter()
            np.matmul(one, one, out=product)
            fastest = min(fastest, time.perf_counter() - started)
    return 2 * MATRIX**3 / fastest


def _processor() -> str:
    """Its name and instruction set."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    name = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")
    return f"{name} {instruction_set()}".strip()
