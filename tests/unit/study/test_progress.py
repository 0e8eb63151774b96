import io
import json
from dataclasses import asdict

import pytest
from rich.console import Console

from finetuning.tally import Count, tally_path
from study import progress
from study.progress import Watch, readable
from study.work import Task


def task(folder, number):
    """Two epochs of 80 examples in batches of 8, then 60 examples evaluated twice."""
    log, done = folder / f"{number}.log", folder / f"{number}.done"
    return Task(log, done, cells=2, batch_size=8, epochs=2, steps=20, trained=160, evaluated=120)


def count(task, *numbers):
    tally_path(task.log).write_text(json.dumps(asdict(Count(*numbers))))


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def sleep(self, seconds):
            self.now += seconds

    found = Clock()
    monkeypatch.setattr(progress.time, "monotonic", lambda: found.now)
    monkeypatch.setattr(progress.time, "sleep", found.sleep)
    return found


def test_all_runs_are_told_together(tmp_path, clock):
    tasks = [task(tmp_path, number) for number in range(3)]
    watch = Watch(tasks)

    def told():
        return watch.describe(watch.look())

    assert told() == "0 of 6 cells, 0 of 60 training steps"
    count(tasks[0])
    count(tasks[1])
    assert told() == "0 of 6 cells, 0 of 60 training steps, 2 jobs starting"
    clock.now = 100
    count(tasks[0], 20, 160, 900, 120)  # all of its 600 passes
    count(tasks[1], 10, 80, 450, 60)  # half of them
    assert told() == ("0 of 6 cells, 30 of 60 training steps, 14 tokens/s, about 2 minutes left")
    tasks[0].done.touch()
    tally_path(tasks[0].log).unlink()
    assert told() == ("2 of 6 cells, 30 of 60 training steps, 14 tokens/s, about 2 minutes left")


def test_what_was_done_before_counts_for_no_rate(tmp_path, clock):
    tasks = [task(tmp_path, number) for number in range(2)]
    tasks[0].done.touch()
    count(tasks[1], 10, 80, 450, 60)  # gone on with
    watch = Watch(tasks)
    watch.look()
    clock.now = 50
    count(tasks[1], 15, 120, 700, 60)
    told = watch.describe(watch.look())
    assert told == "2 of 4 cells, 35 of 40 training steps, 5 tokens/s, about 75 seconds left"


def test_without_a_terminal_there_is_a_line_at_the_start_and_one_a_minute(tmp_path, clock):
    run = task(tmp_path, 0)
    watch = Watch([run])
    look, lines = watch.look, io.StringIO()

    def playing():
        """A run that starts after 30 seconds and takes three minutes."""
        if clock.now >= 30:
            count(run, 1, 8, 50)
        if clock.now >= 210:
            run.done.touch()
        return look()

    watch.look = playing
    progress._line_by_line(watch, Console(file=lines))
    said = lines.getvalue().splitlines()
    assert len(said) == 3
    assert all(line.startswith("Progress: 0 of 2 cells, 1 of 20 training steps") for line in said)


def test_on_a_terminal_one_line_is_kept_and_snakemake_writes_above_it(tmp_path, clock):
    run = task(tmp_path, 0)
    watch = Watch([run])
    count(run, 1, 8, 50)
    look, screen = watch.look, io.StringIO()

    def ending():
        state = look()
        run.done.touch()
        return state

    watch.look = ending
    console = Console(file=screen, force_terminal=True, width=100, legacy_windows=False)
    progress._live(watch, console)
    assert "1 of 20 training steps" in screen.getvalue()
    assert "\x1b[2K" in screen.getvalue()  # the line is taken away and written again
    assert screen.getvalue().endswith("\x1b[?25h")  # and the cursor given back


@pytest.mark.parametrize(
    ("seconds", "said"), [(75, "75 seconds"), (600, "10 minutes"), (9000, "2.5 hours")]
)
def test_durations_are_said_in_the_unit_that_suits(seconds, said):
    assert readable(seconds) == said
