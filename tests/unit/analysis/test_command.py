"""Where `python -m analysis` may write."""

import os
import subprocess
import sys

import pytest
import reference
import yaml

from analysis import command
from common.lock import lock
from finetuning.files import write_digests
from study.overwriting import keep_configuration


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command with its results written by a stand-in; returns its exit code."""
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(reference.CONFIG))
    table = reference.REFERENCE / "splitplot_balanced.csv"

    def write_all(study, out):
        (out / "report.pdf").write_text("new")

    monkeypatch.setattr(command, "write_all", write_all)
    out = tmp_path / "out"
    return lambda: command.main([str(table), "--config", str(config), "--out", str(out)])


@pytest.mark.parametrize("sealed", ["analysis", "figures"])
def test_results_that_snakemake_made_are_not_overwritten(run, tmp_path, capsys, sealed):
    out = tmp_path / "out"
    (out / sealed).mkdir(parents=True)
    (out / sealed / "table.csv").write_text("old")
    write_digests(out / sealed, made_with={})
    (out / "report.pdf").write_text("old")
    assert run() == 2
    said = capsys.readouterr().err
    assert "is the folder of a study that Snakemake makes" in said
    assert "Choose another folder" in said
    assert (out / "report.pdf").read_text() == "old"


def test_the_file_of_a_study_is_read_with_what_it_leaves_out(run, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("study: mine\nanalysis: {metrics: {unheard_of: {}}}\n")
    assert run() == 2
    assert "analysis.metrics.unheard_of.better" in capsys.readouterr().err  # factors were there
    (tmp_path / "config.yaml").write_text("analysis: {metrics: {accuracy: {}}}\n")
    assert run() == 2
    assert "factors: missing from the config" in capsys.readouterr().err


def test_a_study_that_snakemake_has_begun_is_not_written_into(run, tmp_path, capsys):
    keep_configuration(tmp_path / "out", {})
    assert run() == 2
    assert "is the folder of a study that Snakemake makes" in capsys.readouterr().err
    assert not (tmp_path / "out" / "report.pdf").exists()


def test_what_the_command_made_it_may_make_anew(run, tmp_path):
    assert run() == run() == 0
    assert (tmp_path / "out" / "report.pdf").read_text() == "new"


def test_of_two_writers_to_a_folder_the_second_is_refused(run, tmp_path, capsys):
    program = f"""
import sys; sys.path[:0] = {sys.path!r}
from pathlib import Path
from common.lock import lock
lock(Path({str(tmp_path / "out")!r}))
print("held", flush=True)
sys.stdin.read()
"""
    other = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    assert run() == 2
    assert f"Another process ({other.pid}) is working on" in capsys.readouterr().err
    assert not (tmp_path / "out" / "report.pdf").exists()
    other.communicate()
    assert run() == 0


def test_a_lock_is_given_back_and_clears_what_a_killed_writer_left(tmp_path):
    unfinished = tmp_path / "analysis" / ".cells.csv.0123.part"
    unfinished.parent.mkdir()
    unfinished.touch()
    os.close(lock(tmp_path))
    os.close(lock(tmp_path))
    assert not unfinished.exists()
