"""The hyperparameters of one training run: each is defined here, once.

The trainer takes the dataclass; the schema of the configuration, its checks and the table in the
README follow from its fields. A new hyperparameter is a field here, with a default that changes
nothing (then configurations and finished cells without it stay valid), and its use in the trainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, get_type_hints

from common.sections import key_schema, needs

SCHEDULES = ("constant", "linear", "cosine", "reduce_on_plateau")
LOOKS_AHEAD = ("linear", "cosine")  # the run for 2 epochs is not the first part of the run for 3


def _hyperparameter(scale: str, meaning: str, what: str, **rules: Any) -> dict[str, Any]:
    return needs(what, **rules) | {"scale": scale, "meaning": meaning}


@dataclass(frozen=True)
class Hyperparameters:
    """The values of one run. A field's metadata holds its usual scale as a factor, its meaning,
    and what a value has to be.
    """

    learning_rate: float = field(
        metadata=_hyperparameter(
            "log10",
            "peak learning rate of AdamW",
            "a positive number such as 3.0e-5",
            exclusiveMinimum=0,
        )
    )
    batch_size: int = field(
        metadata=_hyperparameter(
            "log2", "examples in a batch", "a whole number of at least 1", minimum=1
        )
    )
    epochs: int = field(
        metadata=_hyperparameter(
            "linear", "passes over the training examples", "a whole number of at least 1", minimum=1
        )
    )
    weight_decay: float = field(
        metadata=_hyperparameter(
            "linear",
            "AdamW's weight decay; biases and layer norms are exempt",
            "a number of at least 0",
            minimum=0,
        )
    )
    dropout: float = field(
        metadata=_hyperparameter(
            "linear",
            "dropout rate inside the encoder",
            "a rate from 0 to below 1",
            minimum=0,
            exclusiveMaximum=1,
        )
    )
    warmup: float = field(
        metadata=_hyperparameter(
            "linear",
            "epochs, or a fraction of one, over which the learning rate rises linearly from 0",
            "a number of epochs from 0 to 1000000",
            minimum=0,
            maximum=1_000_000,
        )
    )
    frozen_layers: int = field(
        metadata=_hyperparameter(
            "linear",
            "0: everything is trained; k: the embeddings and the first k blocks are frozen",
            "a whole number of at least 0",
            minimum=0,
        )
    )
    schedule: str = field(
        metadata=_hyperparameter(
            "categorical",
            "how the learning rate falls: not at all, to 0 at the last step, or whenever the "
            "validation loss reaches a plateau",
            "constant, linear, cosine or reduce_on_plateau",
            enum=list(SCHEDULES),
        )
    )
    plateau_factor: float = field(
        default=0.5,
        metadata=_hyperparameter(
            "linear",
            "reduce_on_plateau multiplies the learning rate by this",
            "a factor between 0 and 1",
            exclusiveMinimum=0,
            exclusiveMaximum=1,
        ),
    )
    plateau_patience: int = field(
        default=1,
        metadata=_hyperparameter(
            "linear",
            "epochs without a better validation loss that make a plateau",
            "a whole number of epochs of at least 1",
            minimum=1,
        ),
    )
    early_stopping: int = field(
        default=0,
        metadata=_hyperparameter(
            "linear",
            "epochs without a better validation loss after which training stops and the best "
            "epoch's weights are the result (0: never)",
            "a whole number of epochs of at least 0",
            minimum=0,
        ),
    )

    @property
    def validates(self) -> bool:
        """Whether the run needs validation examples."""
        return self.early_stopping > 0 or self.schedule == "reduce_on_plateau"


@dataclass(frozen=True)
class Definition:
    """What is known of a hyperparameter.

    kind: float, int or str. needs: what a value has to be, in words; schema: the same as JSON
    Schema. scale: log10, log2, linear or categorical, as it usually is as a factor. default: what
    a run has that does not name it, None where every run has to.
    """

    name: str
    kind: type
    scale: str
    meaning: str
    needs: str
    schema: dict[str, Any]
    default: Any


def _definitions() -> dict[str, Definition]:
    kinds = get_type_hints(Hyperparameters)
    return {
        each.name: Definition(
            each.name,
            kinds[each.name],
            each.metadata["scale"],
            each.metadata["meaning"],
            each.metadata["needs"],
            key_schema(kinds[each.name], each.metadata),
            None if each.default is MISSING else each.default,
        )
        for each in fields(Hyperparameters)
    }


HYPERPARAMETERS = _definitions()
NAMES = tuple(HYPERPARAMETERS)
NEUTRAL = {name: each.default for name, each in HYPERPARAMETERS.items() if each.default is not None}


def with_neutral(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a run that was described before some hyperparameters were there."""
    return NEUTRAL | dict(values)
