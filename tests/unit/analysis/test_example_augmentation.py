"""docs/example-augmentation: its words are the report's, its numbers those of its tables."""

import re
from pathlib import Path

import pandas as pd

from analysis import tables
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from common.configuration import read_config
from common.defaults import resolve

EXAMPLE = Path(__file__).parents[3] / "docs" / "example-augmentation"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")


def test_what_it_found_is_what_the_report_says():
    config = resolve(read_config(EXAMPLE / "config.yaml"))
    study = read_study(EXAMPLE / "runs.csv", Settings.from_config(config))
    said = set(tables.compute(study, study.settings)["findings"]["sentence"])
    quoted = re.findall(r"^- (.*)$", README.partition("In the report's own words")[2], re.MULTILINE)
    assert len(quoted) > 10
    assert [sentence for sentence in quoted if sentence not in said] == []


def test_the_table_has_the_means_of_both_replicates():
    doses = ["synonyms", "deletion"]
    runs = pd.read_csv(EXAMPLE / "runs.csv").groupby(doses)[["accuracy", "loss"]].mean()
    copies = pd.read_csv(EXAMPLE / "augmentation.csv")
    copies["words_changed"] = copies["words_replaced"] + copies["words_deleted"]
    shares = ["copies_changed", "words_changed", "baseline_agrees"]
    told = runs.join(copies.groupby(doses)[shares].mean())
    assert len(told) == 9
    for (synonyms, deletion), row in told.iterrows():
        told_of = [f"{row[name]:.1%}".replace("%", " %") for name in shares]
        if synonyms == deletion == 0:
            told_of = ["", "", ""]
        accuracy = f"{row['accuracy']:.1%}".replace("%", " %")
        cells = [f"{synonyms:g}", f"{deletion:g}", *told_of, accuracy, f"{row['loss']:.3f}"]
        assert f"| {' | '.join(cells)} |" in README
