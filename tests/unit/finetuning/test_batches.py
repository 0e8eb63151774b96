import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finetuning import batches
from finetuning.dataset import Examples


def examples(lengths, padded_lengths=(64,)):
    tokens = np.arange(sum(lengths), dtype=np.int32) + 100
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    labels = (np.arange(len(lengths)) % 2).astype(np.int32)
    rows = np.arange(len(lengths), dtype=np.int32)
    return Examples(tokens, offsets, labels, rows, np.array(padded_lengths, np.int32))


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=300), st.integers(1, 32), st.integers(0, 99)
)
def test_an_epoch_has_every_example_once(lengths, batch_size, seed):
    drawn = batches.draw_epoch(np.array(lengths), batch_size, np.random.default_rng(seed))
    assert sorted(np.concatenate(drawn)) == list(range(len(lengths)))
    assert len(drawn) == -(-len(lengths) // batch_size)
    assert sum(len(batch) < batch_size for batch in drawn) <= 1


def test_epochs_differ_and_seeds_repeat():
    lengths = np.random.default_rng(0).integers(5, 60, 200)
    generator = np.random.default_rng(1)
    first, second = (batches.draw_epoch(lengths, 8, generator) for _ in range(2))
    again = batches.draw_epoch(lengths, 8, np.random.default_rng(1))
    assert [list(b) for b in first] == [list(b) for b in again]
    assert [list(b) for b in first] != [list(b) for b in second]


def test_texts_of_a_batch_have_similar_lengths():
    lengths = np.random.default_rng(0).integers(5, 60, 512)
    drawn = batches.draw_epoch(lengths, 16, np.random.default_rng(1))
    spread = np.mean([np.ptp(lengths[batch]) for batch in drawn])
    assert spread < np.ptp(lengths) / 4


def test_padding_goes_to_the_next_length_and_weighs_nothing():
    batch = batches.pad(examples([3, 5, 2], [4, 8, 16]), np.array([1, 2]), size=4)
    assert batch.tokens.shape == batch.mask.shape == (4, 8)
    assert list(batch.tokens[0]) == [103, 104, 105, 106, 107, 0, 0, 0]
    assert list(batch.mask[1]) == [1, 1, 0, 0, 0, 0, 0, 0]
    assert list(batch.labels[:2]) == [1, 0]
    assert list(batch.weights) == [1, 1, 0, 0]
    # a row that only fills the batch has something to attend to
    assert batch.mask[2:].tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]] * 2


def test_a_text_of_exactly_a_padded_length_is_not_padded():
    for length in (4, 8):
        batch = batches.pad(examples([length, 3], [4, 8]), np.array([0, 1]), size=2)
        assert batch.tokens.shape == (2, length)
