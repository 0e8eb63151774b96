"""What is heard of a study while its jobs compute: a live line on a terminal, else one a minute.

Jobs keep tallies beside their logs; a thread of Snakemake's main process looks at them. So it works
wherever the logs can be seen, on a cluster too.
"""

import atexit
import logging
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from finetuning.tally import read_count, tally_path
from study.work import PASSES, Task

EVERY = 60  # seconds between lines where there is no terminal
SAYING = 200  # the share of all passes after which their rate says how long the rest takes: 1/200
LOOK, LOOK_LIVE = 10, 2  # seconds between looks without a terminal and on one


@dataclass(frozen=True)
class State:
    """How far a study's tasks are.

    running: how many are under way; tokens: trained on since they were first looked at; passes: as
    in `Task`; seconds: when it was looked, by the monotonic clock.
    """

    cells: int
    steps: int
    passes: int
    tokens: int
    running: int
    seconds: float


class Watch:
    """Looks at the tasks of a study."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.steps, self.cells = sum(t.steps for t in tasks), sum(t.cells for t in tasks)
        self.passes = sum(task.passes for task in tasks)
        self.finished: list[Task] = []
        self.unfinished = list(tasks)
        self.tokens: dict[Task, tuple[int, int]] = {}  # of a running task: at first, at last
        self.first: State | None = None  # of a task under way, from which rates are taken

    def look(self) -> State:
        """How far they are now."""
        done = [task for task in self.unfinished if task.done.exists()]
        self.finished += done
        self.unfinished = [task for task in self.unfinished if task not in done]
        counts = []
        for task in self.unfinished:
            try:
                count = read_count(tally_path(task.log))
            except FileNotFoundError:
                continue
            counts.append(count)
            before, _ = self.tokens.get(task, (count.tokens, 0))
            self.tokens[task] = before, count.tokens
        state = State(
            sum(task.cells for task in self.finished),
            sum(t.steps for t in self.finished) + sum(count.steps for count in counts),
            sum(t.passes for t in self.finished)
            + sum(PASSES * count.trained + count.evaluated for count in counts),
            sum(last - before for before, last in self.tokens.values()),
            len(counts),
            time.monotonic(),
        )
        if self.first is None and counts:
            self.first = state
        return state

    def describe(self, state: State) -> str:
        """Cells and steps done of all, tokens a second, and about how long the rest will take."""
        parts = [
            f"{state.cells} of {self.cells} cells",
            f"{state.steps:,} of {self.steps:,} training steps",
        ]
        if self.first is None:
            return ", ".join(parts)
        seconds, passes = state.seconds - self.first.seconds, state.passes - self.first.passes
        if state.tokens and seconds:
            parts.append(f"{state.tokens / seconds:,.0f} tokens/s")
        if passes > self.passes / SAYING:
            left = seconds * max(self.passes - state.passes, 0) / passes
            parts.append(f"about {readable(left)} left")
        elif state.running and not passes:
            parts.append(f"{state.running} {'job' if state.running == 1 else 'jobs'} starting")
        return ", ".join(parts)


def show(watch: Watch, stream: TextIO = sys.stderr) -> None:
    """Starts to say how far the tasks are, until this process ends."""
    console = Console(file=stream)
    display = _live if console.is_terminal and not console.is_dumb_terminal else _line_by_line
    threading.Thread(target=display, args=(watch, console), daemon=True).start()


def _line_by_line(watch: Watch, console: Console) -> None:
    said = float("-inf")
    while watch.unfinished:
        state = watch.look()
        if state.running and state.seconds - said >= EVERY:
            print(f"Progress: {watch.describe(state)}", file=console.file, flush=True)
            said = state.seconds
        time.sleep(LOOK)


def _live(watch: Watch, console: Console) -> None:
    """Keeps one line at the foot of the terminal; what Snakemake says goes above it."""
    with Live(console=console, auto_refresh=False, redirect_stderr=True) as live:
        atexit.register(live.stop)  # gives the cursor back
        for handler in logging.getLogger("snakemake.logging").handlers:
            if getattr(handler, "stream", None) is console.file:
                handler.setStream(sys.stderr)  # type: ignore[attr-defined]  # as redirected
        while watch.unfinished:
            state = watch.look()
            line = Table.grid(padding=(0, 1))
            bar = ProgressBar(total=watch.passes, completed=state.passes, width=20)
            line.add_row(bar, watch.describe(state))
            live.update(line, refresh=True)
            time.sleep(LOOK_LIVE)


def readable(seconds: float) -> str:
    """A duration as it is said."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
