"""What a run with augmentation trains on."""

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from finetuning.augmentation.copied import Copied, read_copied, training_sets, write_copied
from finetuning.dataset import Examples
from finetuning.tally import Tally


def examples(*texts, rows=None):
    rows = list(range(len(texts))) if rows is None else rows
    return Examples(
        np.concatenate([np.zeros(0, np.int32), *map(np.int32, texts)]),
        np.cumsum([0, *map(len, texts)]),
        np.int32([row % 2 for row in rows]),
        np.int32(rows),
        np.int32([4]),
    )


def texts_of(these):
    return [these.of(at).tolist() for at in range(len(these))]


TRAINING = examples([1], [2, 2], [3])
COPIES = examples([10], [20], [30], [11, 11], [21], [31], rows=[0, 1, 2] * 2)


def copied(*usable):
    usable = np.array(usable, bool)
    return Copied(COPIES, usable, usable, usable[:3], usable)


ALL = copied(1, 1, 1, 1, 1, 1)


def test_without_copies_it_trains_on_the_texts():
    (only,) = training_sets(TRAINING, None, "append")
    assert only is TRAINING


def test_append_adds_every_copy():
    (only,) = training_sets(TRAINING, ALL, "append")
    assert texts_of(only) == [[1], [2, 2], [3], [10], [20], [30], [11, 11], [21], [31]]
    assert only.labels.tolist() == [0, 1, 0] * 3
    assert only.rows.tolist() == [0, 1, 2] * 3


def test_replace_takes_one_copy_of_each_text_in_turn():
    first, second = training_sets(TRAINING, ALL, "replace")
    assert texts_of(first) == [[10], [20], [30]]
    assert texts_of(second) == [[11, 11], [21], [31]]
    assert first.labels.tolist() == second.labels.tolist() == [0, 1, 0]


def test_a_text_stands_in_for_a_copy_that_is_not_usable():
    some = copied(1, 0, 1, 0, 1, 1)
    first, second = training_sets(TRAINING, some, "replace")
    assert texts_of(first) == [[10], [2, 2], [30]]
    assert texts_of(second) == [[1], [21], [31]]
    (only,) = training_sets(TRAINING, some, "append")
    assert texts_of(only)[3:5] == [[10], [2, 2]]


def test_copies_are_read_as_written_and_damage_is_told(tmp_path):
    path = tmp_path / "copies.safetensors"
    write_copied(path, copied(1, 0, 1, 0, 1, 1), {"a": 1})
    found = read_copied(path, {"a": 1})
    assert texts_of(found.examples) == texts_of(COPIES)
    assert found.usable.tolist() == [True, False, True, False, True, True]
    with pytest.raises(UserError, match="made with other settings"):
        read_copied(path, {"a": 2})


@pytest.mark.parametrize("only_agreeing", [False, True])
def test_the_baseline_judges_copies_and_may_decide(
    keras, tiny_checkpoint, monkeypatch, tmp_path, only_agreeing
):
    from finetuning.augmentation import judging

    given = [0, 1, 1], [0, 1, 0, 1, 1, 1]  # labels of the texts, then of the copies
    logits = iter([np.eye(2)[labels] for labels in given])
    monkeypatch.setattr(judging, "predict_logits", lambda predictor, examples: next(logits))
    held_out = [True, False, False, False, False, False]
    copies = pd.DataFrame(
        {"text": ["the film", "!", "film", "is", "plot", "in"], "held_out": held_out}
    )
    training = examples([1], [2, 2], [3])
    tally = Tally(tmp_path / "job.log")
    found = judging.judged(tiny_checkpoint, training, copies, only_agreeing, tally)
    assert found.examples.rows.tolist() == [0, 1, 2] * 2
    assert found.examples.labels.tolist() == [0, 1, 0] * 2
    assert found.examples.lengths.tolist() == [4, 3, 3, 3, 3, 3]
    assert found.agrees.tolist() == [True, True, False, False, True, True]
    assert found.right.tolist() == [True, True, False]
    assert found.copy_right.tolist() == [True, True, True, False, True, False]
    agreeing = [False, True, False, False, True, True]
    assert found.usable.tolist() == (agreeing if only_agreeing else [not out for out in held_out])
