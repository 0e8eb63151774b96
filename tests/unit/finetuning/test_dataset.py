"""Draws of training and evaluation sets, tokens, and the split file."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from finetuning import dataset
from tests.tiny import write_tiny_distilbert


def frame(labels, groups=None, part="study"):
    return pd.DataFrame(
        {
            "text": [f"text {row}" for row in range(len(labels))],
            "label": labels,
            "group": "" if groups is None else groups,
            "part": part,
        }
    )


def config(training, evaluation, seed=1, validation=0):
    sizes = {"training": training + validation, "validation": validation, "evaluation": evaluation}
    return {"seed": seed, "data": {f"{part}_examples": size for part, size in sizes.items()}}


@settings(deadline=None, max_examples=150)
@given(
    labels=st.lists(st.integers(0, 3), min_size=4, max_size=80),
    group_size=st.integers(0, 6),
    training=st.integers(1, 40),
    validation=st.sampled_from([0, 0, 1, 8]),
    evaluation=st.integers(1, 40),
    divided=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_every_draw_keeps_its_promises(
    labels, group_size, training, validation, evaluation, divided, seed
):
    rows = np.arange(len(labels))
    groups = [f"group {row // group_size}" for row in rows] if group_size else None
    part = np.where(rows % 2, "study_training", "study_evaluation") if divided else "study"
    texts = frame(labels, groups, part)
    try:
        sizes = config(training, evaluation, seed, validation)
        drawn = dataset.draw_split(texts, sizes, 0)
    except UserError as error:
        assert "data" in str(error)
        # Without groups and a validation set there are only two reasons to refuse.
        if not group_size and not validation:
            pools = [labels[1::2], labels[::2]] if divided else [labels, labels]
            too_few = (not divided and training + evaluation > len(labels)) or any(
                len(pool) < size for pool, size in zip(pools, (training, evaluation), strict=True)
            )
            assert too_few or "holds one class only" in str(error)
        return
    for found, size in zip(drawn, (training, validation, evaluation), strict=True):
        assert len(found) == size == len(set(found.tolist()))
        assert found.dtype == np.int32
        assert np.all(np.diff(found) > 0)
        assert size == 0 or texts["label"].iloc[found].nunique() > 1
    for one, other in itertools.combinations(drawn, 2):
        assert not set(one) & set(other)
        if group_size:
            assert not set(texts["group"].iloc[one]) & set(texts["group"].iloc[other])
    if divided:
        assert set(texts["part"].iloc[[*drawn[0], *drawn[1]]]) == {"study_training"}
        assert set(texts["part"].iloc[drawn[2]]) == {"study_evaluation"}
    again = dataset.draw_split(texts, sizes, 0)
    assert all(map(np.array_equal, drawn, again))


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=100).map(np.array),
    share=st.floats(0, 1),
)
def test_a_stratified_draw_is_within_one_of_every_quota(labels, share):
    size = round(share * len(labels))
    found = dataset.stratified_draw(labels, size, np.random.default_rng(0))
    assert len(found) == size == len(set(found.tolist()))
    for label in np.unique(labels):
        quota = np.mean(labels == label) * size
        assert abs(np.sum(labels[found] == label) - quota) < 1


def test_the_baselines_texts_are_never_drawn():
    texts = frame([0, 1] * 20, part=["baseline", "baseline", "study", "study"] * 10)
    drawn = dataset.draw_split(texts, config(8, 8, validation=4), 0)
    assert set(texts["part"].iloc[np.concatenate(drawn)]) == {"study"}


def test_replicates_and_seeds_draw_anew():
    texts = frame([0, 1] * 50)
    draws = [
        tuple(dataset.draw_split(texts, config(20, 20, seed), replicate)[0])
        for seed in (1, 2)
        for replicate in (0, 1)
    ]
    assert len(set(draws)) == 4


def test_groups_across_given_splits_are_not_divided():
    texts = frame(
        [0, 1] * 12,
        groups=["shared"] * 8 + ["other"] * 4 + ["own"] * 12,
        part=["study_evaluation"] * 12 + ["study_training"] * 12,
    )
    texts.loc[20:, "group"] = "shared"
    training, _, _ = dataset.draw_split(texts, config(6, 10), 0)
    assert "shared" not in set(texts["group"].iloc[training])


def test_groups_that_cannot_be_divided_are_refused():
    texts = frame([0, 1] * 10, groups=["one"] * 16 + ["two"] * 4)
    with pytest.raises(UserError, match="the 2 groups cannot be divided"):
        dataset.draw_split(texts, config(10, 8), 0)


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
