"""Calls of one function in several processes at once.

The processes are forked from a server that has imported what they need and does nothing else: a
fork of this process would copy the threads of its libraries in any state, a fresh interpreter would
take as long to import as it takes to draw six figures. They run the main module again, as all
processes but plain forks do, so that a script needs ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import forkserver
from typing import Any

from threadpoolctl import threadpool_limits

MOST = 4  # processes beyond which the largest figure decides

_function: Callable[..., Any]  # what this process calls; it got it once


def available() -> int:
    """How many processes this machine is good for."""
    return min(MOST, os.cpu_count() or 1)


def prepare() -> None:
    """Lets the server import in the background, long before there is anything to draw."""
    forkserver.set_forkserver_preload(["analysis.figures"])
    forkserver.ensure_running()


class Calls:
    """Calls of a function by this process or, where there are several, by others.

    The function is pickled once a process, with all that a ``partial`` binds; so may be large.
    """

    def __init__(self, function: Callable[..., Any], processes: int) -> None:
        self._function, self._executor = function, None
        if processes > 1:
            prepare()
            context = multiprocessing.get_context("forkserver")
            self._executor = ProcessPoolExecutor(processes, context, _begin, (function,))

    def start(self, *given: Any) -> Future[Any]:
        """Calls the function, now or as soon as a process is free."""
        if self._executor is not None:
            return self._executor.submit(_call, given)
        done: Future[Any] = Future()
        done.set_result(self._function(*given))
        return done

    def __enter__(self) -> Calls:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


def _begin(function: Callable[..., Any]) -> None:
    global _function
    _function = function
    threadpool_limits(1)  # the processes are as many as there are cores
    # What was imported is never garbage, and figures leave little: looking for it each time that a
    # few hundred objects were made takes a seventh of the time in which they are drawn.
    gc.freeze()
    gc.set_threshold(50_000)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for its next call for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(given: tuple[Any, ...]) -> Any:
    return _function(*given)
