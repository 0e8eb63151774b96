"""How much memory a job needs, from the sizes of what it trains.

The parts are what a job holds at its peak: the gradients of a step are being computed while those
of the step before are still there, and the state is written. Buffers of all padded lengths count:
memory that one program has freed is seldom what the next can use. docs/full-size.md has the
measurements that the constants come from, of float32 on a processor; bfloat16 needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from finetuning.architecture import Architecture
from finetuning.batches import ROWS

MB = 2**20
NUMBER = 4  # bytes
RUNTIME = 1160  # MB: the interpreter, TensorFlow, Keras, compiling
# Numbers that a layer keeps of a token for the way back: in hidden sizes, and for each head and
# token that it looks at. Without a way back, only the layer under way has any.
HIDDEN, ATTENTION = 13.7, 9.57


@dataclass(frozen=True)
class Memory:
    """The parts of a job's peak, in MB (2**20 bytes).

    gradients: of two steps; optimizer: AdamW's two moments; activations: with attention; best: the
    weights that early stopping keeps; state: the copy that is written of weights and moments.
    """

    runtime: float
    weights: float
    gradients: float = 0
    optimizer: float = 0
    activations: float = 0
    best: float = 0
    state: float = 0

    @property
    def total(self) -> int:
        """All of them."""
        return round(sum(getattr(self, part.name) for part in fields(self)))


def training_memory(
    architecture: Architecture, batch_size: int, lengths: Sequence[int], keeps_best: bool = False
) -> Memory:
    """What training needs at most.

    lengths: the padded lengths. keeps_best: whether early stopping keeps the best epoch's weights.
    """
    weights = NUMBER * architecture.parameters / MB
    best = weights if keeps_best else 0
    return Memory(
        RUNTIME,
        weights,
        gradients=2 * weights,
        optimizer=2 * weights,
        activations=architecture.layers * _of_a_layer(architecture, batch_size, lengths),
        best=best,
        state=3 * weights + best,
    )


def evaluation_memory(architecture: Architecture, lengths: Sequence[int]) -> Memory:
    """What evaluating a checkpoint as it is needs at most."""
    weights = NUMBER * architecture.parameters / MB
    return Memory(RUNTIME, weights, activations=_of_a_layer(architecture, ROWS, lengths))


def _of_a_layer(architecture: Architecture, rows: int, lengths: Sequence[int]) -> float:
    """Activations of one layer for a batch of each length."""
    kept = sum(
        length * (HIDDEN * architecture.dim + ATTENTION * architecture.heads * length)
        for length in lengths
    )
    return NUMBER * rows * kept / MB
