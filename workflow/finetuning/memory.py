"""How much memory a job needs, from the sizes of what it trains.

The parts follow from what a job holds at its peak (docs/full-size.md has them measured): a step's
gradients have just been computed and the state is being written. The constants are those of
TensorFlow's programs on a processor, in float32; computing in bfloat16 needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from finetuning.architecture import Architecture
from finetuning.batches import ROWS

MB = 2**20
NUMBER = 4  # bytes
RUNTIME = 800  # MB: the interpreter, TensorFlow, Keras
PROGRAM = 105  # MB for each padded length: its two programs, compiled
TRAINED = 28  # numbers of the hidden size that a layer keeps of a token for the way back
ATTENTION = 6  # numbers that it keeps for each head and pair of tokens
EVALUATED = 8, 3  # the same of the forward pass alone, for one layer at a time


@dataclass(frozen=True)
class Memory:
    """The parts of a job's peak, in MB (2**20 bytes).

    weights: with their gradients; optimizer: AdamW's two moments; activations: of a batch, with
    its attention; state: the copy that is written.
    """

    runtime: float
    programs: float
    weights: float
    optimizer: float
    activations: float
    state: float

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
    trained = _activations(architecture, batch_size, lengths[-1], TRAINED, ATTENTION)
    evaluated = _activations(architecture, ROWS, lengths[-1], *EVALUATED) / architecture.layers
    return Memory(
        runtime=RUNTIME,
        programs=PROGRAM * len(lengths),
        weights=(2 + keeps_best) * weights,
        optimizer=2 * weights,
        activations=max(trained, evaluated),
        state=(3 + keeps_best) * weights,
    )


def evaluation_memory(architecture: Architecture, lengths: Sequence[int]) -> Memory:
    """What evaluating a checkpoint as it is needs at most."""
    evaluated = _activations(architecture, ROWS, lengths[-1], *EVALUATED) / architecture.layers
    weights = NUMBER * architecture.parameters / MB
    return Memory(RUNTIME, PROGRAM * len(lengths), 2 * weights, 0, evaluated, 0)


def _activations(
    architecture: Architecture, rows: int, length: int, hidden: float, attention: float
) -> float:
    token = hidden * architecture.dim + attention * architecture.heads * length
    return NUMBER * architecture.layers * rows * length * token / MB
