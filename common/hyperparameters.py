"""The hyperparameters of one training run, and the learning rate at each of its steps."""

import math
from dataclasses import dataclass, fields

SCHEDULES = ("constant", "linear", "cosine", "reduce_on_plateau")
LOOKS_AHEAD = ("linear", "cosine")  # the run for 2 epochs is not the first part of the run for 3


@dataclass(frozen=True)
class Hyperparameters:
    """learning_rate: the peak; warmup: epochs (a fraction will do) over which it rises linearly
    from 0; schedule: "constant", "linear" or "cosine" (falling to 0 at the end of the last epoch),
    "reduce_on_plateau" (multiplied by plateau_factor whenever plateau_patience epochs brought no
    better validation loss); weight_decay: AdamW's, not applied to biases and layer norms; dropout:
    rate inside the encoder; frozen_layers: 0 = none, k = embeddings and the first k blocks are not
    trained; early_stopping: training stops after so many epochs without a better validation loss,
    and the best epoch's weights are the result (0: never).
    """

    learning_rate: float
    batch_size: int
    epochs: int
    weight_decay: float
    dropout: float
    warmup: float
    frozen_layers: int
    schedule: str
    plateau_factor: float = 0.5
    plateau_patience: int = 1
    early_stopping: int = 0

    @property
    def validates(self) -> bool:
        """Whether the run needs validation examples."""
        return self.early_stopping > 0 or self.schedule == "reduce_on_plateau"


NAMES = tuple(field.name for field in fields(Hyperparameters))


def learning_rate_at(
    step: int, steps_per_epoch: int, hyperparameters: Hyperparameters, reductions: int = 0
) -> float:
    """The learning rate of a step (counted from 0), after so many reductions on a plateau."""
    peak = hyperparameters.learning_rate * hyperparameters.plateau_factor**reductions
    warmup_steps = round(hyperparameters.warmup * steps_per_epoch)
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if hyperparameters.schedule in LOOKS_AHEAD:
        last = hyperparameters.epochs * steps_per_epoch
        left = (last - step) / (last - warmup_steps)
        if hyperparameters.schedule == "linear":
            return peak * left
        return peak * (1 + math.cos(math.pi * (1 - left))) / 2
    return peak


@dataclass
class Patience:
    """Counts the epochs since the validation loss was last better than ever before."""

    best: float = math.inf
    waited: int = 0

    def tell(self, loss: float) -> bool:
        """Takes an epoch's validation loss; whether it is the best so far."""
        better = loss < self.best
        self.best = min(loss, self.best)
        self.waited = 0 if better else self.waited + 1
        return better
