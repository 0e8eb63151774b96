"""Kills at random moments, and starting again: the results are those of an undisturbed run.

A few kills as part of the suite; KILLS=50 (make interruption) takes half an hour.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.tiny import whole_config, write_tiny_distilbert, write_tiny_sentences
from tests.workflow.conftest import PROJECT, snakemake

KILLS = int(os.environ.get("KILLS", "3"))
MEASURED = ("seconds", "peak_memory_mb")  # columns of runs.csv that differ from time to time
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
COMMAND += ["--configfile", "config.yaml", "--cores", "4"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A study of four training runs and eight cells, of which nothing was run."""
    study = tmp_path_factory.mktemp("small") / "study"
    write_tiny_distilbert(study / "checkpoint")
    write_tiny_sentences(study / "sentences.csv", films=24)
    config = whole_config()
    config["factors"]["epochs"]["levels"] = [1, 2]
    del config["factors"]["batch_size"]
    config["training"] |= {"batch_size": 8, "save_state_seconds": 0}
    config["analysis"]["formula"] = "learning_rate + epochs"
    (study / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return study


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    """What the study comes to if nobody disturbs it."""
    study = tmp_path_factory.mktemp("undisturbed") / "study"
    shutil.copytree(small, study)
    done = snakemake(study, "--cores", "4")
    assert done.returncode == 0, done.stderr
    return outcome(study)


def outcome(study):
    """The bytes of every result that does not depend on what time it took."""
    results = study / "results" / "tiny"
    files = {
        path.relative_to(results).as_posix(): path.read_bytes()
        for folder in ("baseline", "cells", "data", "pretrained")
        for path in (results / folder).rglob("*")
        if path.is_file() and path.name != "timing.json"
    }
    for name in ("source.json", "histories.csv", "analysis/coefficients.csv"):
        files[name] = (results / name).read_bytes()
    files["runs.csv"] = pd.read_csv(results / "runs.csv").drop(columns=[*MEASURED]).to_csv()
    return files


def start(study):
    """Snakemake in a process group of its own, as a terminal starts it.

    It hears Ctrl-C also where these tests were started in the background, which does not.
    """
    with (study / "told.txt").open("wb") as told:
        return subprocess.Popen(
            COMMAND,
            cwd=study,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def jobs(process):
    """Processes of the jobs that a Snakemake runs."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return [int(pid) for pid in listed.stdout.split() if "scripts/tmp" in command_of(pid)]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def kill(process, kind, draw):
    """Kills everything, Snakemake alone, or one of its jobs. Returns whether something was."""
    if process.poll() is not None:
        return False
    if kind == "a job":
        running = jobs(process)
        if not running:
            return False
        os.kill(draw.choice(running), signal.SIGKILL)
        process.wait()  # for the jobs beside it
    elif kind == "Snakemake":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def test_after_kills_the_results_are_those_of_an_undisturbed_run(small, undisturbed, tmp_path):
    draw = random.Random(KILLS)
    study = tmp_path / "study"
    shutil.copytree(small, study)
    killed, finished = [], 0
    kinds = ("everything", "Snakemake", "a job")
    while len(killed) < KILLS or not finished:
        process = start(study)
        if len(killed) < KILLS:
            kind = kinds[len(killed) % 3]
            moment = draw.uniform(2, 40)
            deadline = time.monotonic() + moment
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.05)
            if kill(process, kind, draw):
                killed.append((kind, round(moment, 1)))
                print(f"kill {len(killed)}: {kind} after {moment:.1f} s", flush=True)
                continue
        assert process.wait() == 0, (killed, (study / "told.txt").read_text())
        assert outcome(study) == undisturbed, killed
        results = study / "results" / "tiny"
        assert not [*results.rglob(".*.part")]
        assert not [path for path in (results / "states").rglob("*") if path.is_file()]
        assert "Nothing to be done" in snakemake(study, "-n").stdout
        finished += 1
        if len(killed) < KILLS:
            shutil.rmtree(study / "results")
            shutil.rmtree(study / ".snakemake")
    print(f"{len(killed)} kills, {finished} times finished")


def test_ctrl_c_stops_soon_and_says_how_to_go_on(small, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(small, study)
    process = start(study)
    while not jobs(process) or "Fine-tuning" not in (study / "told.txt").read_text():
        time.sleep(0.2)
        assert process.poll() is None, (study / "told.txt").read_text()
    running = jobs(process)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=10)
    assert "Run the same command again" in (study / "told.txt").read_text()
    assert not any("scripts/tmp" in command_of(pid) for pid in running)


def test_an_orphaned_job_ends_soon_after_its_snakemake(small, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(small, study)
    process = start(study)
    while not jobs(process):
        time.sleep(0.2)
    orphans = jobs(process)
    process.kill()
    process.wait()
    ends = time.monotonic() + 60  # so long only where other work keeps the machine busy
    while any("scripts/tmp" in command_of(pid) for pid in orphans):
        assert time.monotonic() < ends
        time.sleep(0.2)


def test_a_second_snakemake_on_the_same_study_is_refused(small, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(small, study)
    first = start(study)
    try:
        while not (study / "results" / "tiny" / ".lock").exists():
            time.sleep(0.1)
        second = snakemake(study, "--cores", "1")
        assert second.returncode != 0
        assert f"Another process ({first.pid}) is working on results/tiny" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
