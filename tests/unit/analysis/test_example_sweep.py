"""docs/example-sweep: its command works, and its numbers are those of the simulation it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "example-sweep"


def test_the_command_explains_the_export(tmp_path):
    arguments = "docs/example-sweep/runs.csv --config docs/example-sweep/config.yaml --out"
    assert f"python -m analysis {arguments}" in (EXAMPLE / "README.md").read_text()
    subprocess.run(
        [sys.executable, "-m", "analysis", *arguments.split(), tmp_path], cwd=ROOT, check=True
    )
    assert (tmp_path / "report.pdf").stat().st_size > 100_000
    findings = pd.read_csv(tmp_path / "analysis" / "findings.csv")
    failed = findings.loc[findings["kind"] == "failed", "sentence"].item()
    assert failed.startswith("1 of 48 runs failed")
    # the simulation has it: larger batches are less accurate and sooner done
    conflicts = pd.read_csv(tmp_path / "analysis" / "conflicts.csv")
    row = conflicts.query(
        "term == 'batch_size' and metric_a == 'accuracy' and metric_b == 'runtime'"
    )
    assert row["kind"].item() == "conflict"


def test_the_table_is_what_the_simulation_writes(tmp_path):
    code = re.search(r"```python\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)[1]
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / "runs.csv").read_bytes() == (EXAMPLE / "runs.csv").read_bytes()
