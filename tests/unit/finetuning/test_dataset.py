"""Texts as tokens, and the split file."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from finetuning import dataset
from tests.tiny import write_tiny_distilbert


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_tiny_distilbert(tmp_path_factory.mktemp("checkpoint"))


def test_tokens_are_the_tokenizers_without_padding(checkpoint):
    from tokenizers import Tokenizer

    texts = ["The Plot, is WITTY!", "a", "dull dull dull dull dull dull dull dull dull"]
    found = dataset.tokenise(texts, checkpoint, 8)
    assert (found.tokens.dtype, found.offsets.dtype) == (np.int32, np.int64)
    reference = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    reference.enable_truncation(8)
    for number, text in enumerate(texts):
        tokens = found.tokens[found.offsets[number] : found.offsets[number + 1]]
        assert tokens.tolist() == reference.encode(text).ids
    assert np.diff(found.offsets).tolist() == [8, 3, 8]


def test_examples_are_the_chosen_rows_of_the_tokenised_texts(checkpoint):
    texts = pd.DataFrame({"text": ["a", "the dull plot", "witty"], "label": [0, 1, 1]})
    tokenised = dataset.tokenise(texts["text"], checkpoint, 8)
    found = dataset.examples_of(texts, tokenised, np.array([1, 2]), [4, 8])
    assert found.lengths.tolist() == [5, 3] and found.rows.tolist() == [1, 2]
    assert found.labels.tolist() == [1, 1] and found.padded_lengths.tolist() == [4, 8]
    np.testing.assert_array_equal(found.of(1), tokenised.of(2))
    none = dataset.examples_of(texts, tokenised, np.zeros(0, int), [8])
    assert len(none) == 0 and none.offsets.tolist() == [0] and none.tokens.dtype == np.int32


def test_many_texts_are_tokenised_in_parts_to_the_same_tokens(checkpoint, monkeypatch):
    texts = ["a dull plot", "witty", "the film is fresh", "of this"]
    whole = dataset.tokenise(texts, checkpoint, 8)
    monkeypatch.setattr(dataset, "TOKENISED_AT_ONCE", 3)
    parts = dataset.tokenise(texts, checkpoint, 8)
    np.testing.assert_array_equal(parts.tokens, whole.tokens)
    np.testing.assert_array_equal(parts.offsets, whole.offsets)


def test_code_that_comes_with_a_tokenizer_does_not_run(tmp_path, monkeypatch):
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    directory = write_tiny_distilbert(tmp_path / "checkpoint")
    for name in ("tokenizer_config.json", "config.json"):
        settings = json.loads((directory / name).read_text())
        settings["auto_map"] = {"AutoTokenizer": ["custom.Custom", "custom.Custom"]}
        (directory / name).write_text(json.dumps(settings))
    ran = tmp_path / "ran"
    (directory / "custom.py").write_text(
        f"open({str(ran)!r}, 'w')\n"
        "from transformers import DistilBertTokenizer\n"
        "class Custom(DistilBertTokenizer): pass\n"
    )
    assert dataset.tokenise(["a"], directory, 8).lengths.tolist() == [3]
    assert not ran.exists()


def test_an_unreadable_tokenizer_is_refused(tmp_path):
    directory = write_tiny_distilbert(tmp_path)
    (directory / "tokenizer.json").write_text("{")
    with pytest.raises(UserError, match="tokenizer of the checkpoint cannot be read"):
        dataset.tokenise(["a"], directory, 8)


def examples(seed):
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 9, 5)
    return dataset.Examples(
        tokens=draw.integers(0, 99, lengths.sum()).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        labels=draw.integers(0, 2, 5).astype(np.int32),
        rows=np.arange(5, dtype=np.int32),
        padded_lengths=np.array([8], np.int32),
    )


SPLIT = dataset.Split(examples(1), examples(2), examples(3))


def test_a_split_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "data" / "replicate=0.safetensors"
    dataset.write_split(path, SPLIT, {})
    found = dataset.read_split(path)
    for part in dataset.PARTS:
        for name in ("tokens", "offsets", "labels", "rows", "padded_lengths"):
            expected = getattr(getattr(SPLIT, part), name)
            array = getattr(getattr(found, part), name)
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == expected.dtype
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_damaged_split_is_named(tmp_path):
    path = tmp_path / "replicate=0.safetensors"
    dataset.write_split(path, SPLIT, {})
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(UserError, match=r"replicate=0\.safetensors is damaged"):
        dataset.read_split(path)


def test_reading_a_split_imports_nothing_slow(tmp_path):
    path = tmp_path / "split.safetensors"
    dataset.write_split(path, SPLIT, {})
    slow = "transformers pandas sklearn datasets huggingface_hub tokenizers"
    code = (
        "import sys; from finetuning.dataset import read_split; read_split(sys.argv[1]);"
        f"print([name for name in '{slow}'.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("positions", [64, None])
def test_texts_may_be_as_long_as_there_are_positions_and_no_longer(tmp_path, positions):
    directory = write_tiny_distilbert(tmp_path)
    settings = json.loads((directory / "config.json").read_text())
    del settings["max_position_embeddings"]
    given = {} if positions is None else {"max_position_embeddings": positions}
    (directory / "config.json").write_text(json.dumps(settings | given))
    most = positions or 512  # as transformers takes it to be
    assert dataset.tokenise(["a"], directory, most).lengths.tolist() == [3]
    with pytest.raises(UserError, match=f"padded_lengths: {most + 1} is more than .* {most} posi"):
        dataset.tokenise(["a"], directory, most + 1)


def test_examples_follow_others_and_are_taken_by_position():
    one, other = examples(1), examples(2)
    both = one.followed_by(other)
    assert len(both) == 10 and both.lengths.tolist() == [*one.lengths, *other.lengths]
    taken = both.take(np.array([7, 0, 7]))
    for position, row in enumerate((7, 0, 7)):
        np.testing.assert_array_equal(taken.of(position), both.of(row))
        np.testing.assert_array_equal(both.of(row), other.of(2) if row == 7 else one.of(0))
    assert taken.labels.tolist() == both.labels[[7, 0, 7]].tolist()
    assert taken.rows.tolist() == [2, 0, 2]
    assert len(both.take(np.zeros(0, int))) == 0
