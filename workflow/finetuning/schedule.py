"""The learning rate at each step, and the patience behind early stopping and plateaus."""

import math
from dataclasses import dataclass

from common.hyperparameters import LOOKS_AHEAD, Hyperparameters


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
