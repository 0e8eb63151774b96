"""The scale on which a metric is analysed: its own, or its logarithm or log-odds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Scale:
    """Increasing functions of arrays of any shape.

    unit: of values on the scale, None for the metric's own. forward: from the metric's unit to the
    scale; inverse: back; slope: the derivative of ``inverse``.
    """

    unit: str | None
    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    slope: Callable[[Array], Array]


OWN = Scale(None, lambda values: values, lambda values: values, np.ones_like)


def _exponential(values: Array) -> Array:
    with np.errstate(over="ignore"):  # an end of an interval may be infinite
        return np.exp(values)


LOGARITHM = Scale("log units", np.log, _exponential, _exponential)


def log_odds(low: float, high: float) -> Scale:
    """Of a metric between two bounds: the logit of the share of the way from low to high."""
    width = high - low
    return Scale(
        "log-odds",
        lambda values: logit((values - low) / width),
        lambda values: low + width * expit(values),
        lambda values: width * expit(values) * expit(-values),
    )
