"""The hyperparameters of one training run: each is defined here, once.

The trainer takes the dataclass; the schema of the configuration, its checks and the table in the
README follow from its fields. A new hyperparameter is a field here, with a default that changes
nothing (then configurations and finished cells without it stay valid), and its use in the trainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, get_type_hints

from common.sections import key_schema, needs

SCHEDULES = ("constant", "linear", "cosine", "reduce_on_plateau")
LOOKS_AHEAD = ("linear", "cosine")  # the run for 2 epochs is not the first part of the run for 3
METHODS = (
    "synonyms",
    "insertion",
    "deletion",
    "back_translation",
)  # of augmentation, by their rate
# Of augmentation; a baseline has the defaults, with which there is none.
AUGMENTATION = (*METHODS, "augmented_copies", "augmentation")


def _hyperparameter(scale: str, meaning: str, what: str, **rules: Any) -> dict[str, Any]:
    return needs(what, **rules) | {"scale": scale, "meaning": meaning}


def _rate(meaning: str) -> dict[str, Any]:
    return _hyperparameter("linear", meaning, "a share from 0 to 1", minimum=0, maximum=1)


@dataclass(frozen=True)
class Copies:
    """How copies of the training texts are made.

    The rates are shares from 0 (not used) to 1, back_translation of the texts, the others of their
    words; number: copies of each text.
    """

    synonyms: float
    insertion: float
    deletion: float
    back_translation: float
    number: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Copies | None:
        """Those of a run with these hyperparameters; None where every rate is 0."""
        rates = {method: values[method] for method in METHODS}
        return cls(**rates, number=values["augmented_copies"]) if any(rates.values()) else None

    @property
    def name(self) -> str:
        """The same for equal copies: "synonyms=0.1,deletion=0.3,copies=1"."""
        rates = {method: float(getattr(self, method)) for method in METHODS}
        used = [f"{method}={rate!r}" for method, rate in rates.items() if rate > 0]
        return ",".join([*used, f"copies={self.number}"])


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

    synonyms: float = field(
        default=0.0,
        metadata=_rate("share of the content words with synonyms that one replaces; 0: none"),
    )
    insertion: float = field(
        default=0.0,
        metadata=_rate(
            "share of the content words with synonyms of which one is inserted somewhere; 0: none"
        ),
    )
    deletion: float = field(
        default=0.0, metadata=_rate("share of the content words deleted; 0: none")
    )
    back_translation: float = field(
        default=0.0,
        metadata=_rate("share of the texts translated into another language and back; 0: none"),
    )
    augmented_copies: int = field(
        default=1,
        metadata=_hyperparameter(
            "log2",
            "copies of each training text, changed by the rates above if one is not 0",
            "a whole number of at least 1",
            minimum=1,
        ),
    )
    augmentation: str = field(
        default="append",
        metadata=_hyperparameter(
            "categorical",
            "append: an epoch has the texts and their copies; replace: it has one copy in place of "
            "each text, the next copy in the next epoch",
            "append or replace",
            enum=["append", "replace"],
        ),
    )

    @property
    def validates(self) -> bool:
        """Whether the run needs validation examples."""
        return self.early_stopping > 0 or self.schedule == "reduce_on_plateau"

    @property
    def copies(self) -> Copies | None:
        """The copies of training texts that the run trains on; None without augmentation."""
        return Copies.of(vars(self))

    def record(self) -> dict[str, Any]:
        """The values by name, as `recorded` has them."""
        return recorded(asdict(self))


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


def of_baseline(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a baseline's hyperparameters: what is said of them, and no augmentation."""
    return {name: NEUTRAL[name] for name in AUGMENTATION} | dict(values)


def with_neutral(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a run that was described before some hyperparameters were there."""
    return NEUTRAL | dict(values)


def recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a run without augmentation's defaults: where there is none, what was recorded
    before there was any.
    """
    return {k: v for k, v in values.items() if k not in AUGMENTATION or v != NEUTRAL[k]}


def values_of(config: Mapping[str, Any], name: str) -> dict[str, list]:
    """The key that sets a hyperparameter, and its levels, its range's ends or its one value."""
    if name in config["factors"]:
        key = "levels" if "levels" in config["factors"][name] else "range"
        return {f"factors.{name}.{key}": config["factors"][name][key]}
    return {f"training.{name}": [with_neutral(config["training"])[name]]}
