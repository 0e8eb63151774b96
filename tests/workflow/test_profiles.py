"""The profiles of clusters, and file times that a copy has mixed up."""

import os
import subprocess

import numpy as np
import pytest

from tests.workflow.conftest import PROJECT, snakemake


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_snakemake_knows_every_option_and_plans_the_study(new_study, profile):
    folder = PROJECT / "workflow" / "profiles" / profile
    plan = snakemake(new_study, "--profile", str(folder), "--dry-run", "--forceall")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert "finetune_trajectory" in plan.stdout


def test_files_of_one_time_are_no_reason_to_run_anything(copy):
    """What docs/cluster.md says to do where a copy has mixed up the modification times."""
    files = list((copy / "results").rglob("*"))
    random = np.random.default_rng(1)
    for path in files:
        time = 1.7e9 + random.integers(1_000_000)
        os.utime(path, (time, time))
    assert "finetune_trajectory" in snakemake(copy, "-n").stdout
    command = 'find results/tiny -exec touch --date="@$(date +%s)" {} +'
    assert command in (PROJECT / "docs" / "cluster.md").read_text().replace("reviews", "tiny")
    subprocess.run(command, shell=True, cwd=copy, check=True)
    assert "Nothing to be done" in snakemake(copy, "-n").stdout
