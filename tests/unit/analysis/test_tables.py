import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import reference
import yaml

from analysis.tables import TABLES, compute, read_tables, write
from tests.documented import columns as documented_columns

ROOT = Path(__file__).parents[3]


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(reference.CONFIG))
    return path


def test_tables_are_written_whole_and_read_back(tmp_path):
    tables = compute(reference.study(), reference.settings())
    write(tables, tmp_path / "one")
    write(tables, tmp_path / "two")
    for name in tables:
        one, two = (tmp_path / folder / f"{name}.csv" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        f"{name}.csv" for name in tables
    )
    read = read_tables(tmp_path / "one")
    pd.testing.assert_frame_equal(
        read["coefficients"], tables["coefficients"].reset_index(drop=True), rtol=1e-14
    )
    assert list(read["notes"].columns) == ["topic", "sentence"]


def test_every_table_is_documented_with_its_columns():
    settings = reference.settings(bootstrap=100)
    tables = compute(reference.study(), settings)
    documented = documented_columns(settings.factor_names, settings.metric_names)
    assert [table.name for table in TABLES] == list(tables)
    for name, table in tables.items():
        assert documented[f"{name}.csv"] == list(table.columns), name
    others = {
        "runs.csv",
        "histories.csv",
        "augmentation.csv",
        "augmentation_examples.csv",
        "plan.csv",
    }
    assert documented.keys() == {f"{name}.csv" for name in tables} | others


def test_the_command_writes_tables_figures_and_report(tmp_path, config):
    done = command(
        reference.REFERENCE / "splitplot_balanced.csv", "--out", tmp_path, "--config", config
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "analysis" / "coefficients.csv")
    row = table.query(
        "metric == 'loss' and framing == 'relative' and estimator == 'ols' and term == 'intercept'"
    )
    expected = reference.answers("splitplot_balanced")["loss"]["relative"]["ols"][0]
    assert row["estimate"].item() == pytest.approx(expected["estimate"], rel=1e-8)
    assert done.stdout == f"{tmp_path / 'report.pdf'}\n"
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert list((tmp_path / "figures").glob("*.svg"))


def test_a_mistake_is_told_in_one_line(tmp_path, config):
    wrong = tmp_path / "runs.csv"
    table = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv", dtype=str)
    table.loc[3, "loss"] = "low"
    table.to_csv(wrong, index=False)
    done = command(wrong, "--out", tmp_path / "out", "--config", config)
    assert done.returncode == 2
    assert done.stderr == (
        "error: Column loss, row 4 (line 5 of the file): 'low' is not a number.\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "not YAML"), ("just words", "not a mapping"), ("factors: {a: {}}", "analysis")],
)
def test_a_config_that_is_none_is_refused(tmp_path, text, words):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    done = command("runs.csv", "--out", tmp_path / "out", "--config", path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_analysis_imports_no_tensorflow_and_no_training():
    code = (
        "import sys, analysis.command; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'finetuning')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
