"""A function called on many arguments in several processes at once.

The processes are forked from a server that has imported what they need and does nothing else: a
fork of this process would copy the threads of its libraries in any state, a fresh interpreter would
take as long to import as it takes to draw six figures. They run the main module again, as all
processes but plain forks do, so that a script needs ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

Result = TypeVar("Result")
MOST = 4  # processes beyond which the largest figure decides

_function: Callable[..., Any]  # what a process calls; it gets it once


def available() -> int:
    """How many processes this machine is good for."""
    return min(MOST, os.cpu_count() or 1)


def prepare() -> None:
    """Lets the server import in the background, long before there is anything to draw."""
    forkserver.set_forkserver_preload(["analysis.figures"])
    forkserver.ensure_running()


def starmap(
    function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], processes: int
) -> list[Result]:
    """``[function(*given) for given in arguments]``, by this process or by several others.

    The function is pickled once a process, with all that a ``partial`` binds; so may be large.
    """
    if processes == 1:
        return [function(*given) for given in arguments]
    prepare()
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("forkserver"), _begin, (function,)
    ) as executor:
        return list(executor.map(_call, arguments))


def _begin(function: Callable[..., Any]) -> None:
    global _function
    _function = function
    threadpool_limits(1)  # the processes are as many as there are cores
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for its next call for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(given: tuple[Any, ...]) -> Any:
    return _function(*given)
