"""Which examples make up which batch, and how a batch is padded.

Texts of similar length share a batch, so that little is padded. Make-up and order of the batches
depend on the lengths and the seed alone.
"""

from dataclasses import dataclass

import numpy as np

from finetuning.dataset import Examples

POOL = 8  # batches drawn together and sorted by length: short enough to keep them random
ROWS = 32  # texts evaluated at once


@dataclass(frozen=True)
class Batch:
    """One padded batch.

    tokens and mask have shape (rows, length); labels and weights (rows,). Rows with weight 0 fill
    the last batch up to its full size, so that no further shape has to be compiled.
    """

    tokens: np.ndarray
    mask: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def draw_epoch(lengths: np.ndarray, batch_size: int, generator: np.random.Generator) -> list:
    """The batches of one epoch: arrays of example numbers, every example once.

    lengths: tokens of each example, shape (examples,).
    """
    order = generator.permutation(len(lengths))
    pool = POOL * batch_size
    pools = [order[start : start + pool] for start in range(0, len(order), pool)]
    batches = [
        batch
        for p in pools
        for batch in in_order(p[np.argsort(lengths[p], kind="stable")], batch_size)
    ]
    return [batches[i] for i in generator.permutation(len(batches))]


def in_order(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Consecutive rows cut into batches; the last one may be smaller."""
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


def pad(examples: Examples, rows: np.ndarray, size: int) -> Batch:
    """The examples of the given rows, padded to the next padded length and to size rows."""
    lengths = examples.lengths[rows]
    length = next(p for p in examples.padded_lengths if p >= lengths.max())
    tokens = np.zeros((size, length), np.int32)
    mask = np.zeros((size, length), np.int32)
    for i, row in enumerate(rows):
        tokens[i, : lengths[i]] = examples.tokens[examples.offsets[row] : examples.offsets[row + 1]]
        mask[i, : lengths[i]] = 1
    mask[len(rows) :, 0] = 1  # attention over nothing is not a number
    labels = np.zeros(size, np.int32)
    labels[: len(rows)] = examples.labels[rows]
    weights = np.zeros(size, np.float32)
    weights[: len(rows)] = 1
    return Batch(tokens, mask, labels, weights)
