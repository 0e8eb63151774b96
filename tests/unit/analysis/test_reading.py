"""What lies beside a table of runs is read whole or refused in one message."""

import json

import pytest
import reference

from analysis.runs import reading
from common.errors import UserError

HISTORIES = "trajectory,epoch,training_loss,accuracy\n1,0.5,0.7,\n1,1,0.6,0.8\n"


def refusal(read, path, content, *arguments):
    path.write_text(content)
    with pytest.raises(UserError) as refused:
        read(path, *arguments)
    return str(refused.value)


def test_a_trajectory_is_a_text_also_where_it_is_a_number(tmp_path):
    path = tmp_path / "histories.csv"
    path.write_text(HISTORIES)
    table = reading.histories(path, reference.settings())
    assert table["trajectory"].tolist() == ["1", "1"]
    assert table["accuracy"].isna().tolist() == [True, False]


def test_the_infinite_loss_of_a_diverged_run_is_left_out(tmp_path):
    path = tmp_path / "histories.csv"
    path.write_text(HISTORIES.replace("0.6", "inf"))
    table = reading.histories(path, reference.settings())
    assert table["training_loss"].isna().tolist() == [False, True]


def test_without_files_there_is_nothing_beside(tmp_path):
    assert reading.histories(tmp_path / "histories.csv", reference.settings()).empty
    assert reading.provenance(tmp_path / "provenance.json") == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("training_loss", "train_loss", "no column training_loss"),
        ("0.6", "much", "Column training_loss, row 2 (line 3 of the file): 'much' is not a number"),
        ("0.8", "inf", "Column accuracy, row 2 (line 3 of the file): an infinite value"),
        ("0.7,", "0.7", "line 2: 3 fields, but the header has 4"),
    ],
)
def test_a_history_that_cannot_be_drawn_is_refused(tmp_path, old, new, told):
    content = HISTORIES.replace(old, new, 1)
    path = tmp_path / "histories.csv"
    message = refusal(reading.histories, path, content, reference.settings())
    assert told in message and str(path) in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "provenance.json: not a mapping of keys to values."),
        ({"source": 3}, "provenance.json, 'source': not a mapping of keys to values."),
        ({"source": {"labels": "ab"}}, "'source', 'labels': not a list."),
        ({"seeds": {"0": {"order": []}}}, "'seeds', '0', 'order': not a text or a number."),
        ({"computed_with": [{}, 1]}, "'computed_with', item 2: not a mapping"),
        ({"settings": ["full"]}, "'settings': not a mapping"),
        ({"design": {"fixed": {"dropout": float("nan")}}}, "not JSON"),
        ({"study": "\ud800"}, "not JSON"),
    ],
)
def test_a_record_that_the_report_could_not_tell_is_refused(tmp_path, content, told):
    path = tmp_path / "provenance.json"
    assert told in refusal(reading.provenance, path, json.dumps(content))
