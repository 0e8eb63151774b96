"""What the findings and the report say of augmentation."""

from dataclasses import replace

import pandas as pd
import pytest
from made import made_study

from analysis import report, tables
from analysis.findings.augmentation import about_augmentation
from analysis.preparation import read_study, study_of
from analysis.report.augmentation import augmentation
from analysis.report.content import Content
from analysis.runs.reading import AUGMENTATION
from analysis.runs.settings import Settings
from common.errors import UserError
from tests.documented import columns as documented_columns

CONFIG = {
    "factors": {"synonyms": {}, "deletion": {}},
    "analysis": {
        "metrics": {"accuracy": {"better": "higher", "unit": "points"}},
        "degree": 1,
        "bootstrap": 100,
        "equivalence": {"accuracy": 0.02},
    },
}
SETTINGS = Settings.from_config(CONFIG)
WAYS = [(s, d) for s in (0, 0.1, 0.3) for d in (0, 0.1, 0.3)]


def runs_of(**more):
    rows = [
        {"synonyms": s, "deletion": d, "replicate": r, "trajectory": f"{s} {d} {r}", "status": "ok",
         "accuracy": 0.8 - 0.1 * s + 0.002 * r + 0.001 * ((5 * i + r) % 3), **more}
        for i, (s, d) in enumerate(WAYS)
        for r in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def augmentation_of(**more):
    row = dict.fromkeys(AUGMENTATION, 0.25) | {"augmented_copies": 1, "held_out": 0, "used": 1.0}
    ways = [{"synonyms": s, "deletion": d} for s, d in WAYS if s or d]
    return pd.DataFrame(
        [row | {"insertion": 0, "back_translation": 0} | way | more for way in ways]
    )


def examples_of(table):
    text = {"label": "positive", "text": "a good film", "copy": "a full movie", "used": True}
    return table[[*AUGMENTATION[:5]]].assign(**text)


def study(fixed=None, **more):
    found = study_of(
        runs_of(), SETTINGS, provenance={"design": {"fixed": fixed or {}}, "study": "example"}
    )
    table = augmentation_of(**more)
    return replace(found, augmentation=table, augmentation_examples=examples_of(table))


def sentences(these):
    computed = tables.compute(these, these.settings)
    found = about_augmentation(computed, these, these.settings)
    return {(each.kind, each.about): each for each in found}


def test_nothing_is_said_without_augmentation():
    bare, settings = made_study(lambda a, b: a)
    assert list(about_augmentation({}, bare, settings)) == []
    content = Content({"findings": pd.DataFrame()}, bare, settings, pd.DataFrame())
    assert augmentation(content) == []


def test_appended_copies_are_confounded_with_longer_training():
    found = sentences(study())
    assert ("same_length", "") not in found
    assert "has 2 times the training steps" in found["training_length", ""].sentence
    assert (
        "cannot be told apart from that of longer training" in found["training_length", ""].sentence
    )
    assert "4 times" in sentences(study(augmented_copies=3))["training_length", ""].sentence


def test_doses_are_compared_at_one_length_where_every_run_has_copies():
    every_run = {"back_translation": 0.5}
    found = sentences(study(every_run))["training_length", ""].sentence
    assert "doses are compared at one length of training" in found
    assert "each has 2 times the training steps that its texts alone would take" in found
    without = sentences(study({"insertion": 0.0}))["training_length", ""].sentence
    assert "of one without" in without


def test_replaced_texts_are_not():
    found = sentences(study({"augmentation": "replace"}))
    assert ("training_length", "") not in found
    assert "as many training steps" in found["same_length", ""].sentence


def test_each_dose_is_compared_with_none():
    found = sentences(study())
    dose = found["dose", "synonyms"]
    assert dose.significant
    assert dose.sentence.startswith("Accuracy against no synonyms: −1.000 points at 0.1 (−1.0")
    assert "−3.00 points at 0.3 (−3.0" in dose.sentence
    assert "95 % intervals that hold together" in dose.sentence
    assert not found["dose", "deletion"].significant


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "No copy is the same as an evaluation or validation text."),
        ({"held_out": 0, "used": 0.9}, "10.0 % of the copies were not trained on"),
        ({"held_out": 1, "used": 0.5}, "8 copies had become the same as"),
    ],
)
def test_copies_that_were_not_used_are_counted(more, told):
    assert told in sentences(study(**more))["unused", ""].sentence


def test_the_report_has_a_section_with_examples(tmp_path):
    these = study()
    computed = tables.compute(these, these.settings)
    content = Content(computed, these, these.settings, pd.DataFrame())
    blocks = augmentation(content)
    of_ways, of_examples = (each for each in blocks if each["type"] == "table")
    assert len(of_ways["rows"]) == 8
    assert of_ways["rows"][-1][0] == "synonyms 0.3, deletion 0.3"
    assert of_examples["rows"] == [["positive", "a good film", "a full movie"]]
    (tmp_path / "figures").mkdir()
    report.write(computed, these, these.settings, tmp_path / "figures", tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def test_what_lies_beside_the_runs_is_read_and_has_the_documented_columns(tmp_path):
    runs_of().to_csv(tmp_path / "runs.csv", index=False)
    table = augmentation_of()
    table.to_csv(tmp_path / "augmentation.csv", index=False)
    examples_of(table).to_csv(tmp_path / "augmentation_examples.csv", index=False)
    found = read_study(tmp_path / "runs.csv", SETTINGS)
    assert len(found.augmentation) == len(found.augmentation_examples) == 8
    documented = documented_columns([], [])
    assert {*AUGMENTATION} <= {*documented["augmentation.csv"]}
    assert {*found.augmentation_examples} == {*documented["augmentation_examples.csv"]}
    table.drop(columns="used").to_csv(tmp_path / "augmentation.csv", index=False)
    with pytest.raises(UserError, match=r"augmentation\.csv: there is no column used"):
        read_study(tmp_path / "runs.csv", SETTINGS)
    table.astype(str).assign(used="most").to_csv(tmp_path / "augmentation.csv", index=False)
    with pytest.raises(UserError, match=r"augmentation\.csv: .*most"):
        read_study(tmp_path / "runs.csv", SETTINGS)
