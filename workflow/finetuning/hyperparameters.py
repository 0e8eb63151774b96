"""The hyperparameters of one training run, and the learning rate at each of its steps."""

from dataclasses import dataclass, fields

SCHEDULES = ("constant", "linear")
LOOKS_AHEAD = ("linear",)  # the run for 2 epochs is not the first part of the run for 3


@dataclass(frozen=True)
class Hyperparameters:
    """learning_rate: the peak; warmup: epochs (a fraction will do) over which it rises linearly
    from 0; schedule: "constant" or "linear" (falling to 0 at the end of the last epoch);
    weight_decay: AdamW's, not applied to biases and layer norms; dropout: rate inside the encoder;
    frozen_layers: 0 = none, k = embeddings and the first k blocks are not trained.
    """

    learning_rate: float
    batch_size: int
    epochs: int
    weight_decay: float
    dropout: float
    warmup: float
    frozen_layers: int
    schedule: str


NAMES = tuple(field.name for field in fields(Hyperparameters))


def learning_rate_at(step: int, steps_per_epoch: int, hyperparameters: Hyperparameters) -> float:
    """The learning rate of a step (counted from 0)."""
    warmup_steps = round(hyperparameters.warmup * steps_per_epoch)
    if step < warmup_steps:
        return hyperparameters.learning_rate * (step + 1) / warmup_steps
    if hyperparameters.schedule == "linear":
        last = hyperparameters.epochs * steps_per_epoch
        return hyperparameters.learning_rate * (last - step) / (last - warmup_steps)
    return hyperparameters.learning_rate
